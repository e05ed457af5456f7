"""Delays between attempts to reach a service: they grow, are capped, and have random jitter."""

from __future__ import annotations

import random


class Backoff:
    """Computes how many seconds to wait before each new attempt.

    The jitter keeps the processes of a stack from reconnecting to a service all at once when it is back.

    Args:
        first_seconds: Upper bound of the first delay. The bound doubles with each attempt.
        cap_seconds: The greatest bound.
    """

    def __init__(self, first_seconds: float = 0.05, cap_seconds: float = 2.0) -> None:
        self._first = first_seconds
        self._cap = cap_seconds
        self._bound = first_seconds

    def next(self) -> float:
        """Return the next delay in seconds, chosen at random between half the bound and the bound."""
        delay = random.uniform(self._bound / 2, self._bound)  # noqa: S311 - spreads load, keeps no secret
        self._bound = min(self._bound * 2, self._cap)
        return delay

    def reset(self) -> None:
        """Go back to the first bound, after a success."""
        self._bound = self._first
