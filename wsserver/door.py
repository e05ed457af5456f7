"""The door: peers are let in a few at a time."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

TURN_SECONDS: Final = 0.002
"""How long peers are let in before everybody else has a turn."""


class Door:
    """Does the handshakes, in order, for a short while in each turn of the event loop.

    When a thousand browsers come back at once, the others' updates go out in between.
    """

    def __init__(self) -> None:
        self._queue: deque[Callable[[], None]] = deque()

    def knock(self, come_in: Callable[[], None]) -> None:
        """Have it called when it is its turn."""
        self._queue.append(come_in)
        if len(self._queue) == 1:
            asyncio.get_running_loop().call_soon(self._open)

    def _open(self) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + TURN_SECONDS
        while self._queue:
            self._queue[0]()
            self._queue.popleft()  # not before, so that who knocks meanwhile starts no second turn
            if loop.time() > end:
                break
        if self._queue:
            loop.call_soon(self._open)
