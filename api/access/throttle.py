"""Delays that grow with each failed attempt to log in, by user name, by client, or by browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Hashable

FORGET_SECONDS: Final = 3600.0
"""Failures are forgotten that long after the last one."""
REMEMBERED_MAX: Final = 10_000
"""Names, clients and browsers that are remembered. Of more, the one whose last failure is the oldest is forgotten."""


class _Failures(NamedTuple):
    number: int
    last: float
    free_at: float
    """When the next attempt is allowed."""


class Throttle:
    """The failures of all keys of one kind.

    Args:
        free: So many attempts in a row cost no delay.
        delay_max: The longest delay, in seconds. It is short enough that a stranger locks nobody out for good.
    """

    def __init__(self, free: int, delay_max: float) -> None:
        self._free = free
        self._delay_max = delay_max
        self._failures: dict[Hashable, _Failures] = {}

    def wait(self, key: Hashable, now: float) -> float:
        """Return the seconds until the next attempt is allowed; 0 if it is.

        Args:
            key: The user name, client or browser.
            now: Seconds on a monotonic clock.
        """
        found = self._failures.get(key)
        return max(0.0, found.free_at - now) if found else 0.0

    def count(self, key: Hashable, now: float) -> None:
        """Count an attempt as failed. It is counted before it is checked, so that many at once are not all admitted."""
        before = self._failures.pop(key, None)
        number = 1 + (before.number if before and now - before.last < FORGET_SECONDS else 0)
        delay = min(self._delay_max, 2.0 ** (number - self._free)) if number >= self._free else 0.0
        while len(self._failures) >= REMEMBERED_MAX:
            del self._failures[next(iter(self._failures))]
        self._failures[key] = _Failures(number, now, now + delay)

    def succeeded(self, key: Hashable) -> None:
        """Take back the count of an attempt that did not fail."""
        found = self._failures.get(key)
        if found:
            self._failures[key] = _Failures(found.number - 1, found.last, 0.0)

    def forget(self, key: Hashable) -> None:
        """Forget all failures of a key."""
        self._failures.pop(key, None)
