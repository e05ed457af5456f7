"""API keys: their tokens, their file, and the count of their uses."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.support import ROOT
from tradewire.access import key as access_key
from tradewire.access import key_file, key_use
from tradewire.access.key import Key, Role
from tradewire.access.key_use import KeyUse
from tradewire.access.name import is_name
from tradewire.errors import Unavailable
from tradewire.field_types import TEXT_MAX

if TYPE_CHECKING:
    from pathlib import Path

SECOND = 10**9
WRITER = """
import os, sys
from pathlib import Path
from tradewire.access import key_file
from tradewire.access.key import Role, make
for number in range(10_000):
    with key_file.changing(Path(sys.argv[1]), None) as keys:
        keys.append(make(f"{os.getpid()}-{number}", [Role.PRODUCER], now=1, slot=0)[0])
    print(keys[-1].id, flush=True)
"""
"""Adds keys without end, and prints the id of each after it was written."""


def made(name: str = "alpha", slot: int = 0, rate: int = 0, expires: int | None = None) -> tuple[Key, str]:
    return access_key.make(name, [Role.PRODUCER, Role.VIEWER], now=1000, slot=slot, expires=expires, rate=rate)


# ---- tokens


def test_a_token_names_its_key_and_has_a_secret_of_256_bits() -> None:
    key, token = made()
    prefix, key_id, secret = token.split("_", 2)
    assert (prefix, key_id, len(secret)) == ("tw", key.id, 43)
    assert access_key.id_of(token) == key.id
    assert len({made()[1] for _ in range(100)}) == 100


def test_a_key_matches_its_own_token_alone() -> None:
    (key, token), (_, other) = made(), made()
    assert access_key.matches(key, token)
    for wrong in (other, token[:-1], token[:-1] + chr(ord(token[-1]) ^ 1), token.upper(), token + "é", ""):
        assert not access_key.matches(key, wrong)


def test_a_key_keeps_no_part_of_its_secret() -> None:
    key, token = made()
    assert token.split("_", 2)[2] not in repr(vars(key))


def test_a_key_is_valid_until_it_expires() -> None:
    key, _ = made(expires=2000)
    assert [key.is_valid(now) for now in (0, 1999.9, 2000, 3000)] == [True, True, False, False]
    assert made()[0].is_valid(1e12)


def test_an_ending_key_ends_no_later_than_before() -> None:
    assert [made(expires=expires)[0].ending(1500).expires for expires in (None, 2000, 1200)] == [1500, 1500, 1200]


def test_a_name_that_no_event_has_room_for_is_no_name() -> None:
    assert all(map(is_name, ("a", "A.b_c-9", "a" * TEXT_MAX)))
    assert not any(map(is_name, ("", "a" * (TEXT_MAX + 1), "-a", "a b", "a:b", "a\n", "ä", None, 7)))


# ---- the file


def test_keys_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    assert key_file.read(path) == []
    written = [made("alpha", 0, 100, 2000)[0], made("beta", 1)[0]]
    with key_file.changing(path, None) as keys:
        keys.extend(written)
    assert key_file.read(path) == written
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_change_that_fails_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    with key_file.changing(path, None) as keys:
        keys.append(made()[0])
    before = path.read_bytes()
    with pytest.raises(KeyError), key_file.changing(path, None) as keys:
        keys.clear()
        raise KeyError
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0\0",
        b"[]",
        b'{"keys":[{}]}',
        b'{"keys":[{"id":"a","name":"b","roles":["king"],"digest":"","slot":0,"created":0,"expires":null,"rate":0}]}',
        b'{"keys":[{"id":"a","name":"b","roles":[],"digest":"","slot":"0","created":0,"expires":null,"rate":0}]}',
        b'{"keys":[{"id":1,"name":"b","roles":[],"digest":"","slot":0,"created":0,"expires":null,"rate":0}]}',
        b'{"keys":[{"id":"a","name":1,"roles":[],"digest":"","slot":0,"created":0,"expires":null,"rate":0}]}',
        b'{"keys":[{"id":"a","name":"b c","roles":[],"digest":"","slot":0,"created":0,"expires":null,"rate":0}]}',
    ],
)
def test_a_damaged_file_makes_every_key_unknown_and_is_never_overwritten(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(content)
    with pytest.raises(Unavailable, match=r"keys\.json is damaged"):
        key_file.read(path)
    with pytest.raises(Unavailable), key_file.changing(path, None):
        pytest.fail("the change began")
    assert path.read_bytes() == content


def test_kill_9_in_the_middle_of_writes_leaves_the_file_whole(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    written = []
    for lines in range(1, 9):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True, cwd=ROOT
        ) as writer:
            assert writer.stdout is not None
            written += [writer.stdout.readline().strip() for _ in range(lines)]
            writer.send_signal(signal.SIGKILL)
            written += [line.strip() for line in writer.stdout if line.endswith("\n")]
        ids = [key.id for key in key_file.read(path)]
        assert ids[: len(written)] == written
        written = ids  # the last one may have been written and not printed


def test_changes_by_several_processes_at_once_are_all_kept(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    program = WRITER.replace("10_000", "20")
    writers = [
        subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, text=True, cwd=ROOT)
        for _ in range(3)
    ]
    printed = {line for writer in writers for line in writer.communicate()[0].split()}
    assert len(printed) == 60
    assert {key.id for key in key_file.read(path)} == printed


# ---- uses


def at(monkeypatch: pytest.MonkeyPatch, nanoseconds: int) -> None:
    """Let the monotonic clock stand at this time."""
    monkeypatch.setattr(time, "monotonic_ns", lambda: nanoseconds)


def test_a_key_over_its_rate_is_refused_by_all_processes_until_its_time_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = made(rate=10)[0]
    first, second = KeyUse(tmp_path / "use"), KeyUse(tmp_path / "use")
    at(monkeypatch, 100 * SECOND)
    assert [(first, second)[number % 2].take(key) for number in range(13)] == [True] * 11 + [False] * 2
    at(monkeypatch, 100 * SECOND + SECOND // 10)
    assert [second.take(key), first.take(key)] == [True, False]


def test_a_key_at_exactly_its_rate_is_never_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key, use = made(rate=10)[0], KeyUse(tmp_path / "use")
    for second in range(5):
        at(monkeypatch, (100 + second) * SECOND)
        assert all(use.take(key) for _ in range(10))


def test_a_reboot_that_sets_the_monotonic_clock_back_stops_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, use = made(rate=1)[0], KeyUse(tmp_path / "use")
    at(monkeypatch, 10**6 * SECOND)
    assert use.take(key)
    at(monkeypatch, SECOND)
    assert use.take(key)


def test_the_limit_of_one_key_is_no_other_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use = KeyUse(tmp_path / "use")
    at(monkeypatch, 100 * SECOND)
    first, last = made(rate=1)[0], made(rate=1, slot=key_use.SLOTS - 1)[0]
    assert [use.take(each) for each in (first, first, first, last)] == [True, True, False, True]
    unlimited = made(slot=1)[0]
    assert all(use.take(unlimited) for _ in range(1000))


def test_the_last_use_of_a_key_is_kept_and_no_earlier_keys_use(tmp_path: Path) -> None:
    key, path = made()[0], tmp_path / "use"
    assert key_use.last_use(path, key) is None
    before = int(time.time())
    KeyUse(path).take(key)
    used = key_use.last_use(path, key)
    assert used is not None
    assert before <= used <= time.time()
    assert key_use.last_use(path, made(slot=1)[0]) is None
    assert key_use.last_use(path, replace(key, created=used + 1)) is None  # it got the slot of this one
