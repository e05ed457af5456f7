"""The processor's loop survives outages, logs each of them once, and releases its jobs when it stops."""

from __future__ import annotations

import pytest

from processor.sinks import Verdict
from tests.unit.sinks import ProcessorHarness
from tradewire.errors import FeedUnavailable
from tradewire.queue.memory import MemoryQueue

JOBS = [b"1", b"2", b"3"]
OUTAGES = 6


def stop_at_next_delivery(harness: ProcessorHarness) -> None:
    """Request a stop during the next delivery."""
    harness.sink.before_delivery = lambda: setattr(harness.stop, "requested", True)


def end_outage(harness: ProcessorHarness) -> None:
    """End the outage of sink and queue."""
    harness.sink.outage = None
    harness.broker.fault = None


@pytest.mark.parametrize("neighbour", ["queue", "sink"])
def test_the_processor_waits_for_a_neighbour_and_logs_it_once(neighbour: str) -> None:
    harness = ProcessorHarness(*JOBS)
    if neighbour == "queue":
        harness.broker.fault = "the queue is away"
    else:
        harness.sink.outage = FeedUnavailable("the sink is away")
    harness.stop.during_wait = lambda number: end_outage(harness) if number == OUTAGES else None
    stop_at_next_delivery(harness)
    harness.processor.run()
    assert (harness.sink.delivered, harness.waiting) == (JOBS, [])
    assert len(harness.stop.waits) == OUTAGES
    assert harness.log == [
        {"event": "waiting for a dependency", "log_level": "warning", "reason": f"the {neighbour} is away"},
        {"event": "dependency is back", "log_level": "info"},
    ]


def test_waits_for_a_neighbour_grow() -> None:
    harness = ProcessorHarness(*JOBS)
    harness.sink.outage = FeedUnavailable("away")
    harness.stop.during_wait = lambda number: end_outage(harness) if number == OUTAGES else None
    stop_at_next_delivery(harness)
    harness.processor.run()
    assert harness.stop.waits[-1] > 4 * harness.stop.waits[0]


def test_after_a_success_the_next_outage_is_logged_again_and_starts_with_short_waits() -> None:
    harness = ProcessorHarness(b"1")
    harness.sink.outage = FeedUnavailable("away")

    def end_and_start_outage(number: int) -> None:
        if number == OUTAGES:
            end_outage(harness)
            harness.sink.before_delivery = lambda: setattr(harness.sink, "outage", FeedUnavailable("away again"))
        elif number > OUTAGES:
            harness.stop.requested = True

    harness.stop.during_wait = end_and_start_outage
    harness.processor.run()
    assert harness.logged("waiting for a dependency") == 2
    assert harness.stop.waits[OUTAGES] <= 0.05


def test_after_a_failed_delivery_all_reserved_jobs_are_released_and_delivered_later() -> None:
    harness = ProcessorHarness(*JOBS)
    harness.sink.script = [FeedUnavailable("away")]
    released: list[bytes] = []

    def check_jobs(_: int) -> None:
        assert harness.in_flight == 0
        released.extend(harness.waiting)
        stop_at_next_delivery(harness)

    harness.stop.during_wait = check_jobs
    harness.processor.run()
    assert released == JOBS
    assert harness.sink.delivered == JOBS


def test_a_stop_during_an_outage_releases_the_reserved_jobs() -> None:
    harness = ProcessorHarness(*JOBS)
    harness.sink.script = [FeedUnavailable("away")]
    stop_at_next_delivery(harness)
    harness.processor.run()
    assert (harness.waiting, harness.in_flight, harness.sink.delivered) == (JOBS, 0, [])
    assert harness.sink.closed == 1
    assert harness.broker.watchers == {}


def test_a_stop_during_a_delivery_lets_it_settle_its_jobs() -> None:
    harness = ProcessorHarness(*JOBS)
    stop_at_next_delivery(harness)
    harness.processor.run()
    assert (harness.waiting, harness.in_flight, harness.sink.delivered) == ([], 0, JOBS)
    assert harness.sink.closed == 1
    assert harness.broker.watchers == {}


def test_a_stop_at_a_wait_leaves_every_job_in_its_place() -> None:
    harness = ProcessorHarness(*JOBS)
    harness.sink.script = [Verdict.WAIT]
    stop_at_next_delivery(harness)
    harness.processor.run()
    assert (harness.waiting, harness.in_flight) == (JOBS, 0)


def test_a_processor_with_a_requested_stop_takes_no_job() -> None:
    harness = ProcessorHarness(*JOBS)
    harness.stop.requested = True
    harness.processor.run()
    assert (harness.waiting, harness.sink.deliveries) == (JOBS, [])


def test_draining_ends_when_every_job_is_delivered() -> None:
    harness = ProcessorHarness(*JOBS)
    harness.processor.drain()
    assert (harness.sink.delivered, harness.waiting, harness.in_flight) == (JOBS, [], 0)
    assert harness.sink.closed == 1
    assert harness.broker.watchers == {}


def test_draining_an_empty_tube_ends_at_once() -> None:
    harness = ProcessorHarness()
    harness.processor.drain()
    assert harness.sink.deliveries == []


def test_draining_waits_for_the_jobs_that_another_processor_holds() -> None:
    harness = ProcessorHarness(*JOBS[:2])
    other = MemoryQueue(harness.broker)
    other.reserve(harness.tube, 1, 1)
    harness.sink.script = [Verdict.WAIT]
    harness.sink.before_delivery = lambda: other.close() if harness.sink.deliveries else None
    harness.processor.drain()
    assert sorted(harness.sink.delivered) == JOBS[:2]


def test_draining_survives_an_outage_and_logs_it() -> None:
    harness = ProcessorHarness(*JOBS)
    harness.broker.fault = "the queue is away"
    harness.stop.during_wait = lambda _: end_outage(harness)
    harness.processor.drain()
    assert harness.sink.delivered == JOBS
    assert [entry["event"] for entry in harness.log] == ["waiting for a dependency", "dependency is back"]


def test_draining_ends_at_a_stop_and_leaves_the_other_jobs() -> None:
    harness = ProcessorHarness(*JOBS)
    harness.sink.script = [Verdict.WAIT]
    stop_at_next_delivery(harness)
    harness.processor.drain()
    assert (harness.waiting, harness.in_flight, harness.sink.closed) == (JOBS, 0, 1)
