"""The sessions at a provider are confirmed in an order that keeps nobody waiting for another person."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, cast

import pytest

from api.access.renewer import Renewer
from api.operations.provider_check import check_provider
from tradewire.access.browser_secrets import BrowserSecrets, digest_of
from tradewire.access.grant import Grant, Grants, Subject, client_of
from tradewire.access.principals import Principals
from tradewire.access.provider import Provider
from tradewire.audit.trail import Trail
from tradewire.errors import Unavailable
from tradewire.logging import setup
from tradewire.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from api.access.provider_login import ProviderAnswers
    from api.operations.readiness import Component

PROVIDER = Provider(url="https://id.example", client_id="tradewire")
RECHECK_SECONDS = 600
OTHERS = 9


class Answers:
    """A provider that confirms everybody but some people, about whom its answers are errors."""

    def __init__(self, silent_about: set[str]) -> None:
        self.silent_about = silent_about
        self.error: Exception = Unavailable("it answers 500")
        self.answered_at = float("-inf")

    def again(self, grant: Grant, _: Callable[[Grant], None]) -> Grant:
        if grant.sub in self.silent_about:
            raise self.error
        self.answered_at = time.monotonic()
        return Grant(grant.client, grant.subject, grant.sub, grant.groups, time.time())


class Scene:
    """A stack with sessions, and a provider that answers nobody about some of them."""

    def __init__(self, home: Path, *silent: str) -> None:
        (home / "ledger").mkdir()
        self.settings = Settings(home=home, access="oidc", oidc=PROVIDER)
        self.principals = Principals(self.settings)
        self.answers = Answers(set(silent))
        self.digests: dict[str, str] = {}
        trail = Trail(self.settings.audit, self.settings.audit_key)
        answers = cast("ProviderAnswers", self.answers)
        self.renewer = Renewer(self.principals, RECHECK_SECONDS, answers, trail, setup("api"))

    def add(self, sub: str, age: float) -> None:
        """Add a session that was confirmed some seconds ago."""
        subject = Subject.of(PROVIDER, {"sub": sub})
        checked = time.time() - age
        grant = Grant(client_of(PROVIDER), subject, sub, ("desk",), checked)
        self.digests[sub] = digest_of(self.principals.sessions.make(grant.owner))
        self.principals.grants.put(self.digests[sub], grant)

    def unconfirmed(self) -> set[str]:
        found = {sub: self.principals.grants.get(digest) for sub, digest in self.digests.items()}
        return {sub for sub, grant in found.items() if grant and grant.is_due(RECHECK_SECONDS / 3)}

    def component(self) -> Component:
        """Return what /readyz says of the provider."""
        fault = self.renewer.fault if self.renewer.is_unheard else ""
        return check_provider(self.settings, lambda: fault, lambda: self.renewer.fault)["provider"]


def test_people_about_whom_the_provider_is_silent_keep_no_others_waiting(home: Path) -> None:
    silent = [f"silent{number}" for number in range(5)]
    scene = Scene(home, *silent)
    for place, sub in enumerate([*silent, *(f"other{number}" for number in range(OTHERS))]):
        scene.add(sub, RECHECK_SECONDS / 2 - place)  # the oldest grants are those of the silent ones
    for _ in range(3):
        scene.renewer.step()
    assert scene.unconfirmed() == set(silent)
    assert scene.renewer.fault == "it answers 500"
    scene.answers.silent_about.clear()
    scene.renewer.step()
    assert (scene.unconfirmed(), scene.renewer.fault) == (set(), "")


def test_an_unexpected_error_about_one_person_keeps_no_others_waiting(home: Path) -> None:
    scene = Scene(home, "poison")
    scene.answers.error = RecursionError("too deep")
    scene.add("poison", RECHECK_SECONDS / 2)
    for place in range(OTHERS):
        scene.add(f"other{place}", RECHECK_SECONDS / 2 - 1 - place)
    for _ in range(2):
        scene.renewer.step()
    assert scene.unconfirmed() == {"poison"}
    assert (scene.renewer.fault, scene.renewer.is_unheard) == ("RecursionError: too deep", False)


@pytest.mark.parametrize("number", [1, 3])
def test_silence_about_some_people_is_told_apart_from_silence_about_everyone(home: Path, number: int) -> None:
    silent = [f"silent{each}" for each in range(number)]
    scene = Scene(home, *silent)
    for sub in silent:
        scene.add(sub, RECHECK_SECONDS / 2)
    scene.add("other", RECHECK_SECONDS / 2 - 10)
    for _ in range(2):
        scene.renewer.step()
    component = scene.component()
    assert (component.status, "nobody can log in" in component.detail) == ("unconfirmed", False)
    assert "it answers 500" in component.detail
    later = ["later0", "later1"]
    scene.answers.silent_about.update(later)
    for sub in later:
        scene.add(sub, RECHECK_SECONDS / 2)
    scene.renewer.step()
    component = scene.component()
    assert (component.status, "nobody can log in" in component.detail) == ("unavailable", True)
    scene.answers.silent_about.clear()
    scene.renewer.step()
    assert scene.component().status == "ok"


def test_only_grants_that_are_due_are_read(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(home)
    scene.add("old", RECHECK_SECONDS / 2)
    for number in range(OTHERS):
        scene.add(f"new{number}", 1)
    read: list[str] = []
    for kind in (Grants, BrowserSecrets):

        def get(self: Any, digest: str, get: Any = kind.get) -> Any:
            read.append(digest)
            return get(self, digest)

        monkeypatch.setattr(kind, "get", get)
    scene.renewer.step()
    assert read == [scene.digests["old"]] * 2
    scene.renewer.step()
    assert len(read) == 2


def test_a_grant_without_a_session_or_of_another_provider_is_removed(home: Path) -> None:
    scene = Scene(home)
    for sub in ("ended", "foreign", "kept"):
        scene.add(sub, RECHECK_SECONDS / 2)
    scene.principals.sessions.end(scene.digests["ended"])
    path = scene.settings.grants / scene.digests["foreign"]
    path.write_bytes(path.read_bytes().replace(b"id.example", b"id.elsewhere"))
    os.utime(path, (0, 0))
    scene.renewer.step()
    assert [*scene.principals.grants.written()] == [scene.digests["kept"]]
