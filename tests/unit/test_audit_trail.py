"""The audit trail: its chain, processes that append at the same time, crashes, and a full disk."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tests.support import ROOT
from tradewire.audit import chain
from tradewire.audit.chain import START, Head
from tradewire.audit.trail import Entry, Trail
from tradewire.audit.walk import Walk
from tradewire.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WRITER = """
import os, sys
from pathlib import Path
from tradewire.audit.trail import Entry, Trail
from tradewire.errors import Unavailable
trail = Trail(Path(sys.argv[1]), Path(sys.argv[2]))
for number in range(10_000):
    try:
        kept = trail.append(Entry("test", "done", f"{os.getpid()}", details={"text": "x" * number}))
    except Unavailable:
        continue
    print(kept, flush=True)
"""
"""Appends records without end, and prints the number of each when it is on the disk. Others may lock it for long."""
SECRET = "0f" * 32


@pytest.fixture
def trail(home: Path) -> Trail:
    (home / "audit-key").write_text(f"{SECRET}\n")
    return Trail(home / "audit/trail.jsonl", home / "audit-key")


def fill(trail: Trail, count: int) -> list[bytes]:
    """Append records. Return the lines of the file."""
    for number in range(count):
        trail.append(Entry("test", "done", f"actor-{number}"))
    return trail.path.read_bytes().splitlines(keepends=True)


def records(trail: Trail) -> list[dict[str, Any]]:
    return [msgspec.json.decode(line) for line in trail.path.read_bytes().splitlines()]


def walked(trail: Trail, seen: Head | None = None) -> Walk:
    walk = Walk(trail, seen)
    walk.advance()
    walk.check_seen()
    return walk


# ---- records


def test_a_record_says_who_did_what_when_from_where_and_with_which_result(trail: Trail) -> None:
    entry = Entry("key-added", "done", "alice", "admin", "10.0.0.7", "abc", {"name": "alpha", "text": "ü\n\"'"})
    assert trail.append(entry) == 1
    [record] = records(trail)
    assert record.pop("at").endswith("Z")
    assert len(record.pop("mac")) == 64
    assert record == {
        "n": 1,
        "action": "key-added",
        "actor": "alice",
        "role": "admin",
        "from": "10.0.0.7",
        "requestId": "abc",
        "result": "done",
        "details": {"name": "alpha", "text": "ü\n\"'"},
    }


def test_only_the_owner_may_read_the_trail(trail: Trail) -> None:
    fill(trail, 1)
    assert (trail.path.stat().st_mode & 0o777, trail.path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_the_head_is_the_last_record(trail: Trail) -> None:
    assert trail.head() == START
    fill(trail, 3)
    assert trail.head() == Head(3, records(trail)[2]["mac"]) == walked(trail).head


def test_a_pseudonym_is_the_same_for_a_user_and_needs_the_key(trail: Trail, home: Path) -> None:
    (home / "other-key").write_text("1e" * 32)
    other = Trail(trail.path, home / "other-key")
    names = {trail.pseudonym("134259"), trail.pseudonym("134260"), other.pseudonym("134259")}
    assert len(names) == 3
    assert trail.pseudonym("134259") in names
    assert not any("134259" in name for name in names)


@pytest.mark.parametrize("secret", [None, "", "short"])
def test_without_a_key_nothing_is_recorded(trail: Trail, home: Path, secret: str | None) -> None:
    (home / "audit-key").unlink()
    if secret is not None:
        (home / "audit-key").write_text(secret)
    with pytest.raises(Unavailable, match=r"audit.key"):
        fill(trail, 1)
    assert not trail.path.exists()


# ---- the walk


def test_a_chain_as_it_was_written_is_whole(trail: Trail) -> None:
    fill(trail, 20)
    walk = walked(trail, trail.head())
    assert (walk.fault, walk.head.count, walk.torn, walk.is_torn) == (None, 20, [], False)


@pytest.mark.parametrize("number", [1, 3, 5])
@pytest.mark.parametrize("place", ["actor-", "test", "Z", ',"mac":"', '"}\n', '{"n"'])
def test_a_changed_line_is_named(trail: Trail, number: int, place: str) -> None:
    lines = fill(trail, 5)
    seen = trail.head()
    at = sum(map(len, lines[: number - 1])) + lines[number - 1].index(place.encode())
    whole = b"".join(lines)
    trail.path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    # If the last line is no record any more, only the head that was seen tells that a crash has not torn it.
    fault = walked(trail).fault or walked(trail, seen).fault
    assert fault is not None
    assert fault.line == number


EDITS: dict[str, tuple[Callable[[list[bytes]], list[bytes]], int, str]] = {
    "first removed": (lambda lines: lines[1:], 1, "record 1 was removed"),
    "one removed": (lambda lines: lines[:2] + lines[3:], 3, "record 3 was removed"),
    "two swapped": (lambda lines: [*lines[:1], lines[2], lines[1], *lines[3:]], 2, "the order was changed"),
    "one repeated": (lambda lines: [*lines[:3], lines[1], *lines[3:]], 4, "a second time, or out of its order"),
    "one renumbered": (
        lambda lines: [*lines[:2], lines[3].replace(b'"n":4', b'"n":3'), *lines[4:]],
        3,
        "record 3 was changed",
    ),
    "text inserted": (lambda lines: [*lines[:2], b"hello\n", *lines[2:]], 3, "no crash has torn it"),
    "line ends joined": (lambda lines: [lines[0][:-1], *lines[1:]], 1, "no crash has torn it"),
}


@pytest.mark.parametrize(("edit", "line", "reason"), EDITS.values(), ids=EDITS)
def test_the_first_line_that_is_not_as_it_was_written_is_named(
    trail: Trail, edit: Callable[[list[bytes]], list[bytes]], line: int, reason: str
) -> None:
    trail.path.write_bytes(b"".join(edit(fill(trail, 5))))
    fault = walked(trail).fault
    assert fault is not None
    assert fault.line == line
    assert reason in fault.reason


def test_a_cut_end_and_a_rewritten_chain_are_found_by_a_head_that_was_seen(trail: Trail) -> None:
    lines = fill(trail, 5)
    seen = trail.head()
    trail.path.write_bytes(b"".join(lines[:3]))
    assert walked(trail).fault is None
    cut = walked(trail, seen).fault
    assert cut is not None
    assert (cut.line, "its end was cut off" in cut.reason) == (4, True)
    fill(trail, 4)  # the chain goes on from there, and is longer than before
    rewritten = walked(trail, Head(5, seen.mac[:13])).fault
    assert rewritten is not None
    assert (rewritten.line, "the chain was rewritten" in rewritten.reason) == (5, True)
    assert walked(trail, Head(3, chain.head_of(lines[2]).mac[:13])).fault is None  # type: ignore[union-attr]


def test_a_walk_goes_on_where_it_was_and_notices_that_the_end_was_cut_off(trail: Trail) -> None:
    walk = walked(trail)
    for count in (2, 4):
        lines = fill(trail, 2)
        walk.advance()
        assert (walk.head.count, walk.fault) == (count, None)
    trail.path.write_bytes(b"".join(lines[:3]))
    walk.advance()
    assert walk.fault is not None


def test_a_walk_notices_that_the_file_was_removed(trail: Trail) -> None:
    fill(trail, 2)
    walk = walked(trail)
    trail.path.unlink()
    walk.advance()
    assert walk.fault is not None


# ---- crashes


def test_a_line_that_is_torn_at_any_byte_is_marked_by_the_next_record_and_the_chain_goes_on(trail: Trail) -> None:
    whole = b"".join(fill(trail, 3))
    start = whole[:-1].rindex(b"\n") + 1
    for end in range(start + 1, len(whole) - 1):
        trail.path.write_bytes(whole[:end])
        before = walked(trail)
        assert (before.fault, before.head.count, before.is_torn) == (None, 2, True)
        assert trail.append(Entry("test", "done")) == 4  # behind the record that marks the torn bytes
        walk = walked(trail)
        assert (walk.fault, walk.head.count, walk.torn, walk.is_torn) == (None, 4, [3], False)
        assert trail.path.read_bytes().startswith(whole[:end])


def test_a_record_that_lacks_only_the_end_of_its_line_is_whole(trail: Trail) -> None:
    whole = b"".join(fill(trail, 3))
    trail.path.write_bytes(whole[:-1])
    assert trail.append(Entry("test", "done")) == 4
    walk = walked(trail)
    assert (walk.fault, walk.torn, walk.head.count) == (None, [], 4)
    assert trail.path.read_bytes().startswith(whole)


def test_a_mark_that_is_torn_itself_is_marked_too(trail: Trail) -> None:
    whole = b"".join(fill(trail, 2))
    trail.path.write_bytes(whole[:-20])
    trail.append(Entry("test", "done"))
    marked = trail.path.read_bytes()
    for end in range(len(whole) - 19, len(marked)):
        trail.path.write_bytes(marked[:end])
        trail.append(Entry("test", "done"))
        walk = walked(trail)
        assert (walk.fault, walk.is_torn) == (None, False)
        assert walk.torn[0] == 2
        assert trail.path.read_bytes().startswith(marked[:end])


@pytest.mark.parametrize("kept", [0, 10, 4096, 200_000])
def test_zeros_that_a_power_cut_left_are_marked(trail: Trail, kept: int) -> None:
    lines = fill(trail, 2)
    trail.path.write_bytes(lines[0] + lines[1][:10] + bytes(kept) + b"\n")
    trail.append(Entry("test", "done"))
    walk = walked(trail)
    assert (walk.fault, walk.torn, walk.head.count) == (None, [2], 3)


def test_torn_bytes_that_were_changed_after_they_were_marked_are_a_fault(trail: Trail) -> None:
    whole = b"".join(fill(trail, 2))
    trail.path.write_bytes(whole[:-20])
    trail.append(Entry("test", "done"))
    marked = trail.path.read_bytes()
    trail.path.write_bytes(marked[: len(whole) - 30] + b"x" + marked[len(whole) - 29 :])
    fault = walked(trail).fault
    assert fault is not None
    assert (fault.line, fault.reason) == (2, "it is no record, and no crash has torn it")


def test_writers_killed_at_any_moment_leave_a_whole_chain_with_each_record_that_they_confirmed(trail: Trail) -> None:
    command: list[str | Path] = [sys.executable, "-c", WRITER, trail.path, trail.path.parent.parent / "audit-key"]
    environ = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    confirmed: list[int] = []
    for confirmations in range(1, 12):
        with ExitStack() as running:
            writers = [
                running.enter_context(subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True))
                for _ in range(3)
            ]
            for writer in writers:
                assert writer.stdout is not None
                confirmed += [int(writer.stdout.readline()) for _ in range(confirmations)]
            for writer in writers:
                writer.send_signal(signal.SIGKILL)
            for writer in writers:
                assert writer.stdout is not None
                confirmed += [int(line) for line in writer.stdout if line.endswith("\n")]
        walk = walked(trail)
        assert walk.fault is None
    assert len(set(confirmed)) == len(confirmed)
    trail.append(Entry("test", "done"))
    walk = walked(trail)
    assert (walk.fault, walk.is_torn) == (None, False)
    lines = trail.path.read_bytes().splitlines(keepends=True)
    whole = {head.count for line in lines if (head := chain.head_of(line))}
    assert set(confirmed) <= whole


# ---- a full disk


@pytest.mark.parametrize("failing", ["write", "fsync"])
def test_a_disk_that_takes_nothing_is_reported_and_leaves_the_file_as_it_was(
    trail: Trail, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    before = b"".join(fill(trail, 2))

    def write_a_part(file: int, data: bytes) -> int:
        if len(data) < 50:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real_write(file, data[: len(data) // 2])

    def refuse(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    real_write = os.write
    with monkeypatch.context() as patch:
        patch.setattr(os, failing, write_a_part if failing == "write" else refuse)
        with pytest.raises(Unavailable, match="No space left on device"):
            trail.append(Entry("test", "done"))
    assert trail.path.read_bytes() == before
    assert trail.append(Entry("test", "done")) == 3


def test_a_process_that_holds_the_trail_delays_others_for_a_bounded_time(
    trail: Trail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tradewire.audit.trail._LOCK_SECONDS", 0.1)
    fill(trail, 1)
    with trail.held(), pytest.raises(Unavailable, match="another process has locked it"):
        trail.append(Entry("test", "done"))
    assert trail.append(Entry("test", "done")) == 2
