"""The crash-safe counter within one process: counts, times of receipt, files, and the stack's id."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import time
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tradewire import counters
from tradewire.counters import CrashSafeCounter, Totals
from tradewire.errors import Unavailable
from tradewire.event import to_microseconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


def file_count(folder: Path) -> int:
    return len(list(folder.glob("accepted-*")))


def test_totals_are_zero_before_the_first_count(tmp_path: Path) -> None:
    assert counters.read_totals(tmp_path / "none") == Totals(0, 0, 0, None)


def test_begun_and_accepted_messages_are_counted_at_once(tmp_path: Path) -> None:
    counter = CrashSafeCounter(tmp_path / "ledger")
    counter.count_begun(3)
    assert counters.read_totals(tmp_path / "ledger") == Totals(3, 0, 0, None)
    counter.count_begun(1)
    counter.count_accepted(2)  # one job with two events
    assert counters.read_totals(tmp_path / "ledger") == Totals(4, 2, 1, None)
    counter.close()


def test_a_request_is_in_flight_between_its_start_and_its_end(tmp_path: Path) -> None:
    counter = CrashSafeCounter(tmp_path)
    before = to_microseconds(datetime.now(UTC))
    first, second = counter.start_request(), counter.start_request()
    assert before - 128 < first < second < to_microseconds(datetime.now(UTC)) + 1000
    assert counters.read_totals(tmp_path).in_flight_since == first
    counter.end_request(first)
    assert counters.read_totals(tmp_path).in_flight_since == second
    counter.end_request(second)
    assert counters.read_totals(tmp_path).in_flight_since is None
    counter.close()


def test_requests_of_all_processes_have_different_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 1_767_355_200_000_000_000)  # the clock stands still
    all_counters = [CrashSafeCounter(tmp_path) for _ in range(128)]
    times = [counter.start_request() for counter in all_counters for _ in range(500)]
    assert len(set(times)) == len(times)
    for counter in all_counters:
        counter.close()


def test_times_follow_a_clock_that_is_set_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counter = CrashSafeCounter(tmp_path)
    for seconds in (1_767_355_200, 1_767_355_100):
        monkeypatch.setattr(time, "time_ns", lambda now=seconds * 10**9: now)
        assert 0 <= counter.start_request() - seconds * 10**6 < 256
    counter.close()


def test_an_empty_file_counts_as_zero(tmp_path: Path) -> None:
    (tmp_path / "accepted-0").touch()
    assert counters.read_totals(tmp_path) == Totals(0, 0, 0, None)


def test_at_most_128_processes_can_count(tmp_path: Path) -> None:
    open_counters = [CrashSafeCounter(tmp_path) for _ in range(128)]
    with pytest.raises(Unavailable, match="128 processes count in"):
        CrashSafeCounter(tmp_path)
    for counter in open_counters:
        counter.close()
    CrashSafeCounter(tmp_path).close()
    assert file_count(tmp_path) == 128


@pytest.mark.parametrize("use", [CrashSafeCounter, counters.read_totals, counters.stack_id])
def test_an_unusable_folder_or_file_raises_unavailable(tmp_path: Path, use: Callable[[Path], object]) -> None:
    blocked = tmp_path / "accepted-0"
    if use is counters.read_totals:
        blocked.symlink_to(tmp_path / "nowhere")
        blocked = tmp_path
    else:
        blocked.touch()
    with pytest.raises(Unavailable, match=f"can't be kept in {re.escape(str(blocked))}: "):
        use(blocked)


@contextmanager
def counter_in(folder: Path) -> Iterator[CrashSafeCounter]:
    """Count in a folder until the end of the block."""
    counter = CrashSafeCounter(folder)
    yield counter
    counter.close()


@pytest.fixture
def stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop the clock that gives requests their times."""
    monkeypatch.setattr(time, "time_ns", lambda: 1_767_355_200_000_000_000)


def test_each_count_is_added_to_the_earlier_ones(tmp_path: Path) -> None:
    with counter_in(tmp_path) as counter:
        for messages in (1, 2, 3):
            counter.count_begun(messages)
            counter.count_accepted(messages)
        assert counters.read_totals(tmp_path) == Totals(6, 6, 3, None)


def test_the_totals_are_the_sums_over_all_files(tmp_path: Path) -> None:
    with counter_in(tmp_path) as one, counter_in(tmp_path) as other:
        for counter, messages in ((one, 5), (one, 1), (other, 2)):
            counter.count_begun(messages + 1)
            counter.count_accepted(messages)
        assert file_count(tmp_path) == 2
        assert counters.read_totals(tmp_path) == Totals(11, 8, 3, None)


@pytest.mark.parametrize("counts", [1, 2])
def test_the_next_process_continues_the_counts_of_a_file(tmp_path: Path, counts: int) -> None:
    for _ in range(2):
        with counter_in(tmp_path) as counter:
            for _ in range(counts):
                counter.count_begun(7)
            counter.count_accepted(4)
    assert file_count(tmp_path) == 1
    assert counters.read_totals(tmp_path) == Totals(14 * counts, 8, 2, None)


@pytest.mark.usefixtures("stopped_clock")
def test_each_process_has_its_own_microseconds_of_128(tmp_path: Path) -> None:
    with ExitStack() as stack:
        open_counters = [stack.enter_context(counter_in(tmp_path)) for _ in range(4)]
        assert [counter.start_request() % 128 for counter in open_counters] == [0, 1, 2, 3]


@pytest.mark.usefixtures("stopped_clock")
def test_times_run_at_most_a_thousand_steps_of_128_microseconds_ahead_of_the_clock(tmp_path: Path) -> None:
    with counter_in(tmp_path) as counter:
        first, *later = [counter.start_request() for _ in range(1002)]
    assert later == [*range(first + 128, first + 128_001, 128), first]


def test_a_write_leaves_the_record_in_force_as_it_was(tmp_path: Path) -> None:
    with counter_in(tmp_path) as counter:
        for messages in (1, 2, 3):
            before = (tmp_path / "accepted-0").read_bytes()
            counter.count_begun(messages)
            after = (tmp_path / "accepted-0").read_bytes()
            in_force = 8 + 32 * (before[0] % 2)
            assert after[in_force : in_force + 32] == before[in_force : in_force + 32]
            assert after[0] == before[0] + 1


def test_a_file_that_a_process_is_just_creating_hides_no_other(tmp_path: Path) -> None:
    with (tmp_path / "accepted-0").open("w") as being_created:
        fcntl.flock(being_created, fcntl.LOCK_EX)
        with counter_in(tmp_path) as counter:
            counter.count_begun(1)
            assert counters.read_totals(tmp_path) == Totals(1, 0, 0, None)


def test_only_the_user_may_read_the_files(tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    with counter_in(folder):
        assert [(path.stat().st_mode & 0o777, path.stat().st_size) for path in folder.iterdir()] == [(0o600, 72)]
    assert folder.stat().st_mode & 0o777 == 0o700
    counters.stack_id(tmp_path / "other")
    assert (tmp_path / "other").stat().st_mode & 0o777 == 0o700


def test_a_file_for_which_the_disk_has_no_room_is_free_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: int) -> None:
        raise OSError(errno.ENOSPC, "no space left")

    with monkeypatch.context() as patch, pytest.raises(Unavailable, match="no space left"):
        patch.setattr(os, "posix_fallocate", fail)
        CrashSafeCounter(tmp_path)
    with counter_in(tmp_path):
        assert file_count(tmp_path) == 1


def test_of_two_processes_that_create_the_stacks_id_the_faster_one_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []

    def be_slower(size: int) -> str:
        calls.append(size)
        if len(calls) == 2:
            (tmp_path / "stack").write_text("theirs")
        return "ours"

    monkeypatch.setattr("secrets.token_hex", be_slower)
    assert counters.stack_id(tmp_path) == "theirs"
    assert [path.name for path in tmp_path.iterdir()] == ["stack"]


def test_the_stacks_id_has_sixteen_hexadecimal_digits(tmp_path: Path) -> None:
    assert re.fullmatch("[0-9a-f]{16}", counters.stack_id(tmp_path))
