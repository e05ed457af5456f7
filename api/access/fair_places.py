"""Places for requests that wait for a slow server: few, and shared fairly, so that no client keeps others out.

A client has at most half of the places; its other requests wait, while the queue has room. When a place is free, the
waiting client gets it that holds the fewest. When the queue is full, the client that takes the most gives up a turn.
"""

from __future__ import annotations

import time
from collections import Counter
from contextlib import contextmanager
from threading import Condition
from typing import TYPE_CHECKING

from tradewire.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Turn:
    """A request that has no place yet."""

    def __init__(self, client: str) -> None:
        self.client = client
        self.outcome = ""
        """`held`: it has a place. `refused`: it gets none. Empty: it waits."""


class FairPlaces:
    """The places. Threads may share it.

    Args:
        number: How many there are, and how many requests wait for one.
        wait_seconds: How long a request waits.
    """

    def __init__(self, number: int, wait_seconds: float) -> None:
        self._number = number
        self._per_client = number // 2
        self._wait_seconds = wait_seconds
        self._changed = Condition()
        self._held: Counter[str] = Counter()
        self._waiting: list[_Turn] = []
        """The first of them waits longest."""

    @contextmanager
    def place(self, client: str) -> Iterator[None]:
        """Hold a place during a block.

        Args:
            client: Whose request it is, as `tradewire.client` names it.

        Raises:
            Unavailable: There is no place, or there was none in time.
        """
        turn = _Turn(client)
        with self._changed:
            self._enter(turn)
            self._wait(turn)
        if turn.outcome != "held":
            raise Unavailable("too many logins wait for the provider")
        try:
            yield
        finally:
            with self._changed:
                self._held -= Counter([client])
                self._give()

    def _enter(self, turn: _Turn) -> None:
        """Give a request a place, or let it wait. If too many wait then, the greediest client loses its last turn."""
        self._waiting.append(turn)
        self._give()
        if len(self._waiting) > self._number:
            taken = Counter(each.client for each in self._waiting) + self._held
            self._settle(max(reversed(self._waiting), key=lambda each: taken[each.client]), "refused")

    def _give(self) -> None:
        """Give free places to those that wait."""
        while self._held.total() < self._number:
            allowed = [each for each in self._waiting if self._held[each.client] < self._per_client]
            if not allowed:
                return
            first = min(allowed, key=lambda each: self._held[each.client])
            self._held[first.client] += 1
            self._settle(first, "held")

    def _wait(self, turn: _Turn) -> None:
        end = time.monotonic() + self._wait_seconds
        while not turn.outcome:
            is_late = not self._changed.wait(end - time.monotonic())
            if is_late and not turn.outcome:
                self._settle(turn, "refused")

    def _settle(self, turn: _Turn, outcome: str) -> None:
        turn.outcome = outcome
        self._waiting.remove(turn)
        self._changed.notify_all()
