"""Limits the bytes of replays for each client, so that no client can keep nginx and the others' connections busy."""

from __future__ import annotations

from typing import Final

BYTES_PER_SECOND: Final = 20 * 1024
"""For each browser that a client may have: 60 events a second. A browser needs a replay only after an interruption."""
SECONDS_AHEAD: Final = 60.0
"""A client may have as many bytes at once as come in this time. Then it gets one more replay, whatever its size."""
CLIENTS_MAX: Final = 10_000
"""Clients that are remembered. Of more, the one whose first replay is the oldest is forgotten."""


class ReplayBudget:
    """The bytes that each client has been sent in replays, as the time in which it would have earned them.

    Args:
        browsers: How many browsers a client may have at a time.
    """

    def __init__(self, browsers: int) -> None:
        self._bytes_per_second = BYTES_PER_SECOND * browsers
        self._earned_at: dict[str, float] = {}
        """By client: when all its replays are earned, in seconds. A client that has earned them may be left out."""

    def take(self, client: str, size: int, now: float) -> bool:
        """Take a replay from a client's budget. Return False if the client has used up its budget.

        Args:
            client: As `tradewire.client.client_at` names it.
            size: The replay's size in bytes. One of size 0 is always granted.
            now: Seconds on a monotonic clock.
        """
        if not size:
            return True
        earned_at = max(self._earned_at.get(client, now), now)
        if earned_at > now + SECONDS_AHEAD:
            return False
        if len(self._earned_at) >= CLIENTS_MAX and client not in self._earned_at:
            self._forget(now)
        self._earned_at[client] = earned_at + size / self._bytes_per_second
        return True

    def _forget(self, now: float) -> None:
        """Forget the clients that have earned their replays. If there are none, forget the oldest client."""
        oldest = next(iter(self._earned_at))
        self._earned_at = {client: time for client, time in self._earned_at.items() if time > now}
        if len(self._earned_at) >= CLIENTS_MAX:
            del self._earned_at[oldest]
