"""A session at a provider counts while its grant is there, is of this provider, and was confirmed lately."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from websockets.datastructures import Headers
from werkzeug.exceptions import Forbidden

from api.http.auth import Access
from tradewire.access import browser_secrets
from tradewire.access.grant import Grant, Grants, Subject, client_of
from tradewire.access.groups import GroupRoles
from tradewire.access.key import Role
from tradewire.access.principals import Principals
from tradewire.access.provider import Provider
from tradewire.errors import Unavailable, Unconfirmed
from tradewire.settings import Settings
from wsserver.admission import Admission

if TYPE_CHECKING:
    from pathlib import Path

PROVIDER = Provider(url="https://id.example", client_id="tradewire")
SUBJECT = Subject.of(PROVIDER, {"sub": "7", "preferred_username": "alice"})


class Scene:
    """A stack with one session."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.settings = Settings(
            home=home, access="oidc", oidc=PROVIDER, group_roles=GroupRoles.parse("desk=viewer,support=operator")
        )
        self.principals = Principals(self.settings)
        self.secret = self.principals.sessions.make(grant().owner)
        self.put()

    @property
    def digest(self) -> str:
        return browser_secrets.digest_of(self.secret)

    @property
    def cookie(self) -> str:
        return f"{self.principals.session_cookie}={self.secret}"

    def put(self, **changes: Any) -> None:
        """Write the grant, with changes."""
        self.principals.grants.put(self.digest, msgspec.structs.replace(grant(), **changes))


def grant() -> Grant:
    return Grant(client_of(PROVIDER), SUBJECT, "7", ("desk",), time.time())


@pytest.fixture
def scene(home: Path) -> Scene:
    (home / "ledger").mkdir()
    return Scene(home)


def none(_: str) -> str:
    return ""


def test_a_session_has_the_name_and_the_roles_of_its_grant(scene: Scene) -> None:
    found = scene.principals.find("", scene.cookie, none)
    assert found is not None
    assert (found.name, found.roles) == (SUBJECT.name, frozenset({Role.VIEWER}))
    scene.put(groups=("support", "strangers"))
    assert scene.principals.current(found) == msgspec.structs.replace(found, roles=frozenset({Role.OPERATOR}))


def test_a_person_whose_groups_have_lost_their_roles_is_told_of_that(scene: Scene) -> None:
    scene.put(groups=("strangers",))
    environ = {"HTTP_COOKIE": scene.cookie, "REQUEST_METHOD": "GET"}
    with pytest.raises(Forbidden) as refused:
        Access(scene.settings).check(environ, frozenset({Role.VIEWER}))
    assert refused.value.description == f"{SUBJECT.name} is in no group that has a role: see TRADEWIRE_GROUP_ROLES."


@pytest.mark.parametrize(
    "changes", [{"client": "other https://id.example"}, {"client": "tradewire https://evil.example"}]
)
def test_a_grant_of_another_provider_or_client_does_not_count(scene: Scene, changes: dict[str, str]) -> None:
    scene.put(**changes)
    assert scene.principals.find("", scene.cookie, none) is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"sub":7}', b"\xff", b'{"sub":"\xff"}'])
def test_a_damaged_grant_ends_the_session(scene: Scene, content: bytes) -> None:
    (scene.settings.grants / scene.digest).write_bytes(content)
    assert scene.principals.find("", scene.cookie, none) is None


def test_a_session_without_a_grant_and_a_grant_without_a_session_do_not_count(scene: Scene) -> None:
    scene.principals.sessions.end(scene.digest)
    assert scene.principals.find("", scene.cookie, none) is None
    scene.put()  # a refresh that was under way
    assert scene.principals.find("", scene.cookie, none) is None
    other = Scene(scene.home)
    other.principals.grants.remove(other.digest)
    assert other.principals.find("", other.cookie, none) is None


def test_a_session_of_a_local_user_does_not_count_with_a_provider(scene: Scene) -> None:
    keys = Principals(replace(scene.settings, access="keys", oidc=Provider(), group_roles=GroupRoles()))
    assert keys.find("", scene.cookie, none) is None


@pytest.mark.parametrize("age", [600, -100])
def test_an_unconfirmed_session_waits_and_its_feed_ends(scene: Scene, age: float) -> None:
    admission = Admission(scene.settings)
    viewer = admission.admit(Headers(Cookie=scene.cookie))
    assert viewer is not None
    assert 480 <= admission.seconds(viewer) <= 600
    assert admission.still_admits(viewer)
    scene.put(checked=time.time() - age)
    with pytest.raises(Unconfirmed):
        scene.principals.find("", scene.cookie, none)
    with pytest.raises(Unavailable):
        admission.admit(Headers(Cookie=scene.cookie))
    assert not admission.still_admits(viewer)


@pytest.mark.parametrize(
    ("claims", "label"),
    [
        ({"preferred_username": "alice", "email": "a@b"}, "alice"),
        ({"email": "a@b.example"}, "a@b.example"),
        ({"preferred_username": "", "name": "Zoë Ångström"}, "Zo_ _ngstr_m"),
        ({"preferred_username": 7}, "the-sub"),
        ({"preferred_username": "a:b~c\n" + "x" * 99}, "a_b_c_" + "x" * 34),
    ],
)
def test_a_name_is_readable_short_and_bound_to_the_person(claims: dict[str, Any], label: str) -> None:
    subject = Subject.of(PROVIDER, {"sub": "the-sub"} | claims)
    assert subject.name == f"oidc:{label.replace(' ', '_')}~{subject.digest}"
    assert len(subject.name) <= 64
    assert subject.digest == Subject.of(PROVIDER, {"sub": "the-sub"}).digest
    assert subject.digest != Subject.of(PROVIDER, {"sub": "another"}).digest
    assert subject.digest != Subject.of(replace(PROVIDER, url="https://evil.example"), {"sub": "the-sub"}).digest


def test_grants_of_no_folder_are_none(home: Path) -> None:
    assert Grants(home / "nowhere", PROVIDER).written() == {}


def test_a_file_that_is_being_written_is_not_listed_and_one_that_was_left_is(scene: Scene) -> None:
    half_written = scene.settings.grants / "ab.new"
    half_written.write_bytes(b"{")
    assert [*scene.principals.grants.written()] == [scene.digest]
    os.utime(half_written, (0, 0))
    assert sorted(scene.principals.grants.written()) == sorted(["ab.new", scene.digest])
