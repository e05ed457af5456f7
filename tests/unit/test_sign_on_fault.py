"""What a real answer of the provider, or the lack of one, tells of everybody, and which refresh token is sent next."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, cast

import pytest

from api.access.single_sign_on import SingleSignOn
from tests.issuer import Issuer, issuer
from tradewire.access.browser_secrets import digest_of
from tradewire.access.grant import Grant, Subject, client_of
from tradewire.access.groups import GroupRoles
from tradewire.access.principals import Principals
from tradewire.access.provider import Provider
from tradewire.logging import setup
from tradewire.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from api.http.audit import RequestTrail

GROUPS = {"groups": ["desk"]}


class Scene:
    """A stack with sessions, and the provider that it asks."""

    def __init__(self, home: Path, running: Issuer) -> None:
        (home / "ledger").mkdir()
        self.provider = running
        self.oidc = Provider(url=running.url, client_id="tradewire")
        roles = GroupRoles.parse("desk=viewer")
        self.settings = Settings(home=home, access="oidc", oidc=self.oidc, group_roles=roles)
        self.principals = Principals(self.settings)
        self.sign_on = SingleSignOn(self.settings, self.principals, cast("RequestTrail", None), setup("api"))
        names = ("authorization", "token", "userinfo")
        running.publish(running.signer, **{f"{name}_endpoint": f"{running.url}/{name}" for name in names})
        self.sign_on.discovery.step()

    def answer(self, path: str, status: int, content: Any) -> None:
        self.provider.answers[path] = (status, content, {})

    def add(self, sub: str, refresh: str = "", access: str = "") -> str:
        """Add a session that is due. Return its name."""
        subject = Subject.of(self.oidc, {"sub": sub})
        checked = time.time() - self.settings.recheck_seconds / 2
        client = client_of(self.oidc)
        grant = Grant(client, subject, sub, ("desk",), checked, False, refresh, access)  # noqa: FBT003 - the user info
        digest = digest_of(self.principals.sessions.make(grant.owner))
        self.principals.grants.put(digest, grant)
        return digest

    def grant(self, digest: str) -> Grant:
        found = self.principals.grants.get(digest)
        assert found is not None
        return found


@pytest.fixture
def scene(home: Path) -> Iterator[Scene]:
    with issuer() as running:
        yield Scene(home, running)


def test_tokens_alone_are_no_answer_while_the_user_info_is_away(scene: Scene) -> None:
    for sub in "abc":
        scene.add(sub, refresh="r")
    scene.answer("/token", 200, {"access_token": "a", "token_type": "Bearer"})
    scene.answer("/userinfo", 500, {})
    scene.sign_on.renewer.step()
    assert "answers 500" in scene.sign_on.fault()


def test_the_user_info_alone_is_an_answer(scene: Scene) -> None:
    silent = [scene.add(sub, access="a") for sub in "ab"]
    scene.answer("/userinfo", 500, {})
    scene.sign_on.renewer.step()
    assert "answers 500" in scene.sign_on.fault()
    for digest in silent:
        scene.principals.sessions.end(digest)
    scene.add("c", access="a")
    scene.answer("/userinfo", 200, {"sub": "c"} | GROUPS)
    scene.sign_on.renewer.step()
    assert scene.sign_on.fault() == ""
    assert scene.sign_on._answers.answered_at > 0  # noqa: SLF001 - later silences are compared with it


def test_a_new_refresh_token_is_kept_while_the_user_info_is_away(scene: Scene) -> None:
    digest = scene.add("a", refresh="first")
    checked = scene.grant(digest).checked
    scene.answer("/userinfo", 500, {})
    for given in ("second", "third"):
        scene.answer("/token", 200, {"access_token": "a", "token_type": "Bearer", "refresh_token": given})
        scene.sign_on.renewer.step()
        assert (scene.grant(digest).refresh_token, scene.grant(digest).checked) == (given, checked)
    scene.answer("/userinfo", 200, {"sub": "a"} | GROUPS)
    scene.sign_on.renewer.step()
    assert [each["refresh_token"] for each in scene.provider.sent] == ["first", "second", "third"]
    assert scene.grant(digest).checked > checked
