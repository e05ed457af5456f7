"""The processor's step: what becomes of the jobs that it takes, whatever its sink says to them."""

from __future__ import annotations

import uuid

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processor import loop
from processor.sinks import Verdict
from tests.unit.sinks import Bench
from tradewire import receipt
from tradewire.errors import FeedUnavailable, InvalidEvent, QueueUnavailable
from tradewire.limits import MAX_JOB_BYTES
from tradewire.queue import ARCHIVE, LIVE
from tradewire.queue.memory import MemoryQueue

JOBS = [b"1", b"2", b"3", b"4", b"5"]


def test_jobs_that_are_delivered_are_deleted() -> None:
    bench = Bench(*JOBS)
    bench.processor.step()
    assert bench.sink.asked == [JOBS]
    assert (bench.waiting, bench.in_flight, bench.dead_letters, bench.sink.held_off) == ([], 0, [], [])


def test_a_job_of_several_events_is_delivered_as_its_lines() -> None:
    bench = Bench(b"1\n2", b"3")
    bench.processor.step()
    assert bench.sink.asked == [[b"1", b"2", b"3"]]


def test_without_a_job_nothing_is_delivered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "RESERVE_SECONDS", 0)
    bench = Bench()
    bench.processor.step()
    assert (bench.sink.asked, bench.sink.held_off) == ([], [])


def test_no_more_jobs_are_taken_at_once_than_the_sink_takes() -> None:
    bench = Bench(*JOBS)
    bench.sink.jobs_max = 2
    bench.processor.step()
    assert (bench.sink.shown, bench.waiting) == (JOBS[:2], JOBS[2:])


def test_at_wait_every_job_goes_back_in_its_place_before_the_sink_is_waited_for() -> None:
    bench = Bench(*JOBS)
    bench.sink.script = [Verdict.WAIT]
    bench.processor.step()
    assert (bench.waiting, bench.in_flight) == (JOBS, 0)
    assert bench.sink.held_off == [loop.HOLD_OFF_SECONDS]
    bench.processor.step()
    assert bench.sink.shown == JOBS


def test_no_job_is_in_hand_while_the_sink_is_waited_for() -> None:
    bench = Bench(*JOBS)
    bench.sink.script = [Verdict.WAIT]
    in_flight: list[int] = []
    bench.sink.during_hold_off = lambda: in_flight.append(bench.in_flight)
    bench.processor.step()
    assert in_flight == [0]


def test_a_sink_that_goes_away_while_it_is_waited_for_is_raised_with_every_job_given_back() -> None:
    bench = Bench(*JOBS)
    bench.sink.script = [Verdict.WAIT]
    bench.sink.during_hold_off = lambda: setattr(bench.sink, "away", FeedUnavailable("gone"))
    with pytest.raises(FeedUnavailable):
        bench.processor.step()
    assert (bench.waiting, bench.in_flight) == (JOBS, 0)


def test_after_ready_the_next_try_takes_all_that_is_there() -> None:
    bench = Bench(*JOBS)
    bench.sink.script = [Verdict.WAIT]
    bench.processor.step()
    bench.processor.step()
    assert bench.sink.asked == [JOBS, JOBS]


def test_after_a_hold_off_without_an_answer_the_next_tries_take_a_single_job_until_one_is_taken() -> None:
    bench = Bench(*JOBS)
    bench.sink.script = [Verdict.WAIT, Verdict.WAIT, Verdict.WAIT]
    bench.sink.ready = False
    for _ in range(5):
        bench.processor.step()
    assert bench.sink.asked == [JOBS, JOBS[:1], JOBS[:1], JOBS[:1], JOBS[1:]]
    assert bench.waiting == []


def test_wait_in_a_later_batch_leaves_the_earlier_ones_settled() -> None:
    jobs = [number * (MAX_JOB_BYTES // 2) for number in (b"1", b"2", b"3")]
    bench = Bench(*jobs)
    bench.sink.script = [Verdict.OK, Verdict.WAIT]
    bench.processor.step()
    assert bench.sink.shown == jobs[:1]
    assert (bench.waiting, bench.in_flight) == (jobs[1:], 0)


def test_a_sink_that_takes_more_than_the_largest_job_gets_more_at_once() -> None:
    jobs = [number * (MAX_JOB_BYTES // 2) for number in (b"1", b"2", b"3")]
    bench = Bench(*jobs)
    bench.sink.bytes_max = 2 * MAX_JOB_BYTES
    bench.processor.step()
    assert bench.sink.asked == [jobs]


@pytest.mark.parametrize("place", range(5))
def test_of_a_batch_only_the_rejected_job_is_buried_with_its_reason_and_the_others_are_delivered(
    place: int,
) -> None:
    jobs = [*JOBS[:place], b"bad one", *JOBS[place:]]
    bench = Bench(*jobs)
    bench.processor.step()
    assert bench.sink.shown == JOBS
    assert [(one.event, one.reason) for one in bench.dead_letters] == [(b"bad one", "told so of bad one")]
    assert (bench.waiting, bench.in_flight) == ([], 0)
    assert bench.logged("dead-lettered") == 1


@pytest.mark.parametrize("place", range(5))
def test_of_a_job_of_several_events_only_the_rejected_one_is_buried(place: int) -> None:
    bench = Bench(b"\n".join([*JOBS[:place], b"bad", *JOBS[place:]]))
    bench.processor.step()
    assert bench.sink.shown == JOBS
    assert [one.event for one in bench.dead_letters] == [b"bad"]
    assert (bench.waiting, bench.in_flight) == ([], 0)


events = st.lists(st.booleans(), min_size=1, max_size=6)


@given(st.lists(events, min_size=1, max_size=8))
def test_whatever_is_bad_each_good_event_is_delivered_once_in_order_and_each_bad_one_buried(
    jobs: list[list[bool]],
) -> None:
    numbered = iter(range(100))
    lines = [[b"%s %d" % (b"ok" if good else b"bad", next(numbered)) for good in job] for job in jobs]
    bench = Bench(*(b"\n".join(job) for job in lines))
    bench.processor.step()
    flat = [line for job in lines for line in job]
    assert bench.sink.shown == [line for line in flat if line.startswith(b"ok")]
    assert [one.event for one in bench.dead_letters] == [line for line in flat if line.startswith(b"bad")]
    assert (bench.waiting, bench.in_flight) == ([], 0)


def test_an_empty_job_is_buried() -> None:
    bench = Bench(b"1", b"", b"2")
    bench.processor.step()
    assert bench.sink.shown == [b"1", b"2"]
    assert [one.event for one in bench.dead_letters] == [b""]


def test_wait_in_the_middle_of_sifting_a_job_gives_the_whole_job_back_with_nothing_buried() -> None:
    job = b"bad\n1\n2\n3"
    bench = Bench(job, b"4")
    bench.sink.script = [*[Verdict.OK] * 5, Verdict.WAIT]
    bench.processor.step()
    assert bench.sink.asked[-2:] == [[b"bad"], [b"1"]]
    assert (bench.waiting, bench.in_flight, bench.dead_letters) == ([job, b"4"], 0, [])
    bench.processor.step()
    assert bench.sink.shown == [b"1", b"2", b"3", b"4"]
    assert [one.event for one in bench.dead_letters] == [b"bad"]


def test_wait_in_the_middle_of_halving_a_batch_gives_back_what_was_not_settled() -> None:
    bench = Bench(b"1", b"2", b"3", b"4", b"bad")
    bench.sink.script = [Verdict.OK, Verdict.OK, Verdict.WAIT]
    bench.processor.step()
    assert bench.sink.shown == [b"1", b"2"]
    assert (bench.waiting, bench.in_flight, bench.dead_letters) == ([b"3", b"4", b"bad"], 0, [])


@pytest.mark.parametrize(
    "sizes",
    [
        pytest.param([MAX_JOB_BYTES], id="as large as a job may be"),
        pytest.param([1, MAX_JOB_BYTES - 2], id="two that just fit"),
        pytest.param([1, MAX_JOB_BYTES - 1], id="two that just do not, because of the line end"),
        pytest.param([MAX_JOB_BYTES - 1, 1, 1], id="a large one first"),
        pytest.param([300_000] * 5, id="many"),
        pytest.param([1] * 500, id="as many small ones as are taken at once"),
    ],
)
def test_no_delivery_is_larger_than_a_job_may_be_and_all_jobs_are_delivered_in_order(
    sizes: list[int],
) -> None:
    jobs = [b"%03d" % number + b"x" * (size - 3) if size > 3 else b"x" for number, size in enumerate(sizes)]
    bench = Bench(*jobs)
    while bench.waiting:
        bench.processor.step()
    assert bench.sink.shown == jobs
    assert bench.dead_letters == []


def test_an_event_larger_than_a_job_may_be_is_buried_without_asking_the_sink() -> None:
    bench = Bench(b"1", b"x" * (MAX_JOB_BYTES + 1), b"2")
    while bench.waiting:
        bench.processor.step()
    (one,) = bench.dead_letters
    assert "larger than a job may be" in one.reason
    assert bench.sink.shown == [b"1", b"2"]


def test_a_job_that_is_too_large_for_one_delivery_is_delivered_in_pieces() -> None:
    halves = [b"1" * (MAX_JOB_BYTES // 2), b"2" * (MAX_JOB_BYTES // 2)]
    bench = Bench(b"\n".join([*halves, b"3"]))
    bench.processor.step()
    assert bench.sink.shown == [*halves, b"3"]
    assert (bench.waiting, bench.in_flight, bench.dead_letters) == ([], 0, [])


def test_while_the_sink_is_away_no_job_is_taken() -> None:
    bench = Bench(*JOBS)
    bench.sink.away = FeedUnavailable("gone")
    with pytest.raises(FeedUnavailable):
        bench.processor.step()
    assert (bench.waiting, bench.in_flight, bench.broker.watchers) == (JOBS, 0, {})


def test_a_sink_that_goes_away_in_a_delivery_is_raised_with_nothing_settled() -> None:
    bench = Bench(*JOBS)
    bench.sink.script = [FeedUnavailable("gone")]
    with pytest.raises(FeedUnavailable):
        bench.processor.step()
    assert (len(bench.waiting) + bench.in_flight, bench.dead_letters) == (len(JOBS), [])


def test_a_queue_that_is_away_is_raised() -> None:
    bench = Bench(*JOBS)
    bench.broker.fault = "gone"
    with pytest.raises(QueueUnavailable, match="gone"):
        bench.processor.step()
    assert bench.sink.asked == []


def test_a_queue_that_goes_away_after_a_delivery_is_raised_and_its_jobs_come_again() -> None:
    bench = Bench(*JOBS)
    bench.sink.before_delivery = lambda: setattr(bench.broker, "fault", "gone")
    with pytest.raises(QueueUnavailable, match="gone"):
        bench.processor.step()
    assert bench.sink.shown == JOBS
    assert bench.waiting == JOBS


def test_the_archive_is_told_which_event_was_buried_and_why() -> None:
    bench = Bench(b'bad {"id":"no event"}')
    named = msgspec.json.encode({"id": str(uuid.uuid4()), "receivedAt": "2026-01-02T03:04:05.000006Z"})
    bench.put(named)
    bench.sink.script = [InvalidEvent("refused")] * 5  # together, then each alone, and once more to be sure
    bench.processor.step()
    assert len(bench.dead_letters) == 2
    [told] = [receipt.decode(job.body) for job in MemoryQueue(bench.broker).reserve(ARCHIVE, 10, 0)]
    assert (told.receipt, told.tube, told.reason) == ("dead-lettered", LIVE, "refused")
    assert told.ids == [msgspec.json.decode(named)["id"]]
