"""Users, their passwords and the secrets of their browsers: only hashes are kept, and every file stays whole."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.support import ROOT
from tradewire.access import browser_secrets, password, user
from tradewire.access.browser_secrets import PER_USER_MAX, BrowserSecrets
from tradewire.access.key import Role
from tradewire.access.user import FILE, User, Users
from tradewire.errors import Unavailable

if TYPE_CHECKING:
    from pathlib import Path

ALICE = user.make("alice", [Role.VIEWER], "a hash", now=1)
HOUR = 3600


def write(path: Path, *users: User) -> None:
    """Replace the users of a file."""
    with FILE.changing(path, None) as found:
        found[:] = users


def secrets_in(folder: Path) -> BrowserSecrets:
    """Give secrets that end after 8 hours, or after an idle hour."""
    return BrowserSecrets(folder, lifetime=8 * HOUR, idle=HOUR)


def age(folder: Path, *, used: float) -> None:
    """Let the last use of each secret be so many seconds ago."""
    for path in folder.iterdir():
        os.utime(path, (time.time() - used, time.time() - used))


# ---- Passwords.


def test_a_password_matches_its_own_hash_alone() -> None:
    stored = password.hashed("correct horse battery")
    assert "correct" not in stored
    assert password.matches(stored, "correct horse battery")
    assert not password.matches(stored, "correct horse batterY")
    assert stored != password.hashed("correct horse battery")


def test_a_password_is_the_same_however_the_keyboard_composes_it() -> None:
    assert password.matches(password.hashed("caf\u00e9 au lait !"), "cafe\u0301 au lait !")


@pytest.mark.parametrize("stored", [None, "", "damaged", "$argon2id$v=19$m=65536,t=3,p=1$x$y"])
def test_without_a_hash_no_password_matches(stored: str | None) -> None:
    assert not password.matches(stored, "correct horse battery")


def test_the_hash_of_nobody_costs_as_much_as_that_of_a_user() -> None:
    stored = password.hashed("correct horse battery")
    assert password._UNMATCHED.split("$")[:4] == stored.split("$")[:4]  # noqa: SLF001 - else the time would tell


# ---- Users.


def test_a_change_of_the_file_counts_within_a_second_and_at_once_where_the_newest_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: clock)
    users = Users(tmp_path / "users.json")
    assert users.get("alice") is None
    write(tmp_path / "users.json", ALICE)
    assert users.get("alice") is None
    assert users.newest("alice") == ALICE
    write(tmp_path / "users.json")
    assert users.get("alice") == ALICE
    clock += 1
    assert users.get("alice") is None


def test_another_password_and_a_log_out_begin_a_new_generation_and_other_roles_do_not() -> None:
    assert ALICE.with_password("b").generation != ALICE.generation
    assert ALICE.logged_out().generation != ALICE.generation
    changed = ALICE.with_roles([Role.OPERATOR])
    assert (changed.generation, changed.roles) == (ALICE.generation, frozenset({Role.OPERATOR}))


@pytest.mark.parametrize(
    "text",
    [
        *("damaged", "{}", '{"users":[{"name":"alice"}]}', '{"users":[{"roles":["king"]}]}'),
        '{"users":[{"name":"a b","roles":[],"password":"","generation":"","created":0}]}',
    ],
)
def test_of_a_damaged_file_no_user_is_known(tmp_path: Path, text: str) -> None:
    (tmp_path / "users.json").write_text(text)
    with pytest.raises(Unavailable, match=r"users\.json is damaged"):
        Users(tmp_path / "users.json").get("alice")


# ---- Secrets of browsers.


def test_a_secret_is_found_by_itself_alone_and_only_its_hash_is_stored(tmp_path: Path) -> None:
    held = secrets_in(tmp_path)
    secret = held.make(ALICE)
    found = held.find(secret)
    assert found is not None
    assert (found.user, found.generation) == ("alice", ALICE.generation)
    assert held.get(found.digest) == found
    for wrong in ("", secret[:-1], secret + "x", "../users.json", "\udc80", found.digest):
        assert held.find(wrong) is None
    [path] = tmp_path.iterdir()
    assert secret not in path.name + path.read_text()
    assert path.stat().st_mode & 0o077 == 0
    assert len(secret) * 6 >= 256


def test_a_secret_ends_an_hour_after_its_last_use_and_eight_hours_after_it_was_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = secrets_in(tmp_path)
    secret = held.make(ALICE)
    age(tmp_path, used=HOUR - 100)
    assert held.find(secret)
    age(tmp_path, used=HOUR)
    assert held.find(secret) is None
    age(tmp_path, used=0)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 8 * HOUR)
    os.utime(next(tmp_path.iterdir()), (now + 8 * HOUR, now + 8 * HOUR))
    assert held.find(secret) is None


def test_a_use_is_recorded_and_a_look_is_not(tmp_path: Path) -> None:
    held = secrets_in(tmp_path)
    secret = held.make(ALICE)
    age(tmp_path, used=1000)
    found = held.get(browser_secrets.digest_of(secret))
    assert found is not None
    assert time.time() - found.used > 900
    held.find(secret)
    found = held.get(found.digest)
    assert found is not None
    assert time.time() - found.used < 900


def test_one_secret_ends_or_all_of_a_user_for_every_process_at_once(tmp_path: Path) -> None:
    held, elsewhere = secrets_in(tmp_path), secrets_in(tmp_path)
    bob = user.make("bob", [], "", now=1)
    first, second, other = held.make(ALICE), held.make(ALICE), held.make(bob)
    found = held.find(first)
    assert found is not None
    assert held.end(found.digest) == [found.digest]
    assert (elsewhere.find(first), bool(elsewhere.find(second))) == (None, True)
    third = held.make(ALICE)
    assert len(held.end_all("alice")) == 2
    assert [bool(elsewhere.find(secret)) for secret in (second, third, other)] == [False, False, True]


def test_a_new_secret_removes_expired_ones_and_the_oldest_of_too_many(tmp_path: Path) -> None:
    held = secrets_in(tmp_path)
    held.make(ALICE)
    (tmp_path / "half.new").write_text("{")
    age(tmp_path, used=2 * HOUR)
    for _ in range(PER_USER_MAX + 1):
        secret = held.make(ALICE)
    assert len(list(tmp_path.iterdir())) == PER_USER_MAX
    assert held.find(secret)


def test_a_damaged_secret_is_not_valid(tmp_path: Path) -> None:
    held = secrets_in(tmp_path)
    secret = held.make(ALICE)
    [path] = tmp_path.iterdir()
    for text in ("", "{", "[]", '{"user": "alice"}'):
        path.write_text(text)
        assert held.find(secret) is None


@pytest.mark.parametrize("kind", ["users", "secrets"])
def test_kill_9_at_any_moment_leaves_users_and_sessions_whole(tmp_path: Path, kind: str) -> None:
    program = f"""
from pathlib import Path
from tradewire.access import user
from tradewire.access.browser_secrets import BrowserSecrets
alice = user.make("alice", [], "x" * 100_000, now=1)
held = BrowserSecrets(Path("secrets"), lifetime=1000, idle=1000)
print("begins", flush=True)
while True:
    if {kind!r} == "users":
        with user.FILE.changing(Path("users.json"), None) as users:
            users[:] = [alice]
    else:
        print(held.make(alice), flush=True)
"""
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", program]
    made: list[str] = []
    for _ in range(8):
        with subprocess.Popen(command, cwd=tmp_path, env=environ, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(random.uniform(0, 0.2))  # noqa: S311 - any moment will do
            process.kill()
            lines = process.stdout.read().splitlines(keepends=True)
            made = [line.strip() for line in lines if line.endswith("\n")]
        assert [each.name for each in FILE.read(tmp_path / "users.json")] in ([], ["alice"])
        held = BrowserSecrets(tmp_path / "secrets", lifetime=1000, idle=1000)
        assert all(held.find(secret) for secret in made[-PER_USER_MAX + 2 :])
    assert kind == "secrets" or FILE.read(tmp_path / "users.json")
