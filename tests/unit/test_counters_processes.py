"""The crash-safe counter, in real processes that are killed while they count."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.support import ROOT, wait_until
from tradewire import counters
from tradewire.counters import CrashSafeCounter, Totals

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PREPARE = """
import sys, time
from pathlib import Path
from tradewire import counters
from tradewire.counters import CrashSafeCounter
folder = Path(sys.argv[1])
"""
COUNT = """
counter = CrashSafeCounter(folder)
while True:
    received_at = counter.start_request()
    counter.count_begun(2)
    counter.count_accepted(1)
    counter.end_request(received_at)
    print(flush=True)
"""
COUNT_A_THOUSAND = """
counter = CrashSafeCounter(folder)
print(flush=True)
sys.stdin.read()
for _ in range(1000):
    received_at = counter.start_request()
    counter.count_begun(3)
    counter.count_accepted(2)
    counter.end_request(received_at)
"""
HOLD = """
counter = CrashSafeCounter(folder)
counter.count_begun(1)
counter.start_request()
print(flush=True)
time.sleep(60)
"""
PRINT_STACK_ID = """
print(flush=True)
sys.stdin.read()
print(counters.stack_id(folder))
"""


@contextmanager
def process(program: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Run a program and wait for its first line of output. Kill it at the end of the block if it still runs."""
    command = [sys.executable, "-c", PREPARE + program, *map(str, arguments)]
    environ = {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout
        assert started.stdout.readline() == "\n"
        yield started
        started.kill()


def continue_all(processes: list[subprocess.Popen[str]]) -> list[str]:
    """Close the input of all processes, so that they continue at the same time. Return their outputs."""
    for child in processes:
        assert child.stdin
        child.stdin.close()
        child.stdin = None
    return [child.communicate()[0] for child in processes]


def file_count(folder: Path) -> int:
    return len(list(folder.glob("accepted-*")))


def count_and_be_killed(folder: Path) -> int:
    """Let a process count until it is killed. Return how many times it reported a count."""
    before = counters.read_totals(folder).accepted
    with process(COUNT, folder) as counting:
        wait_until(lambda: counters.read_totals(folder).accepted > before + 50, "the process counts")
        counting.kill()
        assert counting.stdout
        return 1 + len(counting.stdout.readlines())


def test_counts_survive_sigkill_and_the_next_process_continues_in_the_same_file(tmp_path: Path) -> None:
    reported = sum(count_and_be_killed(tmp_path) for _ in range(3))
    begun, accepted, jobs, since = counters.read_totals(tmp_path)
    assert reported <= accepted <= reported + 3, "each process may have died before it reported its last count"
    assert 2 * accepted <= begun <= 2 * (accepted + 3), "each process had at most one request in flight"
    assert jobs == accepted, "each job held one event"
    assert since is None
    assert file_count(tmp_path) == 1


def test_a_reader_never_sees_a_half_written_record(tmp_path: Path) -> None:
    with process(COUNT, tmp_path):
        for _ in range(5000):
            begun, accepted, jobs, _ = counters.read_totals(tmp_path)
            assert jobs == accepted
            assert begun - 2 * accepted in {0, 2}


def test_concurrent_processes_never_share_a_file(tmp_path: Path) -> None:
    with ExitStack() as stack:
        continue_all([stack.enter_context(process(COUNT_A_THOUSAND, tmp_path)) for _ in range(6)])
    assert counters.read_totals(tmp_path) == Totals(18_000, 12_000, 6_000, None)
    assert file_count(tmp_path) == 6


def test_only_requests_of_living_processes_are_in_flight(tmp_path: Path) -> None:
    with process(HOLD, tmp_path) as older:
        since = counters.read_totals(tmp_path).in_flight_since
        assert since
        with process(HOLD, tmp_path):
            assert counters.read_totals(tmp_path) == Totals(2, 0, 0, since)
            older.kill()
            older.wait()
            since_now = counters.read_totals(tmp_path).in_flight_since
            assert since_now
            assert since_now > since
    assert counters.read_totals(tmp_path) == Totals(2, 0, 0, None)


def test_a_process_that_takes_over_a_file_starts_with_no_request_in_flight(tmp_path: Path) -> None:
    with process(HOLD, tmp_path):
        pass
    successor = CrashSafeCounter(tmp_path)
    assert counters.read_totals(tmp_path) == Totals(1, 0, 0, None)
    successor.close()


def test_a_full_disk_raises_an_error_before_anything_is_counted(tmp_path: Path) -> None:
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
    result = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert result.returncode == 1, "no signal ended the process"
    assert "No space left on device" in result.stderr


def test_all_processes_of_a_stack_read_the_same_permanent_id(tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    with ExitStack() as stack:
        outputs = continue_all([stack.enter_context(process(PRINT_STACK_ID, folder)) for _ in range(6)])
    assert {output.strip() for output in outputs} == {counters.stack_id(folder)}
    assert [path.name for path in folder.iterdir()] == ["stack"]
    assert counters.stack_id(tmp_path / "other") != counters.stack_id(folder)
