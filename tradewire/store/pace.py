"""The pace of work in small steps, each of which keeps other writers out for a moment."""

from __future__ import annotations

from typing import Final

STEP_SECONDS: Final = 0.02
"""How long a step may take. Others wait for it, and on a busy machine a step may suddenly take a few times as long."""
_QUICK: Final = 0.25
"""The share of that time below which the next step takes twice the rows: it then takes about half the time."""
_ROWS_MIN: Final = 50
"""A step has its own cost, of some 2 ms. Fewer rows hardly make it shorter, and a busy machine would fall behind."""
_ROWS_FIRST: Final = _ROWS_MIN
_ROWS_MAX: Final = 2_000
_REST: Final = 3.0
"""The pause after a step, as a multiple of the step's own time: others have the store for three quarters of it."""
_REST_SECONDS_MIN: Final = 0.02
"""SQLite's writers look for the lock at intervals, of 25 ms before long. In a shorter pause, they might miss it."""


class Pace:
    """How many rows a step may take, learned from the steps before.

    Example:
        >>> pace = Pace()
        >>> begun = time.monotonic()
        >>> deleted = delete(pace.rows)
        >>> time.sleep(pace.rest(deleted, time.monotonic() - begun))
    """

    def __init__(self) -> None:
        self.rows = _ROWS_FIRST

    def rest(self, taken: int, seconds: float) -> float:
        """Take a step into account. Return the pause that should follow, in seconds.

        Args:
            taken: How many rows the step took. If there were fewer than it might take, its time says nothing of more.
            seconds: How long the step has kept others out.
        """
        self.rows = next_rows(self.rows, taken, seconds)
        return max(_REST_SECONDS_MIN, _REST * seconds)


def next_rows(rows: int, taken: int, seconds: float) -> int:
    """Return how many rows the next step may take: half as many or fewer after a slow one, twice after a quick one.

    Args:
        rows: How many rows the step might take.
        taken: How many it took.
        seconds: How long it took.
    """
    if seconds > STEP_SECONDS:
        return max(_ROWS_MIN, int(rows * min(0.5, STEP_SECONDS / seconds)))
    if seconds < _QUICK * STEP_SECONDS and taken >= rows:
        return min(_ROWS_MAX, 2 * rows)
    return rows
