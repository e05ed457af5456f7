"""Marks that a program has found in its tube, until they have passed.

A mark has passed when every job that lay before it has left the tube. The program that finds it has settled its own
jobs by then. So the jobs that other programs hold remain, and those that go back into the tube:

- At the first sight of a mark, the program notes what the others tell, and gives the mark back. At the second sight, no
  job may have gone back meanwhile. Then every older job was held at the first sight, and none has come since: the queue
  gives the oldest job first, and would have given that one instead of the mark.
- Then the program holds the mark until all turns that were under way have ended, again without a job that goes back.
- Events that were put anew since the mark was put lie behind it. Then the mark is put anew, too.
- While the queue may still hold jobs for a connection that broke, nobody sees them go back. So every mark goes back,
  and what was seen before does not count.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, NamedTuple

from tradewire import mark, receipt
from tradewire.mark import Mark

if TYPE_CHECKING:
    from collections.abc import Sequence

    from processor.turns import Programs, Turns
    from tradewire.queue import Job, Queue

_HOLD_SECONDS: Final = 10.0
"""How long a mark is held at most, well below the TTR."""


class MarkJob(NamedTuple):
    """A reserved job that is a mark."""

    job: Job
    mark: Mark


def split(jobs: Sequence[Job]) -> tuple[list[Job], list[MarkJob]]:
    """Split reserved jobs into those with events and the marks."""
    others: list[Job] = []
    marks: list[MarkJob] = []
    for job in jobs:
        found = mark.decode(job.body)
        if found is None:
            others.append(job)
        else:
            marks.append(MarkJob(job, found))
    return others, marks


class _Held(NamedTuple):
    job: Job
    mark: Mark
    seen: Programs
    """What the programs told when it was reserved."""
    until: float


class Marks:
    """The marks of one program in one tube.

    Args:
        queue: The connection that reserves them.
        turns: The program's turns in the tube.
    """

    def __init__(self, queue: Queue, turns: Turns) -> None:
        self._queue = queue
        self._tube = turns.tube
        self._turns = turns
        self._sighted: dict[bytes, Programs] = {}
        """The marks that were given back at the first sight."""
        self._held: list[_Held] = []

    def take(self, marks: Sequence[MarkJob]) -> None:
        """Take marks that were just reserved. All jobs that were reserved before them must be settled.

        Raises:
            Unavailable: The queue or the turns can't be used. Close the queue.
        """
        if not marks and not self._held:
            return
        now = self._turns.look()
        if self._queue.has_strays(self._tube):  # after the look: jobs become strays before their turn ends
            self._give_back([*(found.job for found in marks), *(held.job for held in self._held)])
            return
        until = time.monotonic() + _HOLD_SECONDS
        self._held += [_Held(job, found, now, until) for job, found in self._sighted_before(marks, now)]
        passed = [held for held in self._held if self._has_passed(held, now)]
        waiting = [held for held in self._held if held not in passed]
        over = [held for held in waiting if now.gave_back_since(held.seen) or time.monotonic() > held.until]
        self._held = [held for held in waiting if held not in over]
        self._queue.release([held.job for held in over])
        self._settle([MarkJob(held.job, held.mark) for held in passed], now)

    def put_anew(self, marks: Sequence[MarkJob]) -> None:
        """Move marks behind everything that is in the tube."""
        if marks:
            slots = mark.merge(found.mark for _, found in marks)
            self._queue.put_again(self._tube, [mark.encode(Mark(slots, self._turns.look().again))])
            self._queue.delete([job for job, _ in marks])

    def _give_back(self, jobs: Sequence[Job]) -> None:
        """Give marks back, and forget what was seen."""
        self._sighted, self._held = {}, []
        self._queue.release(jobs)

    def _sighted_before(self, marks: Sequence[MarkJob], now: Programs) -> list[MarkJob]:
        """Return the marks that are seen for the second time. Give the others back."""
        sighted, self._sighted = self._sighted, {}
        second: list[MarkJob] = []
        first: list[Job] = []
        for found in marks:
            body = found.job.body
            if body in sighted and not now.gave_back_since(sighted[body]):
                second.append(found)
            else:
                self._sighted[body] = now
                first.append(found.job)
        self._queue.release(first)
        return second

    def _has_passed(self, held: _Held, now: Programs) -> bool:
        return not now.gave_back_since(held.seen) and not now.hold_from(held.seen, self._turns.own)

    def _settle(self, marks: Sequence[MarkJob], now: Programs) -> None:
        """Put a receipt for the marks that have passed. Put those anew that may have events behind them."""
        passed = [found for found in marks if found.mark.again == now.again]
        if passed:
            slots = mark.merge(found.mark for _, found in passed)
            self._queue.put_receipt(receipt.encode(receipt.passed(self._tube, slots)))
            self._queue.delete([job for job, _ in passed])
        self.put_anew([found for found in marks if found.mark.again != now.again])
