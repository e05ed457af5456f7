"""Admission of browsers: by key or by session, as long as the viewer is one. Refused keys are recorded."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest
from websockets.datastructures import Headers

from tests.support import audited
from tradewire.access import key_file, user
from tradewire.access.key import Role, id_of, make
from tradewire.access.principals import Principals
from tradewire.access.watched_file import LOOK_SECONDS
from tradewire.errors import Unavailable
from tradewire.settings import Settings
from wsserver.admission import Admission

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def viewer(home: Path) -> tuple[Admission, str]:
    """Give the admission of a stack with one viewer, and the viewer's token."""
    settings = Settings(home=home, access="keys")
    settings.keys.parent.mkdir()
    key, token = make("desk", [Role.VIEWER], now=0, slot=0)
    with key_file.changing(settings.keys, None) as keys:
        keys.append(key)
    return Admission(settings), token


@pytest.mark.parametrize("name", ["X-API-Key", "Authorization"])
def test_a_repeated_header_is_no_key(viewer: tuple[Admission, str], name: str) -> None:
    admission, token = viewer
    value = token if name == "X-API-Key" else f"Bearer {token}"
    admitted = admission.admit(Headers([(name, value)]))
    assert admitted is not None
    assert admitted.name == "desk"
    assert admission.admit(Headers([(name, value), (name, value)])) is None


def test_refused_keys_are_recorded_in_the_audit_trail_and_handshakes_without_a_key_are_not(
    viewer: tuple[Admission, str], home: Path
) -> None:
    admission, token = viewer
    admission.refusals.spawn = lambda run: run()
    origin = [("X-Forwarded-For", "10.0.0.7"), ("X-Request-ID", "abc"), ("X-Request-ID", "d" * 100)]
    (home / "operator-token").write_text("an-operator")
    for headers in ([], [("X-API-Key", token)], [("X-API-Key", "an-operator")], [("X-API-Key", f"{token}x")]):
        admission.admit(Headers([*origin, *headers]))
    operator, record = audited(home)
    assert (operator["action"], operator["actor"]) == ("request-refused", "operator")
    assert (record["action"], record["result"]) == ("credentials-refused", "refused")
    assert (record["from"], record["requestId"]) == ("10.0.0.7", f"abc,{'d' * 60}")
    assert record["details"] == {"key": id_of(token)}


def test_a_handshake_of_a_principal_that_is_no_viewer_is_recorded_with_its_name(home: Path) -> None:
    settings = Settings(home=home, access="keys")
    settings.keys.parent.mkdir()
    key, token = make("desk", [Role.PRODUCER], now=0, slot=0)
    with key_file.changing(settings.keys, None) as keys:
        keys.append(key)
    admission = Admission(settings)
    admission.refusals.spawn = lambda run: run()
    assert admission.admit(Headers([("X-API-Key", token), ("X-Forwarded-For", "10.0.0.7")])) is None
    [record] = audited(home)
    assert (record["action"], record["actor"], record["from"]) == ("request-refused", "desk", "10.0.0.7")
    assert record["details"] == {"request": "GET /ws", "roles": ["producer"], "needs": ["viewer"]}


class Stack:
    """A stack with one user, and a browser of the user."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        self.settings = Settings(home=home, access="keys")
        self.settings.users.parent.mkdir()
        self.alice = user.make("alice", [Role.VIEWER], "", now=0)
        self.change(self.alice)
        self.principals = Principals(self.settings)
        secret = self.principals.sessions.make(self.alice)
        self.headers = Headers([("Cookie", "a=b"), ("Cookie", f"{self.principals.session_cookie}={secret}; c=d")])

    def change(self, *users: user.User) -> None:
        """Replace the users, and let the time pass after which the file is looked at again."""
        with user.FILE.changing(self.settings.users, None) as found:
            found[:] = users
        self.now += LOOK_SECONDS


@pytest.fixture
def started(home: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    return Stack(home, monkeypatch)


def test_a_viewers_session_admits_the_browser_until_it_ends(started: Stack) -> None:
    admission = Admission(started.settings)
    viewer = admission.admit(started.headers)
    assert viewer is not None
    assert (viewer.name, admission.still_admits(viewer)) == ("alice", True)
    started.principals.sessions.end(viewer.session)
    assert not admission.still_admits(viewer)
    assert admission.admit(started.headers) is None


def test_a_browser_is_admitted_no_more_once_the_role_the_password_or_the_user_is_gone(started: Stack) -> None:
    admission = Admission(started.settings)
    viewer = admission.admit(started.headers)
    assert viewer is not None
    alice = started.alice
    for users in ([alice.with_roles([Role.OPERATOR])], [alice.with_password("")], [alice.logged_out()], []):
        started.change(*users)
        assert (admission.still_admits(viewer), admission.admit(started.headers)) == (False, None)
        started.change(alice)
        assert admission.still_admits(viewer)


def test_a_user_who_was_added_just_now_is_admitted_by_a_server_that_has_read_the_file_before(started: Stack) -> None:
    admission = Admission(started.settings)
    assert admission.admit(started.headers) is not None
    bob = user.make("bob", [Role.VIEWER], "", now=0)
    with user.FILE.changing(started.settings.users, None) as found:
        found.append(bob)
    cookie = f"{started.principals.session_cookie}={started.principals.sessions.make(bob)}"
    viewer = admission.admit(Headers([("Cookie", cookie)]))
    assert viewer is not None
    assert viewer.name == "bob"


def test_the_feed_is_no_use_that_keeps_a_session_from_being_idle(started: Stack) -> None:
    admission = Admission(started.settings)
    viewer = admission.admit(started.headers)
    assert viewer is not None
    path = started.settings.sessions / "open" / viewer.session
    os.utime(path, (time.time() - 1000, time.time() - 1000))
    assert admission.still_admits(viewer)
    assert time.time() - path.stat().st_mtime > 900


def test_while_the_users_can_not_be_read_no_browser_loses_its_feed_and_none_is_admitted(started: Stack) -> None:
    admission = Admission(started.settings)
    viewer = admission.admit(started.headers)
    assert viewer is not None
    started.settings.users.write_text("damaged")
    started.now += LOOK_SECONDS
    assert admission.still_admits(viewer)
    with pytest.raises(Unavailable):
        admission.admit(started.headers)


def test_a_cookie_of_another_stack_is_no_session(started: Stack) -> None:
    admission = Admission(started.settings)
    value = started.headers.get_all("Cookie")[1]
    for other in (value.replace("session-", "session-0"), value.replace("=", "=x", 1), "x; =; ;", ""):
        assert admission.admit(Headers([("Cookie", other)])) is None
