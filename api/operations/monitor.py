"""The monitor: how every component stands, found out anew each time, and told to the log when it changes."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from structlog.stdlib import BoundLogger

OK: Final = "ok"
UNAVAILABLE: Final = "unavailable"
_CHECK_SECONDS: Final = 1.5
"""How long to wait for a component to say how it is."""
_WATCH_SECONDS: Final = 2.0
"""Between two looks that nobody asks for; with the above, a fault is in the log within 4 s."""
_FRESH_SECONDS: Final = 0.2
"""How long a report holds: however many ask, the components are not asked more often."""
_TAKE_MESSAGES: Final = ("queue", "ingest")
"""The components without which no message can be accepted."""


class Component(NamedTuple):
    """How a component stands."""

    status: str = OK
    detail: str = ""
    """What is wrong, and what it means: a sentence without figures that change, as each change is logged."""
    facts: Mapping[str, Any] = {}

    def __bool__(self) -> bool:
        """Tell whether the component is as it should be."""
        return self.status == OK


class HealthReport(NamedTuple):
    """How the whole stack stood at one moment."""

    components: Mapping[str, Component]

    @property
    def status(self) -> str:
        """`not ready`: messages are refused. `degraded`: they are kept, and something is wrong. Else `ready`."""
        if any(
            component.status == UNAVAILABLE for name, component in self.components.items() if name in _TAKE_MESSAGES
        ):
            return "not-ready"
        return "ready" if all(self.components.values()) else "degraded"


class Monitor:
    """Looks at all components at once; may be asked by any thread.

    A look gives the components that it is about by name. One that takes too long, or fails itself, leaves the component that it
    is named after `unavailable`, and holds up nobody: it goes on in its own thread.
    """

    def __init__(self, health_checks: Mapping[str, Callable[[], Mapping[str, Component]]], log: BoundLogger) -> None:
        self._checks = [_Check(name, look) for name, look in health_checks.items()]
        self._log = log
        self._lock = threading.Lock()
        self._report = HealthReport({})
        self._taken_at = float("-inf")
        self._told: dict[str, Component] = {}
        """What the log says of each component; one that a look could not tell of is as it was."""

    def start(self) -> None:
        """Look every two seconds from now on, so that faults are logged though nobody asks."""
        threading.Thread(target=self._watch, name="monitor", daemon=True).start()

    def report(self) -> HealthReport:
        """Give the report of now."""
        with self._lock:
            if time.monotonic() > self._taken_at + _FRESH_SECONDS:
                before, self._report = self._report, self._take()
                self._taken_at = time.monotonic()
                self._tell_changes(before.status)
            return self._report

    def _watch(self) -> None:
        while True:
            self.report()
            time.sleep(_WATCH_SECONDS)

    def _take(self) -> HealthReport:
        for check in self._checks:
            check.start()
        end = time.monotonic() + _CHECK_SECONDS
        components: dict[str, Component] = {}
        for check in self._checks:
            components |= check.found(end)
        return HealthReport(components)

    def _tell_changes(self, before: str) -> None:
        for name, component in self._report.components.items():
            if component[:2] == self._told.get(name, Component())[:2]:
                continue
            self._told[name] = component
            if component:
                self._log.info("mended", what=name)
            else:
                self._log.error("fault", what=name, status=component.status, detail=component.detail)
        if self._report.status != before:
            self._log.info("status", status=self._report.status)


class _Check:
    """Looks at a component in a thread of its own, one look at a time."""

    def __init__(self, name: str, look: Callable[[], Mapping[str, Component]]) -> None:
        self._name = name
        self._look = look
        self._thread: threading.Thread | None = None
        self._found: Mapping[str, Component] = {}

    def start(self) -> None:
        """Begin to look, unless the look before is still going on."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()

    def found(self, end: float) -> Mapping[str, Component]:
        """Give what the look has found, if it is done by a moment (of time.monotonic())."""
        assert self._thread is not None  # noqa: S101 - started before
        self._thread.join(max(0, end - time.monotonic()))
        if self._thread.is_alive():
            return {self._name: Component(UNAVAILABLE, f"no answer within {_CHECK_SECONDS} s")}
        return self._found

    def _run(self) -> None:
        try:
            self._found = self._look()
        except Exception as error:  # noqa: BLE001 - what a look did not foresee must not be taken for health
            self._found = {self._name: Component(UNAVAILABLE, f"it can't be looked at: {error!r}")}
