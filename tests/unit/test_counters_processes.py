"""The crash-safe counter, in real processes that are killed while they count."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.disks import small_disk
from tests.support import ROOT, wait_until
from tradewire.ledger import counters, slots
from tradewire.ledger.counters import Counter, Totals

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PREPARE = """
import sys, time
from pathlib import Path
from tradewire.ledger import counters
from tradewire.ledger.counters import Counter
from tradewire.ledger.slot_writer import SlotWriter
folder = Path(sys.argv[1])
FIRST_ID = "00000000-0000-0000-0000-00000000000f"
"""
COUNT = """
counter = Counter(folder)
writer = SlotWriter(folder, counter, ["archive"])
while True:
    request = writer.start()
    request.begin(2, FIRST_ID)
    request.accept(1)
    request.end()
    print(request.received_at, flush=True)
    time.sleep(0.0002)  # at over 7800 requests a second, a process runs ahead of the clock and takes another file
"""
COUNT_A_THOUSAND = """
counter = Counter(folder)
writer = SlotWriter(folder, counter, ["archive"])
print(flush=True)
sys.stdin.read()
for _ in range(1000):
    request = writer.start()
    request.begin(3, FIRST_ID)
    request.accept(2)
    request.end()
"""
HOLD = """
writer = SlotWriter(folder, Counter(folder), ["archive"])
accepted, begun, started = writer.start(), writer.start(), writer.start()
accepted.begin(1, FIRST_ID)
accepted.accept(1)
accepted.end()
begun.begin(1, FIRST_ID)
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
        assert started.stdout.readline()
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


def count_and_be_killed(folder: Path) -> list[int]:
    """Let a process count until it is killed. Return the times of receipt that it reported, but for the first."""
    before = counters.read_totals(folder).accepted
    with process(COUNT, folder) as counting:
        wait_until(lambda: counters.read_totals(folder).accepted > before + 50, "the process counts")
        counting.kill()
        assert counting.stdout
        lines = counting.stdout.read().split("\n")
        return [int(line) for line in lines[:-1]]  # the last line may be torn


def final_requests(folder: Path) -> list[slots.RecordedRequest]:
    """Return the requests of all slots that are final."""
    found = [slots.read_final(slots.path_of(folder, name)) for name in slots.names(folder)]
    return sorted(request for slot in found if slot for request in slot.requests())


def test_counts_and_records_survive_sigkill_and_the_next_process_continues_in_the_same_file(tmp_path: Path) -> None:
    reported = [time for _ in range(3) for time in count_and_be_killed(tmp_path)]
    begun, accepted = counters.read_totals(tmp_path)
    assert len(reported) + 3 <= accepted <= len(reported) + 9, "each process may have died before its last report"
    assert 2 * accepted <= begun <= 2 * (accepted + 3), "each process had at most one request in flight"
    recorded = {request.received_at: request for request in final_requests(tmp_path)}
    assert {*reported} <= {time for time, request in recorded.items() if request.is_accepted}
    assert len(recorded) == begun // 2
    assert file_count(tmp_path) == 1


def test_a_reader_never_sees_a_half_written_count(tmp_path: Path) -> None:
    with process(COUNT, tmp_path):
        for _ in range(5000):
            begun, accepted = counters.read_totals(tmp_path)
            assert begun - 2 * accepted in {0, 2}


def test_a_reader_never_sees_a_half_written_record(tmp_path: Path) -> None:
    with process(COUNT, tmp_path):
        complete = {(2, False), (1, True)}
        wait_until(lambda: len(final_requests(tmp_path)) > 1000, "slots are final while the process writes others")
        for request in final_requests(tmp_path):
            assert (request.messages, request.is_accepted) in complete
            assert request.first_id == "00000000-0000-0000-0000-00000000000f"


def test_concurrent_processes_never_share_a_file(tmp_path: Path) -> None:
    with ExitStack() as stack:
        continue_all([stack.enter_context(process(COUNT_A_THOUSAND, tmp_path)) for _ in range(6)])
    assert counters.read_totals(tmp_path) == Totals(18_000, 12_000)
    assert file_count(tmp_path) == 6
    times = [request.received_at for request in final_requests(tmp_path)]
    assert len(set(times)) == len(times) == 6000


def test_only_requests_of_living_processes_are_in_flight(tmp_path: Path) -> None:
    with process(HOLD, tmp_path) as older:
        since = slots.oldest_in_flight(tmp_path)
        assert since
        with process(HOLD, tmp_path):
            assert slots.oldest_in_flight(tmp_path) == since
            older.kill()
            older.wait()
            since_now = slots.oldest_in_flight(tmp_path)
            assert since_now
            assert since_now > since
    assert slots.oldest_in_flight(tmp_path) is None
    assert counters.read_totals(tmp_path) == Totals(4, 2)


def test_requests_that_a_killed_process_left_begun_are_not_accepted(tmp_path: Path) -> None:
    with process(HOLD, tmp_path):
        assert final_requests(tmp_path) == []
    assert [request.is_accepted for request in final_requests(tmp_path)] == [True, False], "the third put nothing"


def run(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program to its end."""
    command = [sys.executable, "-c", PREPARE + program, str(folder)]
    environ = {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("program", ["Counter(folder)", "SlotWriter(folder, Counter(folder), ['archive']).start()"])
def test_a_full_disk_raises_an_error_before_anything_is_recorded(tmp_path: Path, program: str) -> None:
    with small_disk(tmp_path, "size=64k") as disk:
        if "SlotWriter" in program:
            Counter(tmp_path).close()
            (tmp_path / "slots").mkdir()
        with disk.full():
            result = run(program, tmp_path)
            assert result.returncode == 1, "no signal ended the process"
            assert "No space left on device" in result.stderr
        assert slots.names(tmp_path) == []
        assert run(program, tmp_path).returncode == 0


def test_all_processes_of_a_stack_read_the_same_permanent_id(tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    with ExitStack() as stack:
        outputs = continue_all([stack.enter_context(process(PRINT_STACK_ID, folder)) for _ in range(6)])
    assert {output.strip() for output in outputs} == {counters.stack_id(folder)}
    assert [path.name for path in folder.iterdir()] == ["stack"]
    assert counters.stack_id(tmp_path / "other") != counters.stack_id(folder)
