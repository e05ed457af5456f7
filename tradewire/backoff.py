"""Waiting for a neighbour: delays that grow, are capped, and are spread by chance."""

from __future__ import annotations

import random


class Backoff:
    """Gives the seconds to wait before each next try.

    Jitter keeps the parts of a stack from knocking on a neighbour's throttle all at once when it is back.
    """

    def __init__(self, first_seconds: float = 0.05, cap_seconds: float = 2.0) -> None:
        self._first = first_seconds
        self._cap = cap_seconds
        self._bound = first_seconds

    def next(self) -> float:
        """Give the next delay: at least half of a bound that doubles up to the cap."""
        delay = random.uniform(self._bound / 2, self._bound)  # noqa: S311 - spreads load, keeps no secret
        self._bound = min(self._bound * 2, self._cap)
        return delay

    def reset(self) -> None:
        """Begin again, after a success."""
        self._bound = self._first
