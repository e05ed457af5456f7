"""SIGTERM and SIGINT for processes that loop: the handler only records, and the loop health_checks."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import FrameType

_CHECK_SECONDS: Final = 0.1


class Stop:
    """Whether this process was asked to stop.

    A plain attribute and not a threading.Event, whose lock a signal handler could find taken by the very
    thread that it interrupts.
    """

    def __init__(self) -> None:
        self.requested = False

    def install(self) -> Stop:
        """Record SIGTERM and SIGINT from now on."""
        signal.signal(signal.SIGTERM, self._record)
        signal.signal(signal.SIGINT, self._record)
        return self

    def wait(self, seconds: float) -> None:
        """Sleep that long, or until asked to stop."""
        end = time.monotonic() + seconds
        while not self.requested and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, _CHECK_SECONDS))

    def _record(self, _signal: int, _frame: FrameType | None) -> None:
        self.requested = True
