"""Group commit: jobs of concurrent requests go to the queue in one round trip."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tradewire.errors import QueueUnavailable
from tradewire.queue import TUBES

if TYPE_CHECKING:
    from api.http.queue_pool import QueuePool


_INTERRUPTED: Final = "the put was interrupted"


@dataclass(eq=False, slots=True)
class _Put:
    """One request's job and its outcome."""

    body: bytes
    done: bool = False
    fault: str = _INTERRUPTED
    """Why the job may not be kept; empty once the queue has confirmed it."""


class GroupCommit:
    """Puts jobs into every tube. Threads may share it.

    A job that comes alone is sent at once. Jobs that come during a round trip share the next one. They also share its
    system calls on both sides, which cost more than all other work on a job.
    """

    def __init__(self, pool: QueuePool) -> None:
        self._pool = pool
        self.pending: list[_Put] = []
        """Jobs that wait for the next round trip."""
        self._round_trip = threading.Lock()

    def put(self, body: bytes) -> None:
        """Put one job into every tube, and return once all copies are kept.

        Args:
            body: The job: events, one a line.

        Raises:
            QueueUnavailable: The job may not be kept. Some tubes may have a copy all the same.
        """
        own = _Put(body)
        self.pending.append(own)
        with self._round_trip:
            if not own.done:  # no other thread has sent it
                batch, self.pending = self.pending, []
                self._put_all(batch)
        if own.fault:
            raise QueueUnavailable(own.fault)  # not one shared error: it would keep the frames of every thread

    def _put_all(self, batch: list[_Put]) -> None:
        fault = _INTERRUPTED
        try:
            with self._pool.lend() as queue:
                queue.put_all([put.body for put in batch], TUBES)
            fault = ""
        except QueueUnavailable as error:
            fault = str(error)
        finally:
            for put in batch:
                put.done, put.fault = True, fault
