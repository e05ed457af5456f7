"""The monitor, with scripted health checks."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

import pytest
import structlog
from structlog.stdlib import BoundLogger
from structlog.testing import LogCapture

from api.operations.monitor import Monitor
from api.operations.readiness import OK, UNAVAILABLE, Component
from tests.support import wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping

CAPTURE = LogCapture()
LOG = structlog.wrap_logger(logging.getLogger(__name__), processors=[CAPTURE], wrapper_class=BoundLogger)


def failing_check() -> Mapping[str, Component]:
    raise ZeroDivisionError


@pytest.mark.parametrize(
    ("faulty", "status"),
    [
        ({}, "ready"),
        ({"queue": UNAVAILABLE}, "not-ready"),
        ({"ingest": UNAVAILABLE}, "not-ready"),
        ({"queue": "nearly-full"}, "degraded"),
        ({"store": UNAVAILABLE}, "degraded"),
        ({"store": UNAVAILABLE, "ingest": UNAVAILABLE}, "not-ready"),
    ],
)
def test_only_components_that_accept_messages_make_the_stack_not_ready(faulty: dict[str, str], status: str) -> None:
    components = {name: Component(faulty.get(name, OK)) for name in ("queue", "ingest", "store")}
    assert Monitor({"queue": lambda: components}, LOG).report().overall_status == status


def test_a_hanging_check_makes_only_its_own_component_unavailable_until_it_ends() -> None:
    released = threading.Event()

    def hanging() -> Mapping[str, Component]:
        released.wait()
        return {"slow": Component()}

    monitor = Monitor({"slow": hanging, "quick": lambda: {"quick": Component()}}, LOG)
    start = time.monotonic()
    components = monitor.report().components
    assert time.monotonic() - start < 2
    assert (components["slow"].status, components["quick"].status) == (UNAVAILABLE, OK)
    threads = threading.active_count()
    time.sleep(0.25)
    monitor.report()
    assert threading.active_count() == threads, "a hanging check does not start again"
    released.set()
    wait_until(lambda: monitor.report().components["slow"], "the slow check has ended")


def test_a_check_that_raises_makes_its_component_unavailable() -> None:
    component = Monitor({"broken": failing_check}, LOG).report().components["broken"]
    assert component.status == UNAVAILABLE
    assert "ZeroDivisionError" in component.detail


def test_a_check_that_finds_no_thread_makes_its_component_unavailable_and_runs_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_: threading.Thread) -> None:
        message = "can't start new thread"
        raise RuntimeError(message)

    monitor = Monitor({"queue": lambda: {"queue": Component()}}, LOG)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        component = monitor.report().components["queue"]
        assert (component.status, component.detail) == (
            UNAVAILABLE,
            "the health check did not start: can't start new thread",
        )
    wait_until(lambda: monitor.report().components["queue"], "it runs")


def test_a_recovery_during_a_failed_check_is_logged_by_the_next_successful_check() -> None:
    results = [
        {"queue": Component(), "archive": Component("behind", "late")},
        {"queue": Component(UNAVAILABLE)},
        {"archive": Component()},
    ]
    monitor = Monitor({"queue": lambda: results.pop(0)}, LOG)
    CAPTURE.entries.clear()
    while results:
        monitor.report()
        time.sleep(0.25)
    assert ("recovered", "archive") in [(line["event"], line.get("component")) for line in CAPTURE.entries]


def test_each_change_is_logged_once() -> None:
    component = Component()
    monitor = Monitor({"store": lambda: {"store": component}}, LOG)

    def log_entries() -> list[tuple[str, ...]]:
        CAPTURE.entries.clear()
        monitor.report()
        time.sleep(0.25)  # longer than a report is cached
        monitor.report()
        keys = ("event", "component", "status", "detail")
        return [tuple(str(line[key]) for key in keys if key in line) for line in CAPTURE.entries]

    assert log_entries() == []
    time.sleep(0.25)
    component = Component(UNAVAILABLE, "away", {"figure": 1})
    assert log_entries() == [("fault", "store", UNAVAILABLE, "away"), ("readiness changed", "degraded")]
    time.sleep(0.25)
    component = Component(UNAVAILABLE, "away", {"figure": 2})
    assert log_entries() == []
    time.sleep(0.25)
    component = Component()
    assert log_entries() == [("recovered", "store"), ("readiness changed", "ready")]
