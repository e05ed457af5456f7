"""The monitor, looking at components that say what the test wants."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

import pytest
import structlog
from structlog.stdlib import BoundLogger
from structlog.testing import LogCapture

from api.operations.monitor import OK, UNAVAILABLE, Component, Monitor
from tests.support import wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping

CAPTURE = LogCapture()
LOG = structlog.wrap_logger(logging.getLogger(__name__), processors=[CAPTURE], wrapper_class=BoundLogger)


def no_part() -> Mapping[str, Component]:
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
def test_only_what_takes_messages_makes_the_stack_not_ready(faulty: dict[str, str], status: str) -> None:
    components = {name: Component(faulty.get(name, OK)) for name in ("queue", "ingest", "store")}
    assert Monitor({"queue": lambda: components}, LOG).report().status == status


def test_a_look_that_hangs_leaves_its_part_unavailable_and_the_others_as_they_are_until_it_is_done() -> None:
    go_on = threading.Event()

    def hanging() -> Mapping[str, Component]:
        go_on.wait()
        return {"slow": Component()}

    monitor = Monitor({"slow": hanging, "quick": lambda: {"quick": Component()}}, LOG)
    begun = time.monotonic()
    components = monitor.report().components
    assert time.monotonic() - begun < 2
    assert (components["slow"].status, components["quick"].status) == (UNAVAILABLE, OK)
    threads = threading.active_count()
    time.sleep(0.25)
    monitor.report()
    assert threading.active_count() == threads, "what hangs is not looked at once more"
    go_on.set()
    wait_until(lambda: monitor.report().components["slow"], "it is done")


def test_a_look_that_fails_itself_is_a_fault_of_its_part() -> None:
    component = Monitor({"broken": no_part}, LOG).report().components["broken"]
    assert component.status == UNAVAILABLE
    assert "ZeroDivisionError" in component.detail


def test_what_was_mended_while_no_look_could_tell_is_logged_once_one_can() -> None:
    found = [
        {"queue": Component(), "archive": Component("behind", "late")},
        {"queue": Component(UNAVAILABLE)},
        {"archive": Component()},
    ]
    monitor = Monitor({"queue": lambda: found.pop(0)}, LOG)
    CAPTURE.entries.clear()
    while found:
        monitor.report()
        time.sleep(0.25)
    assert ("recovered", "archive") in [(line["event"], line.get("component")) for line in CAPTURE.entries]


def test_each_change_is_logged_once() -> None:
    found = Component()
    monitor = Monitor({"store": lambda: {"store": found}}, LOG)

    def said() -> list[tuple[str, ...]]:
        CAPTURE.entries.clear()
        monitor.report()
        time.sleep(0.25)  # as long as a report holds
        monitor.report()
        keys = ("event", "component", "status", "detail")
        return [tuple(str(line[key]) for key in keys if key in line) for line in CAPTURE.entries]

    assert said() == []
    time.sleep(0.25)
    found = Component(UNAVAILABLE, "away", {"figure": 1})
    assert said() == [("fault", "store", UNAVAILABLE, "away"), ("readiness changed", "degraded")]
    time.sleep(0.25)
    found = Component(UNAVAILABLE, "away", {"figure": 2})
    assert said() == []
    time.sleep(0.25)
    found = Component()
    assert said() == [("recovered", "store"), ("readiness changed", "ready")]
