"""The processor's loop: it outlasts its neighbours, says so once, and stopping gives back what it has."""

from __future__ import annotations

import pytest

from processor.sinks import Verdict
from tests.unit.sinks import Bench
from tradewire.errors import FeedUnavailable

JOBS = [b"1", b"2", b"3"]
OUTAGES = 6


def stop_at_next_delivery(bench: Bench) -> None:
    """Ask the processor to stop while it delivers."""
    bench.sink.before_delivery = lambda: setattr(bench.stop, "requested", True)


def end_outage(bench: Bench) -> None:
    """Bring both neighbours back."""
    bench.sink.away = None
    bench.broker.fault = None


@pytest.mark.parametrize("neighbour", ["queue", "sink"])
def test_a_neighbour_that_is_away_is_waited_for_and_this_is_logged_once(neighbour: str) -> None:
    bench = Bench(*JOBS)
    if neighbour == "queue":
        bench.broker.fault = "the queue is gone"
    else:
        bench.sink.away = FeedUnavailable("the sink is gone")
    bench.stop.during_wait = lambda number: end_outage(bench) if number == OUTAGES else None
    stop_at_next_delivery(bench)
    bench.processor.run()
    assert (bench.sink.shown, bench.waiting) == (JOBS, [])
    assert len(bench.stop.waits) == OUTAGES
    assert bench.logged("waiting for a dependency") == 1
    assert bench.logged("dependency is back") == 1


def test_the_waits_for_a_neighbour_grow() -> None:
    bench = Bench(*JOBS)
    bench.sink.away = FeedUnavailable("gone")
    bench.stop.during_wait = lambda number: end_outage(bench) if number == OUTAGES else None
    stop_at_next_delivery(bench)
    bench.processor.run()
    assert bench.stop.waits[-1] > 4 * bench.stop.waits[0]


def test_after_a_success_the_next_outage_is_logged_again_and_its_waits_begin_small() -> None:
    bench = Bench(b"1")
    bench.sink.away = FeedUnavailable("gone")

    def back_and_gone(number: int) -> None:
        if number == OUTAGES:
            end_outage(bench)
            bench.sink.before_delivery = lambda: setattr(bench.sink, "away", FeedUnavailable("again"))
        elif number > OUTAGES:
            bench.stop.requested = True

    bench.stop.during_wait = back_and_gone
    bench.processor.run()
    assert bench.logged("waiting for a dependency") == 2
    assert bench.stop.waits[OUTAGES] <= 0.05


def test_when_a_delivery_fails_all_jobs_in_hand_go_back_and_are_delivered_later() -> None:
    bench = Bench(*JOBS)
    bench.sink.script = [FeedUnavailable("gone")]
    given_back: list[bytes] = []

    def look(_: int) -> None:
        assert bench.in_flight == 0
        given_back.extend(bench.waiting)
        stop_at_next_delivery(bench)

    bench.stop.during_wait = look
    bench.processor.run()
    assert given_back == JOBS
    assert bench.sink.shown == JOBS


def test_a_stop_in_the_middle_of_an_outage_gives_back_what_was_in_hand() -> None:
    bench = Bench(*JOBS)
    bench.sink.script = [FeedUnavailable("gone")]
    stop_at_next_delivery(bench)
    bench.processor.run()
    assert (bench.waiting, bench.in_flight, bench.sink.shown) == (JOBS, 0, [])
    assert bench.sink.closed == 1
    assert bench.broker.watchers == {}


def test_a_stop_in_the_middle_of_a_delivery_lets_it_be_settled() -> None:
    bench = Bench(*JOBS)
    stop_at_next_delivery(bench)
    bench.processor.run()
    assert (bench.waiting, bench.in_flight, bench.sink.shown) == ([], 0, JOBS)
    assert bench.sink.closed == 1
    assert bench.broker.watchers == {}


def test_a_stop_while_the_sink_says_wait_leaves_every_job_in_its_place() -> None:
    bench = Bench(*JOBS)
    bench.sink.script = [Verdict.WAIT]
    stop_at_next_delivery(bench)
    bench.processor.run()
    assert (bench.waiting, bench.in_flight) == (JOBS, 0)


def test_a_processor_that_was_asked_to_stop_before_it_began_takes_nothing() -> None:
    bench = Bench(*JOBS)
    bench.stop.requested = True
    bench.processor.run()
    assert (bench.waiting, bench.sink.asked) == (JOBS, [])
