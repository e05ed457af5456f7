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
        self._opening = False

    def knock(self, come_in: Callable[[], None]) -> None:
        """Have it called when it is its turn."""
        self._queue.append(come_in)
        self._open_soon()

    def _open_soon(self) -> None:
        if self._queue and not self._opening:
            self._opening = True
            asyncio.get_running_loop().call_soon(self._open)

    def _open(self) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + TURN_SECONDS
        try:
            while self._queue and loop.time() < end:
                self._queue.popleft()()
        finally:  # one that fails holds up nobody
            self._opening = False
            self._open_soon()
