"""SIGTERM and SIGINT for processes that run a loop: the handler sets a flag, and the loop checks it."""

from __future__ import annotations

import math
import os
import select
import signal
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType


class Stop:
    """Holds whether this process was asked to stop, in `requested`.

    `requested` is a plain attribute and not a threading.Event: a signal handler can interrupt the thread that
    holds the event's lock, and would then wait for it forever.
    """

    def __init__(self) -> None:
        self.requested = False
        self._reading_end, self._writing_end = os.pipe()
        """The pipe is readable once a stop is requested: a wait needs no look at the attribute every now and then."""

    def install(self) -> Stop:
        """Set `requested` on SIGTERM and SIGINT from now on."""
        signal.signal(signal.SIGTERM, self._record)
        signal.signal(signal.SIGINT, self._record)
        return self

    def wait(self, seconds: float) -> None:
        """Sleep for some seconds, or until a stop is requested. Several threads may wait at once."""
        end = time.monotonic() + seconds
        poll = select.poll()  # for this thread alone; select.select fails if the pipe's number is above 1,023
        poll.register(self._reading_end, select.POLLIN)
        while not self.requested and (remaining := end - time.monotonic()) > 0:
            poll.poll(math.ceil(remaining * 1000))

    def _record(self, _signal: int, _frame: FrameType | None) -> None:
        self.requested = True
        os.write(self._writing_end, b"!")
