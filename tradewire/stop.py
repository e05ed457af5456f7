"""SIGTERM and SIGINT for processes that run a loop: the handler sets a flag, and the loop checks it."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import FrameType

_CHECK_SECONDS: Final = 0.1


class Stop:
    """Holds whether this process was asked to stop, in `requested`.

    `requested` is a plain attribute and not a threading.Event: a signal handler can interrupt the thread that
    holds the event's lock, and would then wait for it forever.
    """

    def __init__(self) -> None:
        self.requested = False

    def install(self) -> Stop:
        """Set `requested` on SIGTERM and SIGINT from now on."""
        signal.signal(signal.SIGTERM, self._record)
        signal.signal(signal.SIGINT, self._record)
        return self

    def wait(self, seconds: float) -> None:
        """Sleep for some seconds, or until a stop is requested."""
        end = time.monotonic() + seconds
        while not self.requested and (remaining := end - time.monotonic()) > 0:
            time.sleep(min(remaining, _CHECK_SECONDS))

    def _record(self, _signal: int, _frame: FrameType | None) -> None:
        self.requested = True
