"""Puts a mark into each tube whenever slots have become final, one at a time, and again if it was lost."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from tradewire import mark
from tradewire.mark import Mark
from tradewire.queue import ARCHIVE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from processor.turns import Turns
    from tradewire.queue import Queue

_LOST_SECONDS: Final = 3.0
"""A mark that has not passed for so long, while the tube has no job as old, is lost."""


class MarkPuts:
    """The marks that lie in the tubes of a stack.

    A tube gets a mark only while jobs leave it. Nothing could pass a tube that stands still, and a consumer that was
    away must not find thousands of marks.

    Args:
        queue: A connection.
        turns: The turns of each tube, by its name.
    """

    def __init__(self, queue: Queue, turns: Mapping[str, Turns]) -> None:
        self._queue = queue
        self._turns = turns
        self._put: dict[str, dict[int, int]] = {tube: {} for tube in turns}
        """The slots of the last mark in each tube."""
        self._put_at = dict.fromkeys(turns, 0.0)
        self._oldest = dict.fromkeys(turns, float("inf"))
        """A time at which each tube's oldest job was in the tube, in seconds of the monotonic clock."""

    @property
    def tubes(self) -> list[str]:
        """The names of the tubes."""
        return [*self._turns]

    def step(self, final: dict[int, int], passed: Mapping[str, dict[int, int]]) -> None:
        """Put a mark into each tube that needs one.

        Args:
            final: By ingest process, the number of the last slot to which nothing is added.
            passed: The same for the last slot that has passed, by tube.

        Raises:
            Unavailable: The queue or the turns can't be used.
        """
        archive_age = self._queue.counts(ARCHIVE).oldest_job_age_seconds
        for tube, turns in self._turns.items():
            if _covers(passed[tube], final):
                self._oldest[tube] = time.monotonic()
                continue
            age = self._queue.counts(tube).oldest_job_age_seconds
            waited = time.monotonic() - self._put_at[tube]
            is_lost = waited > _LOST_SECONDS and max(age, archive_age) < waited - 1
            if self._moves(tube, age) and (_covers(passed[tube], self._put[tube]) or is_lost):
                self._queue.put_mark(tube, mark.encode(Mark(dict(final), turns.look().again)))
                self._put[tube] = dict(final)
                self._put_at[tube] = time.monotonic()

    def _moves(self, tube: str, age: int) -> bool:
        """Return whether the oldest job is a later one than at the last such look, so that jobs have left the tube."""
        now = time.monotonic()
        moves = not age or now - age - 1 > self._oldest[tube]  # the queue rounds ages down
        if moves or self._oldest[tube] > now:
            self._oldest[tube] = now - age
        return moves


def _covers(passed: dict[int, int], slots: dict[int, int]) -> bool:
    return all(passed.get(process, 0) >= number for process, number in slots.items())
