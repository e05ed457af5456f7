"""One step of the processor: how it settles jobs for each result of the sink."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processor import loop
from processor.sinks import Verdict
from tests.unit.sinks import ProcessorHarness
from tradewire.errors import FeedUnavailable, QueueUnavailable
from tradewire.limits import MAX_JOB_BYTES

JOBS = [b"1", b"2", b"3", b"4", b"5"]


def test_delivered_jobs_are_deleted() -> None:
    harness = ProcessorHarness(*JOBS)
    harness.processor.step()
    assert harness.sink.deliveries == [JOBS]
    assert (harness.waiting, harness.in_flight, harness.dead_letters, harness.sink.hold_offs) == ([], 0, [], [])


def test_a_job_with_several_events_is_delivered_as_separate_events() -> None:
    harness = ProcessorHarness(b"1\n2", b"3")
    harness.processor.step()
    assert harness.sink.deliveries == [[b"1", b"2", b"3"]]


def test_without_a_job_nothing_is_delivered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "RESERVE_SECONDS", 0)
    harness = ProcessorHarness()
    harness.processor.step()
    assert (harness.sink.deliveries, harness.sink.hold_offs) == ([], [])


def test_a_step_takes_no_more_jobs_than_the_sink_accepts() -> None:
    harness = ProcessorHarness(*JOBS)
    harness.sink.jobs_max = 2
    harness.processor.step()
    assert (harness.sink.delivered, harness.waiting) == (JOBS[:2], JOBS[2:])


def test_after_wait_all_jobs_return_to_their_places_before_the_hold_off() -> None:
    harness = ProcessorHarness(*JOBS)
    harness.sink.script = [Verdict.WAIT]
    harness.processor.step()
    assert (harness.waiting, harness.in_flight) == (JOBS, 0)
    assert harness.sink.hold_offs == [loop.HOLD_OFF_SECONDS]
    harness.processor.step()
    assert harness.sink.delivered == JOBS


def test_no_job_is_reserved_during_a_hold_off() -> None:
    harness = ProcessorHarness(*JOBS)
    harness.sink.script = [Verdict.WAIT]
    in_flight: list[int] = []
    harness.sink.during_hold_off = lambda: in_flight.append(harness.in_flight)
    harness.processor.step()
    assert in_flight == [0]


def test_a_sink_that_fails_during_a_hold_off_raises_with_all_jobs_released() -> None:
    harness = ProcessorHarness(*JOBS)
    harness.sink.script = [Verdict.WAIT]
    harness.sink.during_hold_off = lambda: setattr(harness.sink, "outage", FeedUnavailable("away"))
    with pytest.raises(FeedUnavailable):
        harness.processor.step()
    assert (harness.waiting, harness.in_flight) == (JOBS, 0)


def test_after_ready_the_next_step_takes_all_jobs() -> None:
    harness = ProcessorHarness(*JOBS)
    harness.sink.script = [Verdict.WAIT]
    harness.processor.step()
    harness.processor.step()
    assert harness.sink.deliveries == [JOBS, JOBS]


def test_after_a_hold_off_without_ready_the_next_steps_try_a_single_job_until_it_is_delivered() -> None:
    harness = ProcessorHarness(*JOBS)
    harness.sink.script = [Verdict.WAIT, Verdict.WAIT, Verdict.WAIT]
    harness.sink.ready = False
    for _ in range(5):
        harness.processor.step()
    assert harness.sink.deliveries == [JOBS, JOBS[:1], JOBS[:1], JOBS[:1], JOBS[1:]]
    assert harness.waiting == []


def test_wait_in_a_later_delivery_leaves_the_earlier_ones_settled() -> None:
    jobs = [number * (MAX_JOB_BYTES // 2) for number in (b"1", b"2", b"3")]
    harness = ProcessorHarness(*jobs)
    harness.sink.script = [Verdict.OK, Verdict.WAIT]
    harness.processor.step()
    assert harness.sink.delivered == jobs[:1]
    assert (harness.waiting, harness.in_flight) == (jobs[1:], 0)


def test_a_sink_with_a_higher_byte_limit_gets_larger_deliveries() -> None:
    jobs = [number * (MAX_JOB_BYTES // 2) for number in (b"1", b"2", b"3")]
    harness = ProcessorHarness(*jobs)
    harness.sink.bytes_max = 2 * MAX_JOB_BYTES
    harness.processor.step()
    assert harness.sink.deliveries == [jobs]


@pytest.mark.parametrize("place", range(5))
def test_only_the_rejected_job_of_a_batch_is_dead_lettered_with_its_reason(
    place: int,
) -> None:
    jobs = [*JOBS[:place], b"bad event", *JOBS[place:]]
    harness = ProcessorHarness(*jobs)
    harness.processor.step()
    assert harness.sink.delivered == JOBS
    assert [(letter.event, letter.reason) for letter in harness.dead_letters] == [(b"bad event", "invalid: bad event")]
    assert (harness.waiting, harness.in_flight) == ([], 0)
    assert harness.logged("dead-lettered") == 1


@pytest.mark.parametrize("place", range(5))
def test_only_the_rejected_event_of_a_job_is_dead_lettered(place: int) -> None:
    harness = ProcessorHarness(b"\n".join([*JOBS[:place], b"bad", *JOBS[place:]]))
    harness.processor.step()
    assert harness.sink.delivered == JOBS
    assert [letter.event for letter in harness.dead_letters] == [b"bad"]
    assert (harness.waiting, harness.in_flight) == ([], 0)


events = st.lists(st.booleans(), min_size=1, max_size=6)


@given(st.lists(events, min_size=1, max_size=8))
def test_every_valid_event_is_delivered_once_in_order_and_every_invalid_one_is_dead_lettered(
    jobs: list[list[bool]],
) -> None:
    numbers = iter(range(100))
    lines = [[b"%s %d" % (b"ok" if valid else b"bad", next(numbers)) for valid in job] for job in jobs]
    harness = ProcessorHarness(*(b"\n".join(job) for job in lines))
    harness.processor.step()
    all_lines = [line for job in lines for line in job]
    assert harness.sink.delivered == [line for line in all_lines if line.startswith(b"ok")]
    assert [letter.event for letter in harness.dead_letters] == [line for line in all_lines if line.startswith(b"bad")]
    assert (harness.waiting, harness.in_flight) == ([], 0)


def test_wait_while_a_rejected_event_is_isolated_releases_the_whole_job() -> None:
    job = b"bad\n1\n2\n3"
    harness = ProcessorHarness(job, b"4")
    harness.sink.script = [*[Verdict.OK] * 5, Verdict.WAIT]
    harness.processor.step()
    assert harness.sink.deliveries[-2:] == [[b"bad"], [b"1"]]
    assert (harness.waiting, harness.in_flight, harness.dead_letters) == ([job, b"4"], 0, [])
    harness.processor.step()
    assert harness.sink.delivered == [b"1", b"2", b"3", b"4"]
    assert [letter.event for letter in harness.dead_letters] == [b"bad"]


def test_wait_while_a_rejected_job_is_isolated_releases_the_unsettled_jobs() -> None:
    harness = ProcessorHarness(b"1", b"2", b"3", b"4", b"bad")
    harness.sink.script = [Verdict.OK, Verdict.OK, Verdict.WAIT]
    harness.processor.step()
    assert harness.sink.delivered == [b"1", b"2"]
    assert (harness.waiting, harness.in_flight, harness.dead_letters) == ([b"3", b"4", b"bad"], 0, [])


@pytest.mark.parametrize(
    "sizes",
    [
        pytest.param([MAX_JOB_BYTES], id="one of the largest size"),
        pytest.param([1, MAX_JOB_BYTES - 2], id="two that just fit"),
        pytest.param([1, MAX_JOB_BYTES - 1], id="two that just do not fit, because of the line break"),
        pytest.param([MAX_JOB_BYTES - 1, 1, 1], id="a large one first"),
        pytest.param([300_000] * 5, id="many"),
        pytest.param([1] * 500, id="the largest number of jobs"),
    ],
)
def test_no_delivery_exceeds_the_largest_job_and_all_jobs_are_delivered_in_order(
    sizes: list[int],
) -> None:
    jobs = [b"%03d" % number + b"x" * (size - 3) if size > 3 else b"x" for number, size in enumerate(sizes)]
    harness = ProcessorHarness(*jobs)
    while harness.waiting:
        harness.processor.step()
    assert harness.sink.delivered == jobs
    assert harness.dead_letters == []


def test_a_job_that_is_too_large_for_one_delivery_is_split() -> None:
    halves = [b"1" * (MAX_JOB_BYTES // 2), b"2" * (MAX_JOB_BYTES // 2)]
    harness = ProcessorHarness(b"\n".join([*halves, b"3"]))
    harness.processor.step()
    assert harness.sink.delivered == [*halves, b"3"]
    assert (harness.waiting, harness.in_flight, harness.dead_letters) == ([], 0, [])


def test_no_job_is_reserved_while_the_sink_is_away() -> None:
    harness = ProcessorHarness(*JOBS)
    harness.sink.outage = FeedUnavailable("away")
    with pytest.raises(FeedUnavailable):
        harness.processor.step()
    assert (harness.waiting, harness.in_flight, harness.broker.watchers) == (JOBS, 0, {})


def test_a_sink_that_fails_during_a_delivery_raises_with_no_job_settled() -> None:
    harness = ProcessorHarness(*JOBS)
    harness.sink.script = [FeedUnavailable("away")]
    with pytest.raises(FeedUnavailable):
        harness.processor.step()
    assert (len(harness.waiting) + harness.in_flight, harness.dead_letters) == (len(JOBS), [])


def test_a_queue_that_is_away_raises() -> None:
    harness = ProcessorHarness(*JOBS)
    harness.broker.fault = "away"
    with pytest.raises(QueueUnavailable, match="away"):
        harness.processor.step()
    assert harness.sink.deliveries == []


def test_a_queue_that_fails_after_a_delivery_raises_and_its_jobs_return() -> None:
    harness = ProcessorHarness(*JOBS)
    harness.sink.before_delivery = lambda: setattr(harness.broker, "fault", "away")
    with pytest.raises(QueueUnavailable, match="away"):
        harness.processor.step()
    assert harness.sink.delivered == JOBS
    assert harness.waiting == JOBS


def test_after_a_failure_during_a_hold_off_the_next_step_tries_a_single_job() -> None:
    harness = ProcessorHarness(*JOBS)
    harness.sink.script = [Verdict.WAIT]
    harness.sink.during_hold_off = lambda: setattr(harness.sink, "outage", FeedUnavailable("away"))
    with pytest.raises(FeedUnavailable):
        harness.processor.step()
    harness.sink.outage = None
    harness.processor.step()
    assert harness.sink.deliveries == [JOBS, JOBS[:1]]


def test_wait_in_the_first_of_several_deliveries_releases_the_jobs_of_all() -> None:
    jobs = [b"1" * 6, b"2" * 6, b"3" * 6]
    harness = ProcessorHarness(*jobs)
    harness.sink.bytes_max = 13
    harness.sink.script = [Verdict.WAIT]
    harness.processor.step()
    assert (harness.waiting, harness.in_flight) == (jobs, 0)


@pytest.mark.parametrize(
    ("bytes_max", "sizes", "deliveries"),
    [
        pytest.param(10, [4, 4, 2], [[4, 4], [2]], id="two that just fit with their line ends"),
        pytest.param(9, [4, 4], [[4], [4]], id="two that just do not fit"),
        pytest.param(10, [5, 4, 4], [[5], [4, 4]], id="the second delivery just fits"),
    ],
)
def test_a_delivery_takes_as_many_jobs_as_fit(bytes_max: int, sizes: list[int], deliveries: list[list[int]]) -> None:
    harness = ProcessorHarness(*(b"x" * size for size in sizes))
    harness.sink.bytes_max = bytes_max
    harness.processor.step()
    assert [[len(event) for event in delivery] for delivery in harness.sink.deliveries] == deliveries
