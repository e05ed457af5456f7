"""The pace of work in small steps, each of which keeps other writers out for a moment."""

from __future__ import annotations

from typing import Final

STEP_SECONDS: Final = 0.025
"""How long a step should take. Others wait for it, and a busy machine may take a few times as long."""
_ROWS_FIRST: Final = 50
_ROWS_MIN: Final = 10
_ROWS_MAX: Final = 2_000
_GROWTH: Final = 1.25
_REST: Final = 3.0
"""The pause after a step, as a multiple of the step's own time: others have the store for three quarters of it."""
_REST_SECONDS_MIN: Final = 0.02
"""SQLite's writers look for the lock at intervals, of 25 ms before long. In a shorter pause, they might miss it."""


class Pace:
    """How many rows a step may take, learned from the steps before.

    Example:
        >>> pace = Pace()
        >>> begun = time.monotonic()
        >>> delete(pace.rows)
        >>> time.sleep(pace.rest(time.monotonic() - begun))
    """

    def __init__(self) -> None:
        self.rows = _ROWS_FIRST

    def rest(self, seconds: float) -> float:
        """Take a step's duration into account. Return the pause that should follow.

        Args:
            seconds: How long the step has kept others out.
        """
        growth = min(_GROWTH, STEP_SECONDS / max(seconds, 1e-6))
        self.rows = min(_ROWS_MAX, max(_ROWS_MIN, int(self.rows * growth)))
        return max(_REST_SECONDS_MIN, _REST * seconds)
