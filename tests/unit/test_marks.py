"""Marks and turns: a mark passes a tube only when nothing that lay before it is left, whatever other programs do."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from processor.marks import Marks, split
from processor.sinks import PartialDelivery, Verdict
from processor.turns import Program, Turns
from tests.support import ROOT
from tests.unit.scenes import MAX_AGE_SECONDS, Scene, event_of_age
from tests.unit.sinks import ProcessorHarness
from tradewire import mark, receipt
from tradewire.errors import QueueUnavailable, Unavailable
from tradewire.limits import TTR_SECONDS
from tradewire.mark import Mark
from tradewire.queue import ARCHIVE, LIVE, Job
from tradewire.queue.memory import Broker, MemoryQueue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

OLD, NEW = b"old", b"new"
TAKE_A_TURN = """
import sys, time
from contextlib import ExitStack
from pathlib import Path
from processor.turns import Turns
from tradewire.queue.memory import Broker, MemoryQueue
with Turns(Path(sys.argv[1]), "live").turn(MemoryQueue(Broker())):
    print(flush=True)
    time.sleep(60)
"""


class Consumer:
    """A program that takes jobs from the tube."""

    def __init__(self, folder: Path, broker: Broker) -> None:
        self.queue = MemoryQueue(broker)
        self.turns = Turns(folder, LIVE)
        self.marks = Marks(self.queue, self.turns)
        self._turn = ExitStack()

    def begin(self, limit: int = 100) -> list[Job]:
        """Begin a turn, and reserve jobs."""
        self._turn.enter_context(self.turns.turn(self.queue))
        return self.queue.reserve(LIVE, limit, 0)

    def end(self, jobs: Sequence[Job] = ()) -> None:
        """Delete jobs, and end the turn."""
        self.queue.delete(jobs)
        self._turn.close()

    def step(self, limit: int = 100) -> list[bytes]:
        """Take a turn: settle the jobs, and take the marks. Return what was settled."""
        jobs, marks = split(self.begin(limit))
        self.queue.delete(jobs)
        self.marks.take(marks)
        self.end()
        return [job.body for job in jobs]


class Tube:
    """The live tube with its programs, and the archive's tube for the receipts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "ledger"
        self.broker = Broker()
        self.queue = MemoryQueue(self.broker)
        self.consumer = self.program()
        self.turns = Turns(self.folder, LIVE)

    def program(self) -> Consumer:
        return Consumer(self.folder, self.broker)

    def put(self, *bodies: bytes) -> None:
        for body in bodies:
            self.queue.put(body, [LIVE])

    def put_mark(self, number: int = 1, process: int = 0) -> None:
        """Put a mark as the reconciler does."""
        self.queue.put_mark(LIVE, mark.encode(Mark({process: number}, self.turns.look().again)))

    def passed(self) -> list[dict[int, int]]:
        """Return the slots of each receipt that a mark has passed."""
        ready = self.broker.ready[ARCHIVE]
        receipts = [receipt.decode(ready[number].body) for number in sorted(ready)]
        assert all((each.receipt, each.tube, each.ids) == ("passed", LIVE, []) for each in receipts)
        return [each.slots for each in receipts]

    def waiting(self) -> list[bytes]:
        """Return the ready jobs. A mark shows as such."""
        ready = self.broker.ready[LIVE]
        return [b"mark" if mark.decode(ready[number].body) else ready[number].body for number in sorted(ready)]


@pytest.fixture
def tube(tmp_path: Path) -> Tube:
    return Tube(tmp_path)


@contextmanager
def another_process_in_a_turn(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a process that has begun a turn. Kill it at the end of the block."""
    command = [sys.executable, "-c", TAKE_A_TURN, str(folder)]
    with subprocess.Popen(command, env={"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline()
        yield process
        process.kill()


def test_a_mark_passes_at_the_second_sight(tube: Tube) -> None:
    tube.put_mark(7, process=3)
    tube.consumer.step()
    assert (tube.passed(), tube.waiting()) == ([], [b"mark"])
    tube.consumer.step()
    assert (tube.passed(), tube.waiting(), tube.broker.reserved) == ([{3: 7}], [], {})


def test_jobs_before_a_mark_are_settled_before_it_passes(tube: Tube) -> None:
    tube.put(OLD)
    tube.put_mark()
    tube.put(NEW)
    assert tube.consumer.step() == [OLD, NEW]
    assert tube.waiting() == [b"mark"]
    assert tube.consumer.step() == []
    assert tube.passed() == [{0: 1}]


def test_several_marks_pass_together_with_the_greatest_number_of_each_process(tube: Tube) -> None:
    tube.put_mark(1)
    tube.put_mark(2)
    tube.put_mark(9, process=5)
    tube.consumer.step()
    tube.consumer.step()
    assert tube.passed() == [{0: 2, 5: 9}]
    assert tube.broker.reserved == {}


def test_a_mark_does_not_pass_while_another_program_holds_an_older_job(tube: Tube) -> None:
    tube.put(OLD)
    other = tube.program()
    held = other.begin()
    tube.put_mark()
    for _ in range(4):
        tube.consumer.step()
    assert (tube.passed(), tube.waiting()) == ([], [])
    other.end(held)
    tube.consumer.step()
    assert tube.passed() == [{0: 1}]


def test_a_mark_does_not_wait_for_turns_that_begin_after_its_second_sight(tube: Tube) -> None:
    tube.put_mark()
    tube.consumer.step()
    other = tube.program()
    other.begin(limit=0)
    tube.consumer.step()
    assert tube.passed() == []
    other.end()
    other.begin(limit=0)
    tube.consumer.step()
    assert tube.passed() == [{0: 1}]
    other.end()


def test_if_a_program_gives_an_older_job_back_the_mark_passes_after_it(tube: Tube) -> None:
    tube.put(OLD)
    other = tube.program()
    held = other.begin()
    tube.put_mark()
    tube.consumer.step()
    tube.consumer.step()
    other.queue.release(held)
    other.turns.count_returned()
    other.end()
    assert tube.waiting() == [OLD]
    tube.consumer.step(limit=1)  # the mark goes back, too
    assert tube.passed() == []
    while tube.waiting():
        assert not tube.passed()
        tube.consumer.step()
    assert tube.passed() == [{0: 1}]


def test_a_job_that_goes_back_between_the_two_sights_makes_the_second_one_the_first(tube: Tube) -> None:
    tube.put(OLD)
    other = tube.program()
    held = other.begin()
    tube.put_mark()
    tube.consumer.step()
    other.queue.release(held)
    other.turns.count_returned()
    other.end()
    other.begin(limit=1)  # the older job again
    tube.consumer.step()
    assert tube.waiting() == [b"mark"], "given back as at a first sight"
    other.end()
    tube.consumer.step()
    assert tube.passed() == [{0: 1}]


def test_a_job_that_is_on_its_way_back_while_a_mark_is_sighted_twice_is_still_before_it(tube: Tube) -> None:
    tube.put(OLD)
    other = tube.program()
    held = other.begin()
    tube.put_mark()
    tube.consumer.step()
    tube.consumer.step()
    other.queue.release(held)
    tube.consumer.marks.take([])  # before the other program has counted
    assert tube.passed() == []
    other.turns.count_returned()
    other.end()
    tube.consumer.marks.take([])
    assert tube.passed() == []
    assert tube.waiting() == [OLD, b"mark"]


def test_when_a_program_dies_the_mark_passes_after_its_jobs(tube: Tube) -> None:
    tube.put(OLD)
    theirs = MemoryQueue(tube.broker)
    with another_process_in_a_turn(tube.folder) as process:
        theirs.reserve(LIVE, 1, 0)
        tube.put_mark()
        for _ in range(3):
            tube.consumer.step()
        assert tube.passed() == []
        process.kill()
        process.wait()
    theirs.close()  # the queue gives its jobs back
    tube.consumer.marks.take([])
    assert (tube.passed(), tube.waiting()) == ([], [OLD, b"mark"])
    assert tube.consumer.step() == [OLD]
    assert tube.passed() == []
    tube.consumer.step()
    assert tube.passed() == [{0: 1}]


def test_a_successor_that_takes_the_file_of_a_dead_program_hides_none_of_its_jobs(tube: Tube) -> None:
    tube.consumer.begin()  # so that the file of this program is the first
    tube.consumer.end()
    with another_process_in_a_turn(tube.folder):
        before = tube.turns.look()
    between = tube.turns.look()
    successor = tube.program()
    successor.begin()
    after = tube.turns.look()
    assert [programs.programs["1"] for programs in (before, between, after)] == [
        Program(1, 0),
        Program(2, 1),
        Program(3, 1),
    ]
    assert between.gave_back_since(before)
    assert after.gave_back_since(before)
    assert not after.gave_back_since(between)
    successor.end()


def test_after_the_time_to_run_a_frozen_program_holds_no_jobs(tube: Tube, monkeypatch: pytest.MonkeyPatch) -> None:
    tube.put(OLD)
    other = tube.program()
    other.begin()
    tube.put_mark()
    tube.consumer.step()
    tube.consumer.step()
    now = time.monotonic_ns() + (TTR_SECONDS + 6) * 10**9
    monkeypatch.setattr(time, "monotonic_ns", lambda: now)
    MemoryQueue.close(other.queue)  # the queue gives its jobs back
    tube.consumer.marks.take([])
    assert (tube.passed(), tube.waiting()) == ([], [OLD, b"mark"])
    assert tube.consumer.step() == [OLD]
    before = tube.turns.look()
    other.end()  # it wakes up
    assert not tube.turns.look().gave_back_since(before), "that was counted already"
    tube.consumer.step()
    assert tube.passed() == [{0: 1}]


@pytest.mark.parametrize("steps", [(0,), (1,), (0, 1), (0, 2)])
def test_a_mark_passes_after_two_sights_without_jobs_of_a_broken_connection(
    tube: Tube, monkeypatch: pytest.MonkeyPatch, steps: Sequence[int]
) -> None:
    now = 0
    monkeypatch.setattr(tube.consumer.queue, "has_strays", lambda tube: tube == LIVE and now in steps)
    tube.put_mark()
    for now in range(max(steps) + 2):  # noqa: B007 - has_strays looks at it
        tube.consumer.step()
        assert (tube.passed(), tube.waiting()) == ([], [b"mark"])
    now += 1
    tube.consumer.step()
    assert (tube.passed(), tube.waiting()) == ([{0: 1}], [])


def test_a_mark_that_is_held_goes_back_when_a_connection_breaks(tube: Tube, monkeypatch: pytest.MonkeyPatch) -> None:
    tube.put(OLD)
    tube.put_mark()
    other = tube.program()
    [job] = other.begin(1)
    tube.consumer.step()
    tube.consumer.step()
    assert len(tube.broker.reserved) == 2  # the mark is held as long as the other program holds its job
    monkeypatch.setattr(tube.consumer.queue, "has_strays", lambda _: True)
    other.end([job])
    tube.consumer.step()
    assert (tube.passed(), tube.waiting(), tube.broker.reserved) == ([], [b"mark"], {})


def test_a_turn_that_took_over_half_of_the_time_to_run_may_have_given_jobs_back(
    tube: Tube, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tube.turns.look()
    for seconds, gave_back in ((TTR_SECONDS // 2 - 1, False), (TTR_SECONDS // 2 + 1, True)):
        tube.consumer.begin()
        now = time.monotonic_ns() + seconds * 10**9
        with monkeypatch.context() as patch:
            patch.setattr(time, "monotonic_ns", lambda now=now: now)
            tube.consumer.end()
        assert tube.turns.look().gave_back_since(before) == gave_back


def test_a_turn_that_fails_gives_its_jobs_back_before_it_ends(tube: Tube) -> None:
    tube.put(OLD)
    before = tube.turns.look()
    with suppress(QueueUnavailable), tube.consumer.turns.turn(tube.consumer.queue):
        tube.consumer.queue.reserve(LIVE, 1, 0)
        raise QueueUnavailable("lost")
    after = tube.turns.look()
    assert tube.waiting() == [OLD]
    assert after.programs == {tube.consumer.turns.own: Program(2, 1)}
    assert after.gave_back_since(before)


def test_a_mark_that_was_put_before_events_were_put_anew_moves_behind_them(tube: Tube) -> None:
    tube.put(OLD)
    tube.put_mark()
    other = tube.program()
    held = other.begin(limit=1)
    other.queue.put_again(LIVE, [OLD])
    other.turns.count_again()
    other.end(held)
    assert tube.waiting() == [b"mark", OLD]
    while tube.waiting():
        assert tube.passed() == []
        tube.consumer.step(limit=1)
    tube.consumer.step()
    assert tube.passed() == [{0: 1}]


def test_a_mark_that_is_put_while_events_are_put_anew_passes_after_them(tube: Tube) -> None:
    tube.put(OLD)
    other = tube.program()
    held = other.begin(limit=1)
    tube.put_mark()  # nothing is counted yet
    other.queue.put_again(LIVE, [OLD])
    other.turns.count_again()
    other.end(held)
    for _ in range(2):
        tube.consumer.step(limit=1)
    assert (tube.passed(), tube.waiting()) == ([], [OLD, b"mark"])


def test_a_mark_is_held_for_ten_seconds_at_most(tube: Tube, monkeypatch: pytest.MonkeyPatch) -> None:
    tube.put(OLD)
    other = tube.program()
    held = other.begin()
    tube.put_mark()
    tube.consumer.step()
    tube.consumer.step()
    assert tube.waiting() == []
    now = time.monotonic() + 10.1
    with monkeypatch.context() as patch:
        patch.setattr(time, "monotonic", lambda: now)
        tube.consumer.step()
    assert (tube.passed(), tube.waiting()) == ([], [b"mark"])
    other.end(held)
    for _ in range(2):
        tube.consumer.step()
    assert tube.passed() == [{0: 1}]


def test_two_programs_that_sight_a_mark_in_turn_pass_it_once(tube: Tube) -> None:
    other = tube.program()
    tube.put(OLD)
    tube.put_mark()
    tube.consumer.step()
    other.step()
    assert tube.waiting() == [b"mark"]
    tube.consumer.step()
    other.step()
    assert tube.passed() == [{0: 1}]


def test_two_programs_of_which_each_finds_a_mark_pass_both(tube: Tube) -> None:
    other = tube.program()
    tube.put_mark(1)
    tube.put_mark(2)
    for _ in range(3):
        ours, theirs = tube.consumer.begin(1), other.begin(1)
        tube.consumer.marks.take(split(ours)[1])
        other.marks.take(split(theirs)[1])
        tube.consumer.end()
        other.end()
    tube.consumer.step()
    other.step()
    assert mark.merge(tube.passed()) == {0: 2}
    assert tube.broker.reserved == {}


def test_marks_that_are_put_anew_become_one_at_the_end_of_the_tube(tube: Tube) -> None:
    tube.put_mark(1)
    tube.put_mark(2)
    tube.put(OLD)
    jobs = tube.consumer.begin(2)
    tube.consumer.marks.put_anew(split(jobs)[1])
    tube.consumer.end()
    assert (tube.waiting(), tube.broker.reserved) == ([OLD, b"mark"], {})
    tube.consumer.step()
    tube.consumer.step()
    assert tube.passed() == [{0: 2}]


def test_each_program_has_a_file_of_its_own_in_each_tube(tube: Tube) -> None:
    other = tube.program()
    archive = Turns(tube.folder, ARCHIVE)
    assert (tube.consumer.turns.own, other.turns.own, archive.own) == ("0", "1", "0")
    other.turns.close()
    assert tube.program().turns.own == "1"


def test_a_program_tells_how_often_it_gave_jobs_back_and_all_tell_how_often_events_were_put_anew(tube: Tube) -> None:
    other = tube.program()
    for _ in range(2):
        other.turns.count_returned()
        other.turns.count_again()
        tube.consumer.turns.count_again()
    told = tube.consumer.turns.look()
    returned = {tube.consumer.turns.own: Program(0, 0), other.turns.own: Program(0, 2)}
    assert told == (returned, 4)


def test_turns_in_a_folder_that_can_not_be_used_are_unavailable(tmp_path: Path) -> None:
    (tmp_path / "ledger").touch()
    turns = Turns(tmp_path / "ledger", LIVE)
    for use in (turns.count_again, turns.count_returned):
        with pytest.raises(Unavailable):
            use()


def test_merged_marks_tell_the_greatest_number_of_each_process() -> None:
    assert mark.merge([{0: 3, 1: 1}, {0: 2, 2: 0}]) == {0: 3, 1: 1, 2: 0}


def test_only_a_mark_is_decoded_as_one() -> None:
    encoded = mark.encode(Mark({0: 1, 127: 2**60}, 3))
    assert mark.decode(encoded) == Mark({0: 1, 127: 2**60}, 3)
    for body in (b'{"id":"x"}', b'{"receipt":"passed"}', b'{"mark":', b'{"mark":{"0":"x"},"again":0}', b""):
        assert mark.decode(body) is None


class WatchedQueue(MemoryQueue):
    """Calls `watch` just before jobs go back into the tube, and before events are put anew."""

    watch: Callable[[], object] = staticmethod(lambda: None)

    def release(self, jobs: Sequence[Job]) -> None:
        if jobs:
            self.watch()
        super().release(jobs)

    def put_again(self, tube: str, events: Sequence[bytes]) -> None:
        self.watch()
        super().put_again(tube, events)

    def close(self) -> None:
        self.watch()
        super().close()


@pytest.mark.parametrize(
    ("result", "returned", "again"),
    [
        pytest.param(Verdict.WAIT, 1, 0, id="a sink that waits"),
        pytest.param(PartialDelivery([b"one"], []), 0, 1, id="an event that failed"),
        pytest.param(QueueUnavailable("lost"), 1, 0, id="an outage"),
    ],
)
def test_a_processor_counts_in_its_turn_what_it_has_given_back_or_put_anew(
    result: Verdict | Exception, returned: int, again: int
) -> None:
    harness = ProcessorHarness(b"one", b"two", queue=WatchedQueue)
    turns = harness.processor._turns  # noqa: SLF001 - as other programs see it
    seen = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WatchedQueue, "watch", lambda _: seen.append(turns.look()))
        harness.sink.script = [result]
        with suppress(QueueUnavailable):
            harness.processor.step()
    [during] = seen
    after = turns.look()
    assert (during.programs, during.again) == ({turns.own: Program(1, 0)}, 0)
    assert (after.programs, after.again) == ({turns.own: Program(2, returned)}, again)


def put_mark(broker: Broker, number: int = 1) -> None:
    MemoryQueue(broker).put_mark(LIVE, mark.encode(Mark({0: number}, 0)))


def test_a_sink_never_sees_a_mark() -> None:
    harness = ProcessorHarness(b"one")
    put_mark(harness.broker)
    harness.put(b"two")
    for _ in range(2):
        harness.processor.step()
    assert harness.sink.deliveries == [[b"one", b"two"]]
    assert [(each.receipt, each.slots) for each in harness.receipts if each.slots] == [("passed", {0: 1})]
    assert (harness.waiting, harness.in_flight) == ([], 0)


def test_a_mark_goes_back_with_the_jobs_before_it_while_the_sink_waits() -> None:
    harness = ProcessorHarness(b"one")
    put_mark(harness.broker)
    harness.sink.script = [Verdict.WAIT] * 3
    for _ in range(3):
        harness.processor.step()
    assert (len(harness.waiting), harness.in_flight, harness.receipts) == (2, 0, [])
    for _ in range(4):
        harness.processor.step()
    assert [each.slots for each in harness.receipts if each.slots] == [{0: 1}]


def test_a_mark_passes_after_an_event_that_fails_again_and_again() -> None:
    harness = ProcessorHarness(b"one")
    put_mark(harness.broker)
    harness.sink.script = [PartialDelivery([b"one"], [])] * 3
    for _ in range(12):
        harness.processor.step()
        passed = [each for each in harness.receipts if each.slots]
        assert not (passed and b"one" not in harness.sink.delivered)
    assert [each.slots for each in passed] == [{0: 1}]


@pytest.mark.parametrize("share", [10**9, 1])
def test_the_keeper_moves_marks_among_the_jobs_that_it_gives_up_to_the_end(share: int) -> None:
    scene = Scene(share_bytes=share)
    scene.put(MAX_AGE_SECONDS + 5)
    put_mark(scene.broker, 1)
    put_mark(scene.broker, 2)
    [young] = scene.put(1)
    scene.expiry.step()
    bodies = [scene.broker.ready[LIVE][number].body for number in sorted(scene.broker.ready[LIVE])]
    assert [found.mark for body in bodies if (found := mark.decode(body))] == [{0: 2}]
    assert mark.decode(bodies[-1])
    kinds = [(each.receipt, each.ids == [young]) for each in scene.receipts()]
    assert ("passed", False) not in kinds
    assert kinds[0][0] == "expired"


def test_the_keeper_counts_in_its_turn_the_jobs_that_are_not_due() -> None:
    scene = Scene(queue=WatchedQueue)
    turns = scene.expiry._turns  # noqa: SLF001 - as other programs see it
    scene.put(MAX_AGE_SECONDS + 5, 1)
    seen = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WatchedQueue, "watch", lambda _: seen.append(turns.look().programs))
        scene.expiry.step()
    assert seen == [{turns.own: Program(1, 0)}]
    assert turns.look().programs == {turns.own: Program(2, 1)}


def test_the_marks_of_a_consumer_that_is_switched_off_are_dropped() -> None:
    scene = Scene()
    scene.put_job(event_of_age(1, "11111111-1111-4111-8111-111111111111"), 1)
    put_mark(scene.broker)
    scene.expiry.drop_all(lambda _: None)
    assert (scene.broker.ready[LIVE], scene.broker.reserved) == ({}, {})
    assert [each.receipt for each in scene.receipts()] == ["expired"]
