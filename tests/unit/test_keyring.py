"""The keyring follows its file, and the token is found in either header."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tradewire.access import key as access_key
from tradewire.access import key_file
from tradewire.access import keyring as keyring_module
from tradewire.access.credentials import token_of
from tradewire.access.key import Role
from tradewire.access.keyring import Keyring
from tradewire.access.watched_file import LOOK_SECONDS
from tradewire.errors import Unavailable

if TYPE_CHECKING:
    from pathlib import Path


class Clock:
    """The clocks of this process, which stand still."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monotonic, self.now = 1000.0, 2000.0
        monkeypatch.setattr(time, "monotonic", lambda: self.monotonic)
        monkeypatch.setattr(time, "time", lambda: self.now)

    def pass_a_look(self) -> None:
        """Let the time pass after which the file is looked at again."""
        self.monotonic += LOOK_SECONDS


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def add(path: Path, name: str = "alpha", expires: int | None = None) -> str:
    """Add a key. Return its token."""
    key, token = access_key.make(name, [Role.VIEWER], now=0, slot=0, expires=expires)
    with key_file.changing(path, None) as keys:
        keys.append(key)
    return token


def test_an_added_key_is_valid_at_once_and_a_revoked_one_until_the_next_look(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "keys.json"
    keyring = Keyring(path)
    assert keyring.find("tw_x_y") is None
    token = add(path)
    found = keyring.find(token)
    assert found is not None
    assert (found.name, keyring.find(token)) == ("alpha", found)
    with key_file.changing(path, None) as keys:
        keys.clear()
    clock.pass_a_look()
    assert keyring.find(token) is None


def test_a_revoked_key_is_refused_within_five_seconds() -> None:
    assert LOOK_SECONDS <= 5


def test_an_unchanged_file_is_not_read_again(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    token = add(tmp_path / "keys.json")
    keyring = Keyring(tmp_path / "keys.json")
    assert keyring.find(token)
    monkeypatch.setattr(key_file, "read", lambda _: pytest.fail("read again"))
    clock.pass_a_look()
    assert keyring.find(token)


def test_a_token_is_hashed_once_and_a_wrong_one_each_time(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = add(tmp_path / "keys.json")
    hashed: list[str] = []

    def matches(key: access_key.Key, sent: str) -> bool:
        hashed.append(sent)
        return access_key.matches(key, sent)

    keyring = Keyring(tmp_path / "keys.json")
    monkeypatch.setattr(keyring_module, "matches", matches)
    for sent in (token, token, token + "x", token + "x", token):
        assert (keyring.find(sent) is not None) == (sent == token)
    assert hashed == [token, token + "x", token + "x"]
    clock.pass_a_look()
    assert keyring.find(token)
    assert len(hashed) == 3


def test_a_token_that_comes_again_has_the_same_holder_until_the_file_changes(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "keys.json"
    token = add(path, expires=3000)
    keyring = Keyring(path)
    holder = keyring.find(token)
    assert holder is not None
    assert keyring.find(token) is holder
    assert (holder.name, holder.token, holder.expires) == ("alpha", token, 3000.0)
    assert holder.roles == {Role.VIEWER}
    with key_file.changing(path, None) as keys:
        keys[0] = replace(keys[0], roles=frozenset({Role.PRODUCER}))
    clock.pass_a_look()
    changed = keyring.find(token)
    assert changed is not None
    assert changed.roles == {Role.PRODUCER}


def test_a_key_that_does_not_expire_has_a_holder_who_does_not(tmp_path: Path, clock: Clock) -> None:
    token = add(tmp_path / "keys.json")
    keyring = Keyring(tmp_path / "keys.json")
    clock.now = 1e12
    holder = keyring.find(token)
    assert holder is not None
    assert holder.expires == math.inf


def test_a_wrong_secret_and_an_expired_key_are_not_found(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "keys.json"
    token = add(path, expires=2001)
    keyring = Keyring(path)
    assert keyring.find(token)
    for wrong in (token[:-1], token + "x", token[:-1] + chr(ord(token[-1]) ^ 1), token.upper(), "", "tw_", "é"):
        assert keyring.find(wrong) is None
    clock.now = 2001.0
    assert keyring.find(token) is None


@pytest.mark.parametrize("damage", ["content", "folder"])
def test_while_the_file_can_not_be_read_no_key_is_known_and_then_all_are_again(
    tmp_path: Path, clock: Clock, damage: str
) -> None:
    path = tmp_path / "keys.json"
    token, intact = add(path), path.read_bytes()
    keyring = Keyring(path)
    assert keyring.find(token)
    path.unlink()
    if damage == "content":
        path.write_bytes(intact[:-5])
    else:
        path.mkdir()
    clock.pass_a_look()
    for _ in range(2):
        with pytest.raises(Unavailable, match=r"keys\.json"):
            keyring.find(token)
    if damage == "folder":
        path.rmdir()
    path.write_bytes(intact)
    clock.pass_a_look()
    assert keyring.find(token)


def test_without_its_file_no_key_is_valid(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "keys.json"
    token = add(path)
    keyring = Keyring(path)
    assert keyring.find(token)
    path.unlink()
    clock.pass_a_look()
    assert keyring.find(token) is None


@pytest.mark.parametrize(
    ("api_key", "authorization", "token"),
    [
        (None, None, ""),
        ("", "", ""),
        ("a", None, "a"),
        (None, "Bearer b", "b"),
        (None, "bearer  b ", "b"),
        ("a", "Bearer b", "a"),
        ("a", "Basic b", "a"),
        (None, "Basic b", ""),
        (None, "b", ""),
        (None, "Bearer", ""),
    ],
)
def test_a_token_comes_from_either_header(api_key: str | None, authorization: str | None, token: str) -> None:
    assert token_of(api_key, authorization) == token
