"""Limits how much of the event loop's time WebSocket handshakes take."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

BURST_SECONDS: Final = 0.002
"""A burst of handshakes ends after this time, so that other work gets its turn."""
REST_FACTOR: Final = 3.0
"""After a burst of t seconds, the throttle pauses for REST_FACTOR × t. nginx and the browsers need this time to process
the replay that each new browser was sent; events for the other browsers pass through them, too."""


class HandshakeThrottle:
    """A queue of handshakes that runs them in order, in short bursts with pauses in between.

    When a thousand browsers reconnect at once, events for the other browsers go out during the pauses.
    """

    def __init__(self) -> None:
        self._queue: deque[Callable[[], None]] = deque()
        self._active = False
        """True while a burst is scheduled or running, and during the pause after it."""

    def submit(self, handshake: Callable[[], None]) -> None:
        """Queue a handshake. If the throttle is idle, it runs in the event loop's next iteration.

        Args:
            handshake: Performs one handshake without blocking. If it raises, the event loop reports the exception, and
                the handshakes after it still run.
        """
        self._queue.append(handshake)
        if not self._active:
            self._active = True
            asyncio.get_running_loop().call_soon(self._run_burst)

    def _run_burst(self) -> None:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        try:
            while self._queue and loop.time() < begun + BURST_SECONDS:
                self._queue.popleft()()
        finally:  # also after a handshake that raises, or the others would wait forever
            loop.call_later(REST_FACTOR * (loop.time() - begun), self._end_pause)

    def _end_pause(self) -> None:
        self._active = bool(self._queue)
        if self._active:
            self._run_burst()
