"""Work that is done again and again."""

from __future__ import annotations

import threading

import pytest
import structlog
from structlog.testing import capture_logs

from tests.support import wait_until
from tradewire import repeated
from tradewire.backoff import Backoff

PAUSE_SECONDS = 7.0


class Work:
    """Work whose steps have given results: a fault, an error, or nothing."""

    def __init__(self, *results: str | BaseException) -> None:
        self.results = list(results)
        self.fault = "not done yet"
        self.threads: list[threading.Thread] = []

    def step(self) -> None:
        self.threads.append(threading.current_thread())
        if not self.results:
            threading.Event().wait()  # for ever: a thread that nothing ends has no more to do
        result = self.results.pop(0)
        if isinstance(result, BaseException):
            raise result
        self.fault = result

    def once(self, backoff: Backoff) -> float:
        return repeated.once(self, PAUSE_SECONDS, backoff, structlog.get_logger())


def test_after_a_success_there_is_a_pause() -> None:
    work = Work("")
    assert work.once(Backoff()) == PAUSE_SECONDS
    assert work.fault == ""


def test_the_delays_after_faults_grow_and_begin_anew_after_a_success() -> None:
    work, backoff = Work("away", "away", "away", "", "away"), Backoff(1, 3)
    bounds = [(0.5, 1), (1, 2), (1.5, 3), (PAUSE_SECONDS, PAUSE_SECONDS), (0.5, 1)]
    for least, most in bounds:
        assert least <= work.once(backoff) <= most


def test_an_error_is_logged_and_is_the_fault_until_a_step_succeeds() -> None:
    work, backoff = Work(KeyError("odd"), ""), Backoff(1, 3)
    with capture_logs() as logged:
        assert work.once(backoff) <= 1
    assert work.fault == "an internal error: KeyError('odd')"
    assert [(line["event"], line["log_level"], repr(line["exc_info"])) for line in logged] == [
        ("unhandled error", "error", "KeyError('odd')")
    ]
    assert work.once(backoff) == PAUSE_SECONDS
    assert work.fault == ""


def test_what_ends_a_process_is_no_fault_of_a_step() -> None:
    with pytest.raises(SystemExit):
        Work(SystemExit(1)).once(Backoff())


def test_work_goes_on_in_one_thread_of_its_own_after_errors() -> None:
    work = Work(OSError("full"), "away", "", "")
    repeated.start(work, "worker", 0.01, Backoff(0.01, 0.02), structlog.get_logger())
    wait_until(lambda: len(work.threads) == 5, "all steps are done")
    [thread] = set(work.threads)
    assert (thread.name, thread.daemon, work.fault) == ("worker", True, "")
