"""The throttle: peers are let in a few at a time."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

TURN_SECONDS: Final = 0.002
"""How long peers are let in before everybody else has a turn."""
REST_FACTOR: Final = 3.0
"""For so many times as long as they were let in the throttle then stays shut: nginx and the browsers have still to move
what each was given, and the others' events have the same way."""


class HandshakeThrottle:
    """Does the handshakes, in order, for a short while at a time.

    When a thousand browsers come back at once, the others' events go out in between.
    """

    def __init__(self) -> None:
        self._queue: deque[Callable[[], None]] = deque()
        self._in_use = False
        """It is to be opened, or rests."""

    def submit(self, come_in: Callable[[], None]) -> None:
        """Have it called when it is its turn: at once after a quiet moment."""
        self._queue.append(come_in)
        if not self._in_use:
            self._in_use = True
            asyncio.get_running_loop().call_soon(self._open)

    def _open(self) -> None:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        try:
            while self._queue and loop.time() < begun + TURN_SECONDS:
                self._queue.popleft()()
        finally:  # one that fails holds up nobody
            loop.call_later(REST_FACTOR * (loop.time() - begun), self._rested)

    def _rested(self) -> None:
        self._in_use = bool(self._queue)
        if self._in_use:
            self._open()
