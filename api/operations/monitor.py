"""The monitor: checks the health of every component, and logs each change."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from api.operations.readiness import UNAVAILABLE, Component, HealthReport

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from structlog.stdlib import BoundLogger

_CHECK_SECONDS: Final = 1.5
"""The time that a health check may take."""
_WATCH_SECONDS: Final = 2.0
"""The pause between the monitor's own reports. With the time for a check, a fault is in the log within 4 s."""
_CACHE_SECONDS: Final = 0.2
"""The time that a report is reused, so that many requests don't check the components more often."""


class Monitor:
    """Runs all health checks at once. Threads may share it.

    A check that fails or takes too long makes the component that it is named after `unavailable`. It delays no report,
    because it goes on in its own thread.

    Args:
        health_checks: The checks by name. Each returns one or more components by name.
        log: The logger for changes.
    """

    def __init__(self, health_checks: Mapping[str, Callable[[], Mapping[str, Component]]], log: BoundLogger) -> None:
        self._checks = [_Check(name, check) for name, check in health_checks.items()]
        self._log = log
        self._lock = threading.Lock()
        self._report = HealthReport({})
        self._reported_at = float("-inf")
        self._logged: dict[str, Component] = {}
        """Each component as it was last logged. A component that no check could report on keeps its last state."""

    def start(self) -> None:
        """Start making reports every two seconds, so that faults are logged without any request."""
        threading.Thread(target=self._watch, name="monitor", daemon=True).start()

    def report(self) -> HealthReport:
        """Return the current report."""
        with self._lock:
            if time.monotonic() > self._reported_at + _CACHE_SECONDS:
                previous_status = self._report.overall_status
                self._report = self._run_checks()
                self._reported_at = time.monotonic()
                self._log_changes(previous_status)
            return self._report

    def latest(self, name: str) -> Component | None:
        """Return a component as the last report has it; None if it has not. This runs no check."""
        return self._report.components.get(name)

    def _watch(self) -> None:
        while True:
            self.report()
            time.sleep(_WATCH_SECONDS)

    def _run_checks(self) -> HealthReport:
        for check in self._checks:
            check.start()
        deadline = time.monotonic() + _CHECK_SECONDS
        components: dict[str, Component] = {}
        for check in self._checks:
            components |= check.result(deadline)
        return HealthReport(components)

    def _log_changes(self, previous_status: str) -> None:
        for name, component in self._report.components.items():
            if component[:2] == self._logged.get(name, Component())[:2]:
                continue
            self._logged[name] = component
            if component:
                self._log.info("recovered", component=name)
            else:
                self._log.error("fault", component=name, status=component.status, detail=component.detail)
        if self._report.overall_status != previous_status:
            self._log.info("readiness changed", status=self._report.overall_status)


class _Check:
    """Runs one health check in a thread of its own, one run at a time."""

    def __init__(self, name: str, check: Callable[[], Mapping[str, Component]]) -> None:
        self._name = name
        self._check = check
        self._thread: threading.Thread | None = None
        self._result: Mapping[str, Component] = {}

    def start(self) -> None:
        """Start the check, unless the previous run has not finished."""
        if self._thread is not None and self._thread.is_alive():
            return
        thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # the system has no thread left
            self._thread = None
            self._result = {self._name: Component(UNAVAILABLE, f"the health check did not start: {error}")}
        else:
            self._thread = thread

    def result(self, deadline: float) -> Mapping[str, Component]:
        """Wait for the result until a deadline, in the seconds of time.monotonic()."""
        if self._thread is None:
            return self._result
        self._thread.join(max(0, deadline - time.monotonic()))
        if self._thread.is_alive():
            return {self._name: Component(UNAVAILABLE, f"no answer within {_CHECK_SECONDS} s")}
        return self._result

    def _run(self) -> None:
        try:
            self._result = self._check()
        except Exception as error:  # noqa: BLE001 - an unforeseen error must not pass for health
            self._result = {self._name: Component(UNAVAILABLE, f"the health check failed: {error!r}")}
