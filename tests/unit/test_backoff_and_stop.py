"""Waiting: the delays of Backoff stay within their bounds, and Stop hears a signal and wakes who waits."""

from __future__ import annotations

import signal
import threading
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewire.backoff import Backoff
from tradewire.stop import Stop

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGNALS = (signal.SIGTERM, signal.SIGINT)


@pytest.fixture
def handlers() -> Iterator[None]:
    """Put the signals' handlers back after the test."""
    before = [(number, signal.getsignal(number)) for number in SIGNALS]
    yield
    for number, handler in before:
        signal.signal(number, handler)


@given(st.floats(0.001, 10), st.floats(1, 100), st.integers(0, 20))
def test_each_delay_is_within_half_of_a_bound_that_doubles_up_to_the_cap(
    first: float, times: float, tries: int
) -> None:
    cap = first * times
    backoff = Backoff(first, cap)
    for number in range(tries + 1):
        bound = min(first * 2**number, cap)
        assert bound / 2 <= backoff.next() <= bound


def test_delays_are_spread_by_chance() -> None:
    assert len({Backoff().next() for _ in range(100)}) > 50


def test_a_success_begins_the_delays_again() -> None:
    backoff = Backoff(1, 64)
    for _ in range(10):
        backoff.next()
    backoff.reset()
    assert backoff.next() <= 1


def test_by_default_the_delays_grow_to_two_seconds_at_most() -> None:
    backoff = Backoff()
    delays = [backoff.next() for _ in range(50)]
    assert delays[0] <= 0.05
    assert all(1 <= delay <= 2 for delay in delays[-40:])
    assert all(later <= 4 * earlier for earlier, later in pairwise(delays))


def test_stop_is_not_requested_to_begin_with() -> None:
    assert not Stop().requested


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize("number", SIGNALS)
def test_stop_records_a_signal_once_it_is_installed(number: signal.Signals) -> None:
    stop = Stop().install()
    signal.raise_signal(number)
    assert stop.requested


@pytest.mark.usefixtures("handlers")
def test_a_signal_in_the_middle_of_waiting_ends_the_wait() -> None:
    stop = Stop().install()
    thread = threading.get_ident()
    knock = threading.Timer(0, signal.pthread_kill, (thread, signal.SIGTERM))
    knock.start()
    stop.wait(seconds=3600)  # the test's own time limit is what would end it otherwise
    knock.join()
    assert stop.requested


def test_once_stop_is_requested_there_is_no_waiting() -> None:
    stop = Stop()
    stop.requested = True
    stop.wait(seconds=3600)


def test_without_a_request_waiting_ends_by_itself() -> None:
    stop = Stop()
    stop.wait(seconds=0.001)
    assert not stop.requested
