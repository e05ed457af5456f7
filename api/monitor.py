"""The monitor: how every part stands, found out anew each time, and told to the log when it changes."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from structlog.stdlib import BoundLogger

OK: Final = "OK"
UNAVAILABLE: Final = "unavailable"
_LOOK_SECONDS: Final = 1.5
"""How long to wait for a part to say how it is."""
_WATCH_SECONDS: Final = 2.0
"""Between two looks that nobody asks for; with the above, a fault is in the log within 4 s."""
_FRESH_SECONDS: Final = 0.2
"""How long a picture holds: however many ask, the parts are not asked more often."""
_TAKE_MESSAGES: Final = ("queue", "api")
"""The parts without which no message can be accepted."""


class Part(NamedTuple):
    """How a part stands."""

    status: str = OK
    detail: str = ""
    """What is wrong, and what it means: a sentence without figures that change, as each change is logged."""
    facts: Mapping[str, Any] = {}

    def __bool__(self) -> bool:
        """Tell whether the part is as it should be."""
        return self.status == OK


class Picture(NamedTuple):
    """How the whole stack stood at one moment."""

    parts: Mapping[str, Part]

    @property
    def status(self) -> str:
        """`not ready`: messages are refused. `degraded`: they are kept, and something is wrong. Else `ready`."""
        if any(part.status == UNAVAILABLE for name, part in self.parts.items() if name in _TAKE_MESSAGES):
            return "not ready"
        return "ready" if all(self.parts.values()) else "degraded"


class Monitor:
    """Looks at all parts at once; may be asked by any thread.

    A look gives the parts that it is about by name. One that takes too long, or fails itself, leaves the part that it
    is named after `unavailable`, and holds up nobody: it goes on in its own thread.
    """

    def __init__(self, looks: Mapping[str, Callable[[], Mapping[str, Part]]], log: BoundLogger) -> None:
        self._lookers = [_Looker(name, look) for name, look in looks.items()]
        self._log = log
        self._lock = threading.Lock()
        self._picture = Picture({})
        self._taken_at = float("-inf")
        self._told: dict[str, Part] = {}
        """What the log says of each part; one that a look could not tell of is as it was."""

    def start(self) -> None:
        """Look every two seconds from now on, so that faults are logged though nobody asks."""
        threading.Thread(target=self._watch, name="monitor", daemon=True).start()

    def picture(self) -> Picture:
        """Give the picture of now."""
        with self._lock:
            if time.monotonic() > self._taken_at + _FRESH_SECONDS:
                before, self._picture = self._picture, self._take()
                self._taken_at = time.monotonic()
                self._tell_changes(before.status)
            return self._picture

    def _watch(self) -> None:
        while True:
            self.picture()
            time.sleep(_WATCH_SECONDS)

    def _take(self) -> Picture:
        for looker in self._lookers:
            looker.start()
        end = time.monotonic() + _LOOK_SECONDS
        parts: dict[str, Part] = {}
        for looker in self._lookers:
            parts |= looker.found(end)
        return Picture(parts)

    def _tell_changes(self, before: str) -> None:
        for name, part in self._picture.parts.items():
            if part[:2] == self._told.get(name, Part())[:2]:
                continue
            self._told[name] = part
            if part:
                self._log.info("mended", what=name)
            else:
                self._log.error("fault", what=name, status=part.status, detail=part.detail)
        if self._picture.status != before:
            self._log.info("status", status=self._picture.status)


class _Looker:
    """Looks at a part in a thread of its own, one look at a time."""

    def __init__(self, name: str, look: Callable[[], Mapping[str, Part]]) -> None:
        self._name = name
        self._look = look
        self._thread: threading.Thread | None = None
        self._found: Mapping[str, Part] = {}

    def start(self) -> None:
        """Begin to look, unless the look before is still going on."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()

    def found(self, end: float) -> Mapping[str, Part]:
        """Give what the look has found, if it is done by a moment (of time.monotonic())."""
        assert self._thread is not None  # noqa: S101 - started before
        self._thread.join(max(0, end - time.monotonic()))
        if self._thread.is_alive():
            return {self._name: Part(UNAVAILABLE, f"no answer within {_LOOK_SECONDS} s")}
        return self._found

    def _run(self) -> None:
        try:
            self._found = self._look()
        except Exception as error:  # noqa: BLE001 - what a look did not foresee must not be taken for health
            self._found = {self._name: Part(UNAVAILABLE, f"it can't be looked at: {error!r}")}
