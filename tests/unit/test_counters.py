"""The crash-safe counter within one process: counts, times of receipt, files, and the stack's id."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest

from tradewire.errors import Unavailable
from tradewire.ledger import counters
from tradewire.ledger.counters import Counter, Totals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


def file_count(folder: Path) -> int:
    return len(list(folder.glob("accepted-*")))


def test_totals_are_zero_before_the_first_count(tmp_path: Path) -> None:
    assert counters.read_totals(tmp_path / "none") == Totals(0, 0)


def test_begun_and_accepted_messages_are_counted_at_once(tmp_path: Path) -> None:
    counter = Counter(tmp_path / "ledger")
    counter.count_begun(3)
    assert counters.read_totals(tmp_path / "ledger") == Totals(3, 0)
    counter.count_begun(1)
    counter.count_accepted(2)
    assert counters.read_totals(tmp_path / "ledger") == Totals(4, 2)
    counter.close()


def test_a_time_of_receipt_is_the_clocks_time(tmp_path: Path) -> None:
    with counter_in(tmp_path) as counter:
        before = counters.clock_microseconds()
        first, second = counter.next_time(), counter.next_time()
        assert before <= first < second < time.time_ns() // 1000 + 1000
        assert counters.clock_microseconds() % 128 == 0


def test_requests_of_all_processes_have_different_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 1_767_355_200_000_000_000)  # the clock stands still
    all_counters = [Counter(tmp_path) for _ in range(128)]
    times = [counter.next_time() for counter in all_counters for _ in range(500)]
    assert len(set(times)) == len(times)
    for counter in all_counters:
        counter.close()


def set_clock(monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    """Let the clock stand still at a time in seconds since 1970."""
    monkeypatch.setattr(time, "time_ns", lambda: seconds * 10**9)


def test_a_process_takes_another_file_when_the_clock_was_set_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_clock(monkeypatch, 1_767_355_200)
    with counter_in(tmp_path) as counter:
        counter.next_time()
        assert counter.number == 0
        set_clock(monkeypatch, 1_767_351_600)
        assert 0 <= counter.next_time() - 1_767_351_600 * 10**6 < 256
        assert counter.number == 1
        with counter_in(tmp_path) as successor:
            assert successor.number == 2, "the last time of the first file is in the future"
            set_clock(monkeypatch, 1_767_355_201)
            with counter_in(tmp_path) as later:
                assert later.number == 0


def test_counts_go_on_in_the_other_file_after_the_clock_was_set_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_clock(monkeypatch, 1_767_355_200)
    with counter_in(tmp_path) as counter:
        counter.next_time()
        counter.count_begun(2)
        set_clock(monkeypatch, 1_767_351_600)
        counter.next_time()
        counter.count_begun(3)
        counter.count_accepted(1)
        assert counters.read_totals(tmp_path) == Totals(5, 1)


def test_times_are_unique_over_restarts_and_a_clock_that_is_set_back_by_an_hour_again_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    times: list[int] = []
    for seconds in (7200, 3600, 7200, 3600, 0, 7200):
        set_clock(monkeypatch, 1_767_355_200 + seconds)
        for _ in range(3):  # each is a process
            with counter_in(tmp_path) as one, counter_in(tmp_path) as other:
                times += [counter.next_time() for counter in (one, other, one, other)]
    assert len(set(times)) == len(times)


def test_times_stay_unique_if_the_last_times_of_all_files_are_in_the_future(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_clock(monkeypatch, 1_767_355_200)
    all_counters = [Counter(tmp_path) for _ in range(128)]
    times = [counter.next_time() for counter in all_counters]
    for counter in all_counters:
        counter.close()
    set_clock(monkeypatch, 1_767_351_600)
    for _ in range(2):
        with counter_in(tmp_path) as counter:
            times += [counter.next_time(), counter.next_time()]
    assert len(set(times)) == len(times)


def test_without_room_for_another_file_the_counter_is_unavailable_until_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with counter_in(tmp_path) as counter:
        first = counter.next_time()
        (tmp_path / "accepted-1").mkdir()
        set_clock(monkeypatch, 1_767_355_200)
        for _ in range(2):
            with pytest.raises(Unavailable, match="accepted-1"):
                counter.next_time()
        counter.count_begun(1)
        (tmp_path / "accepted-1").rmdir()
        assert counter.next_time() < first
        assert counters.read_totals(tmp_path) == Totals(1, 0)


def test_the_numbers_of_slots_of_a_file_grow_by_one_over_restarts(tmp_path: Path) -> None:
    numbers = []
    for _ in range(3):
        with counter_in(tmp_path) as counter:
            numbers += [counter.next_slot(), counter.next_slot()]
    assert numbers == [1, 2, 3, 4, 5, 6]


def test_an_empty_file_counts_as_zero(tmp_path: Path) -> None:
    (tmp_path / "accepted-0").touch()
    assert counters.read_totals(tmp_path) == Totals(0, 0)


def test_at_most_128_processes_can_count(tmp_path: Path) -> None:
    open_counters = [Counter(tmp_path) for _ in range(128)]
    with pytest.raises(Unavailable, match="128 processes count in"):
        Counter(tmp_path)
    for counter in open_counters:
        counter.close()
    Counter(tmp_path).close()
    assert file_count(tmp_path) == 128


@pytest.mark.parametrize("use", [Counter, counters.read_totals, counters.stack_id])
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
def counter_in(folder: Path) -> Iterator[Counter]:
    """Count in a folder until the end of the block."""
    counter = Counter(folder)
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
        assert counters.read_totals(tmp_path) == Totals(6, 6)


def test_the_totals_are_the_sums_over_all_files(tmp_path: Path) -> None:
    with counter_in(tmp_path) as one, counter_in(tmp_path) as other:
        for counter, messages in ((one, 5), (one, 1), (other, 2)):
            counter.count_begun(messages + 1)
            counter.count_accepted(messages)
        assert file_count(tmp_path) == 2
        assert counters.read_totals(tmp_path) == Totals(11, 8)


@pytest.mark.parametrize("counts", [1, 2])
def test_the_next_process_continues_the_counts_of_a_file(tmp_path: Path, counts: int) -> None:
    for _ in range(2):
        with counter_in(tmp_path) as counter:
            for _ in range(counts):
                counter.count_begun(7)
            counter.count_accepted(4)
    assert file_count(tmp_path) == 1
    assert counters.read_totals(tmp_path) == Totals(14 * counts, 8)


@pytest.mark.usefixtures("stopped_clock")
def test_each_process_has_its_own_microseconds_of_128(tmp_path: Path) -> None:
    with ExitStack() as stack:
        open_counters = [stack.enter_context(counter_in(tmp_path)) for _ in range(4)]
        assert [counter.next_time() % 128 for counter in open_counters] == [0, 1, 2, 3]


@pytest.mark.usefixtures("stopped_clock")
def test_times_run_at_most_a_thousand_steps_of_128_microseconds_ahead_of_the_clock(tmp_path: Path) -> None:
    with counter_in(tmp_path) as counter:
        first, *later = [counter.next_time() for _ in range(1002)]
        assert later[:-1] == [*range(first + 128, first + 128_001, 128)]
        assert (later[-1], counter.number) == (first + 1, 1), "the next one is of another file"


def test_a_file_that_a_process_is_just_creating_hides_no_other(tmp_path: Path) -> None:
    with (tmp_path / "accepted-0").open("w") as being_created:
        fcntl.flock(being_created, fcntl.LOCK_EX)
        with counter_in(tmp_path) as counter:
            counter.count_begun(1)
            assert counters.read_totals(tmp_path) == Totals(1, 0)


def test_only_the_user_may_read_the_files(tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    with counter_in(folder):
        assert [(path.stat().st_mode & 0o777, path.stat().st_size) for path in folder.iterdir()] == [(0o600, 32)]
    assert folder.stat().st_mode & 0o777 == 0o700
    counters.stack_id(tmp_path / "other")
    assert (tmp_path / "other").stat().st_mode & 0o777 == 0o700


def test_a_file_for_which_the_disk_has_no_room_is_free_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: int) -> None:
        raise OSError(errno.ENOSPC, "no space left")

    with monkeypatch.context() as patch, pytest.raises(Unavailable, match="no space left"):
        patch.setattr(os, "posix_fallocate", fail)
        Counter(tmp_path)
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


def test_continued_files_have_the_counts_of_one_moment_and_the_times_and_slots_of_a_later_one(tmp_path: Path) -> None:
    with counter_in(tmp_path) as first:
        first.count_begun(3)
        first.count_accepted(2)
        counted = counters.read_files(tmp_path)
        first.count_begun(5)
        first.count_accepted(5)
        last_time, last_slot = first.next_time(), first.next_slot()
        with counter_in(tmp_path) as second:
            second.count_begun(1)
            later = counters.read_files(tmp_path)
    continued = tmp_path / "continued"
    continued.mkdir()
    for name, content in counters.continued(counted, later).items():
        (continued / name).write_bytes(content)
    assert counters.read_totals(continued) == counters.sum_up(counted) == Totals(3, 2)
    with counter_in(continued) as again:
        assert again.next_time() > last_time
        assert again.next_slot() == last_slot + 1
