"""The counter: counted by real processes, which are killed while they count."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.support import ROOT, wait_until
from tradewire import counters
from tradewire.counters import CrashSafeCounter, Totals
from tradewire.errors import Unavailable
from tradewire.event import to_microseconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PREPARE = """
import sys, time
from pathlib import Path
from tradewire import counters
from tradewire.counters import CrashSafeCounter
folder = Path(sys.argv[1])
"""
COUNT = """
counted = CrashSafeCounter(folder)
while True:
    received_at = counted.start_request()
    counted.count_begun(2)
    counted.count_accepted(1)
    counted.end_request(received_at)
    print(flush=True)
"""
COUNT_A_THOUSAND = """
counted = CrashSafeCounter(folder)
print(flush=True)
sys.stdin.read()
for _ in range(1000):
    received_at = counted.start_request()
    counted.count_begun(3)
    counted.count_accepted(2)
    counted.end_request(received_at)
"""
HOLD = """
counted = CrashSafeCounter(folder)
counted.count_begun(1)
counted.start_request()
print(flush=True)
time.sleep(60)
"""
NAME = """
print(flush=True)
sys.stdin.read()
print(counters.stack_id(folder))
"""


@contextmanager
def process(program: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Run a program that prints a line at once, and wait for that; it is killed with the block, where it lives on."""
    command = [sys.executable, "-c", PREPARE + program, *map(str, arguments)]
    environ = {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout
        assert started.stdout.readline() == "\n"
        yield started
        started.kill()


def let_go(processes: list[subprocess.Popen[str]]) -> list[str]:
    """Let processes that wait for their input begin, all at once; give what each has printed at its end."""
    for one in processes:
        assert one.stdin
        one.stdin.close()
        one.stdin = None
    return [one.communicate()[0] for one in processes]


def files(folder: Path) -> int:
    return len(list(folder.glob("accepted-*")))


def test_before_anyone_has_counted_all_is_nothing(tmp_path: Path) -> None:
    assert counters.read_totals(tmp_path / "none") == Totals(0, 0, 0, None)


def test_what_is_begun_and_accepted_is_counted_at_once(tmp_path: Path) -> None:
    counted = CrashSafeCounter(tmp_path / "ledger")
    counted.count_begun(3)
    assert counters.read_totals(tmp_path / "ledger") == Totals(3, 0, 0, None)
    counted.count_begun(1)
    counted.count_accepted(2)  # a job of two
    assert counters.read_totals(tmp_path / "ledger") == Totals(4, 2, 1, None)
    counted.close()


def test_a_request_is_in_hand_from_when_it_is_received_until_it_is_dismissed(tmp_path: Path) -> None:
    counted = CrashSafeCounter(tmp_path)
    before = to_microseconds(datetime.now(UTC))
    first, second = counted.start_request(), counted.start_request()
    assert before - 128 < first < second < to_microseconds(datetime.now(UTC)) + 1000
    assert counters.read_totals(tmp_path).in_flight_since == first
    counted.end_request(first)
    assert counters.read_totals(tmp_path).in_flight_since == second
    counted.end_request(second)
    assert counters.read_totals(tmp_path).in_flight_since is None
    counted.close()


def test_no_two_requests_share_their_moment_whoever_receives_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 1_767_355_200_000_000_000)  # all at once
    processes = [CrashSafeCounter(tmp_path) for _ in range(128)]
    moments = [one.start_request() for one in processes for _ in range(500)]
    assert len(set(moments)) == len(moments)
    for one in processes:
        one.close()


def test_a_clock_that_is_set_back_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = CrashSafeCounter(tmp_path)
    for seconds in (1_767_355_200, 1_767_355_100):
        monkeypatch.setattr(time, "time_ns", lambda now=seconds * 10**9: now)
        assert 0 <= counted.start_request() - seconds * 10**6 < 256
    counted.close()


def count_and_be_killed(folder: Path) -> int:
    """Let a process count until it is killed; give how many times it has said that it had counted."""
    before = counters.read_totals(folder).accepted
    with process(COUNT, folder) as counting:
        wait_until(lambda: counters.read_totals(folder).accepted > before + 50, "it counts")
        counting.kill()
        assert counting.stdout
        return 1 + len(counting.stdout.readlines())


def test_what_was_counted_outlives_kill_9_and_the_next_goes_on_in_the_same_file(tmp_path: Path) -> None:
    told = sum(count_and_be_killed(tmp_path) for _ in range(3))
    begun, accepted, jobs, since = counters.read_totals(tmp_path)
    assert told <= accepted <= told + 3, "each that died may have been just about to say so"
    assert 2 * accepted <= begun <= 2 * (accepted + 3), "each that died had at most one in hand"
    assert jobs == accepted, "each of them was alone in its job"
    assert since is None
    assert files(tmp_path) == 1


def test_a_reader_never_sees_a_half_written_record(tmp_path: Path) -> None:
    with process(COUNT, tmp_path):
        for _ in range(5000):
            begun, accepted, jobs, _ = counters.read_totals(tmp_path)
            assert jobs == accepted
            assert begun - 2 * accepted in {0, 2}


def test_processes_that_count_at_once_never_share_a_file(tmp_path: Path) -> None:
    with ExitStack() as stack:
        let_go([stack.enter_context(process(COUNT_A_THOUSAND, tmp_path)) for _ in range(6)])
    assert counters.read_totals(tmp_path) == Totals(18_000, 12_000, 6_000, None)
    assert files(tmp_path) == 6


def test_only_what_a_living_process_has_in_hand_is_in_hand(tmp_path: Path) -> None:
    with process(HOLD, tmp_path) as older:
        since = counters.read_totals(tmp_path).in_flight_since
        assert since
        with process(HOLD, tmp_path):
            assert counters.read_totals(tmp_path) == Totals(2, 0, 0, since)
            older.kill()
            older.wait()
            left = counters.read_totals(tmp_path).in_flight_since
            assert left
            assert left > since
    assert counters.read_totals(tmp_path) == Totals(2, 0, 0, None)


def test_who_takes_over_a_file_has_nothing_in_hand(tmp_path: Path) -> None:
    with process(HOLD, tmp_path):
        pass
    successor = CrashSafeCounter(tmp_path)
    assert counters.read_totals(tmp_path) == Totals(1, 0, 0, None)
    successor.close()


def test_a_file_that_is_about_to_be_made_counts_for_nothing(tmp_path: Path) -> None:
    (tmp_path / "accepted-0").touch()
    assert counters.read_totals(tmp_path) == Totals(0, 0, 0, None)


def test_there_is_an_end_to_the_processes_that_may_count(tmp_path: Path) -> None:
    counting = [CrashSafeCounter(tmp_path) for _ in range(128)]
    with pytest.raises(Unavailable, match="128 processes count in"):
        CrashSafeCounter(tmp_path)
    for one in counting:
        one.close()
    CrashSafeCounter(tmp_path).close()
    assert files(tmp_path) == 128


@pytest.mark.parametrize("use", [CrashSafeCounter, counters.read_totals, counters.stack_id])
def test_where_it_can_not_be_kept_or_read_it_is_unavailable(tmp_path: Path, use: Callable[[Path], object]) -> None:
    blocked = tmp_path / "accepted-0"
    if use is counters.read_totals:
        blocked.symlink_to(tmp_path / "nowhere")
        blocked = tmp_path
    else:
        blocked.touch()
    with pytest.raises(Unavailable, match="can't be kept in"):
        use(blocked)


def test_a_full_disk_is_found_out_before_anything_is_counted(tmp_path: Path) -> None:
    if subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode:
        pytest.skip("mounting a small file system needs root")
    script = (
        'mount -t tmpfs -o size=64k none "$1" && head -c 1m /dev/zero >"$1/ballast" 2>/dev/null; exec "$0" -c "$2" "$1"'
    )
    command = [
        "unshare",
        "--mount",
        "sh",
        "-c",
        script,
        sys.executable,
        str(tmp_path),
        PREPARE + "CrashSafeCounter(folder)",
    ]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, "no signal has ended it"
    assert "No space left on device" in done.stderr


def test_a_stack_has_one_name_whoever_asks_first_and_keeps_it(tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    with ExitStack() as stack:
        names = let_go([stack.enter_context(process(NAME, folder)) for _ in range(6)])
    assert {name.strip() for name in names} == {counters.stack_id(folder)}
    assert [path.name for path in folder.iterdir()] == ["stack"]
    assert counters.stack_id(tmp_path / "other") != counters.stack_id(folder)
