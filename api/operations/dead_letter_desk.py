"""What operators do with dead letters, and what became of those that were requeued."""

from __future__ import annotations

import time
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from api.operations.requeue_history import RequeueHistory
from tradewire import event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from structlog.stdlib import BoundLogger

    from api.http.queue_pool import QueuePool
    from api.operations.requeue_history import Requeued
    from tradewire.queue import DeadLetter, Queue
    from tradewire.settings import Settings

    Recorded = Callable[[Sequence[DeadLetter]], AbstractContextManager[dict[str, Any]]]

LISTED_MAX: Final = 100
_SEARCHED_MAX: Final = 1000
"""Dead letters of each tube in which an event is searched, the oldest."""
_MAX_SECONDS: Final = 10
"""For requeuing dead letters in one request."""
_PAUSES_SECONDS: Final = (0.1, 0.2, 0.5, 1.0)
"""Between requeuing and each look at what came of it. A processor takes milliseconds, unless it has a backlog."""


class Found(NamedTuple):
    """What the queue and the history know about one event."""

    letters: list[DeadLetter]
    """Its dead letters, at most one in each tube."""
    requeued: list[Requeued]
    """When it was requeued last, in each tube."""


class DeadLetterDesk:
    """Lists, requeues and deletes dead letters. Threads may share it.

    Args:
        settings: The stack's settings.
        pool: Connections to the queue.
        log: Gets a line when the history can't be read or written.
    """

    def __init__(self, settings: Settings, pool: QueuePool, log: BoundLogger) -> None:
        self._tubes = settings.tubes
        self._pool = pool
        self._history = RequeueHistory(settings.counters / "requeued.jsonl", log)
        # Listing reserves the dead letters for a short time, so a concurrent request would not see them.
        self._lock = Lock()

    @contextmanager
    def queue(self) -> Iterator[Queue]:
        """Lend the queue to one request at a time. Raises QueueUnavailable."""
        with self._lock, self._pool.lend() as queue:
            yield queue

    def listed(self, tubes: Sequence[str], limit: int) -> list[tuple[DeadLetter, Requeued | None]]:
        """Return the oldest dead letters of each tube, each with its history if it was requeued before."""
        with self.queue() as queue:
            letters = [letter for tube in tubes for letter in queue.dead_letters(tube, limit)]
            return [(letter, self._history.of(letter)) for letter in letters]

    def find(self, event_id: str) -> Found:
        """Return everything known about an event. Raises QueueUnavailable."""
        with self.queue() as queue:
            letters = [letter for tube in self._tubes for letter in queue.dead_letters(tube, _SEARCHED_MAX)]
            requeued = self._history.of_event(event_id)
        of_event = [letter for letter in letters if (header := event.peek(letter.event)) and header.id == event_id]
        return Found(of_event, requeued)

    def requeue(self, tube: str, dead_letter_id: str, recorded: Recorded) -> DeadLetter:
        """Requeue a dead letter, and return it.

        Args:
            tube: Its tube.
            dead_letter_id: Its id.
            recorded: Records the dead letter in the audit trail, before and after it is requeued.

        Raises:
            LookupError: It is not among the LISTED_MAX oldest.
            Unavailable: It can't be recorded, or the queue can't be used.
        """
        with self.queue() as queue:
            letter = find_letter(queue, tube, dead_letter_id)
            with recorded([letter]):
                self._history.add(letter)
                if not queue.requeue(tube, dead_letter_id):
                    raise LookupError(dead_letter_id)
        return letter

    def came_back(self, requeued: DeadLetter) -> DeadLetter | None:
        """Return the dead letter that a requeued event has become again. None if it has not."""
        with self.queue() as queue:
            for letter in queue.dead_letters(requeued.tube, _SEARCHED_MAX):
                if letter.event == requeued.event and self._history.of(letter):
                    return letter
        return None

    def requeue_all(self, tubes: Sequence[str], recorded: Recorded) -> tuple[int, int]:
        """Requeue all dead letters of tubes.

        Args:
            tubes: The tubes.
            recorded: Records a group of dead letters in the audit trail, before and after they are requeued.

        Returns:
            How many were requeued, and how many of them were left for lack of time.

        Raises:
            Unavailable: A group can't be recorded, or the queue can't be used. Groups before it are requeued.
        """
        with self.queue() as queue:
            waiting = {tube: queue.counts(tube).dead_letters for tube in tubes}
            end = time.monotonic() + _MAX_SECONDS
            requeued = sum(self._requeue_oldest(queue, tube, waiting[tube], end, recorded) for tube in tubes)
        return requeued, sum(waiting.values()) - requeued

    def is_empty(self, tubes: Sequence[str]) -> bool:
        """Return True if no job waits in tubes, or is being processed."""
        with self._pool.lend() as queue:
            counts = [queue.counts(tube) for tube in tubes]
        return not any(each.ready or each.reserved for each in counts)

    def count(self, tubes: Sequence[str]) -> int:
        """Return the number of dead letters of tubes."""
        with self._pool.lend() as queue:
            return sum(queue.counts(tube).dead_letters for tube in tubes)

    def looks(self) -> Iterator[None]:
        """Yield after a growing pause, as often as it makes sense to look at what came of requeued events."""
        for seconds in _PAUSES_SECONDS:
            time.sleep(seconds)
            yield

    def _requeue_oldest(self, queue: Queue, tube: str, count: int, end: float, recorded: Recorded) -> int:
        """Requeue dead letters of a tube until a time of the monotonic clock. Return their number.

        Those that come back meanwhile are newer than the `count` oldest ones.
        """
        requeued = 0
        while requeued < count and time.monotonic() < end:
            letters = queue.dead_letters(tube, min(LISTED_MAX, count - requeued))
            if not letters:
                break
            before = requeued
            with recorded(letters) as details:
                for letter in letters:
                    self._history.add(letter)
                    requeued += queue.requeue(tube, letter.id)
                    details["requeued"] = requeued - before  # some may be gone meanwhile, or the queue
        return requeued


def find_letter(queue: Queue, tube: str, dead_letter_id: str) -> DeadLetter:
    """Return a dead letter. Raises LookupError if it is not among the LISTED_MAX oldest."""
    for letter in queue.dead_letters(tube, LISTED_MAX):
        if letter.id == dead_letter_id:
            return letter
    raise LookupError(dead_letter_id)
