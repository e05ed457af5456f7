"""Group commit: concurrent requests put their jobs into the queue in one shared round trip."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tradewire.errors import QueueUnavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from api.http.queue_pool import QueuePool


_INTERRUPTED: Final = "the put was interrupted"


@dataclass(eq=False, slots=True)
class _Put:
    """One request's job and its outcome."""

    body: bytes
    answered: bool = False
    error_text: str = _INTERRUPTED
    """Why the queue may not have the job. Empty once the queue has confirmed it."""


class GroupCommit:
    """Puts jobs into every tube. Threads may share it.

    If no round trip is in progress, a job is sent at once. Jobs that arrive during a round trip share the next one, and
    its system calls on both sides. These cost more than all other work on a job.

    Args:
        pool: Connections to the queue.
        tubes: The tubes' names.
    """

    def __init__(self, pool: QueuePool, tubes: Sequence[str]) -> None:
        self._pool = pool
        self._tubes = tubes
        self.pending: list[_Put] = []
        """Jobs that wait for the next round trip."""
        self._round_trip = threading.Lock()

    def put(self, body: bytes) -> None:
        """Put one job into every tube. Return once the queue has confirmed every copy.

        Args:
            body: The job: events, one a line.

        Raises:
            QueueUnavailable: The queue has not confirmed every copy. Some tubes may have theirs.
        """
        own = _Put(body)
        self.pending.append(own)
        with self._round_trip:
            if not own.answered:  # no other thread has sent it
                batch, self.pending = self.pending, []
                self._put_all(batch)
        if own.error_text:
            # A new error for each thread: a shared one would collect the tracebacks of all threads.
            raise QueueUnavailable(own.error_text)

    def _put_all(self, batch: list[_Put]) -> None:
        error_text = _INTERRUPTED
        try:
            with self._pool.lend() as queue:
                queue.put_all([put.body for put in batch], self._tubes)
            error_text = ""
        except QueueUnavailable as error:
            error_text = str(error)
        finally:
            for put in batch:
                put.answered, put.error_text = True, error_text
