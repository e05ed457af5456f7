"""Backoff keeps its delays within bounds. Stop records signals and ends waits."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
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
def restore_handlers() -> Iterator[None]:
    """Restore the signal handlers after the test."""
    saved = [(number, signal.getsignal(number)) for number in SIGNALS]
    yield
    for number, handler in saved:
        signal.signal(number, handler)


@given(st.floats(0.001, 10), st.floats(1, 100), st.integers(0, 20))
def test_each_delay_is_between_half_and_all_of_a_bound_that_doubles_up_to_the_cap(
    first: float, times: float, tries: int
) -> None:
    cap = first * times
    backoff = Backoff(first, cap)
    for number in range(tries + 1):
        bound = min(first * 2**number, cap)
        assert bound / 2 <= backoff.next() <= bound


def test_delays_are_random() -> None:
    assert len({Backoff().next() for _ in range(100)}) > 50


def test_reset_starts_the_delays_again() -> None:
    backoff = Backoff(1, 64)
    for _ in range(10):
        backoff.next()
    backoff.reset()
    assert backoff.next() <= 1


def test_default_delays_grow_to_at_most_two_seconds() -> None:
    backoff = Backoff()
    delays = [backoff.next() for _ in range(50)]
    assert delays[0] <= 0.05
    assert all(1 <= delay <= 2 for delay in delays[-40:])
    assert all(later <= 4 * earlier for earlier, later in pairwise(delays))


def test_a_new_stop_is_not_requested() -> None:
    assert not Stop().requested


@pytest.mark.usefixtures("restore_handlers")
@pytest.mark.parametrize("number", SIGNALS)
def test_an_installed_stop_records_a_signal(number: signal.Signals) -> None:
    stop = Stop().install()
    signal.raise_signal(number)
    assert stop.requested


@pytest.mark.usefixtures("restore_handlers")
def test_a_signal_ends_a_wait() -> None:
    stop = Stop().install()
    thread = threading.get_ident()
    timer = threading.Timer(0, signal.pthread_kill, (thread, signal.SIGTERM))
    timer.start()
    stop.wait(seconds=3600)  # without the signal, the test would time out
    timer.join()
    assert stop.requested


def test_a_requested_stop_does_not_wait() -> None:
    stop = Stop()
    stop.requested = True
    stop.wait(seconds=3600)


def test_a_wait_ends_after_its_time() -> None:
    stop = Stop()
    stop.wait(seconds=0.001)
    assert not stop.requested


def test_a_process_with_thousands_of_open_files_can_wait() -> None:
    with ExitStack() as files:
        for _ in range(1100):
            files.enter_context(Path(os.devnull).open())
        stop = Stop()
    stop.wait(seconds=0.001)
    assert not stop.requested


def test_several_threads_can_wait_at_once() -> None:
    stop = Stop()
    failures: list[BaseException] = []

    def wait() -> None:
        try:
            for _ in range(20):
                stop.wait(seconds=0.005)
        except BaseException as error:  # noqa: BLE001 - shown by the assertion
            failures.append(error)

    threads = [threading.Thread(target=wait) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
