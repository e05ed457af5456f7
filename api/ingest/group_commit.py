"""Group commit: concurrent requests put their events into the queue in one shared round trip."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tradewire import metrics
from tradewire.errors import QueueUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from api.http.queue_pool import QueuePool


JOINED_BYTES_MAX: Final = 64 * 1024
JOINED_EVENTS_MAX: Final = 256
"""Limits of a job that single events share: it is given back, dead-lettered or expired as a whole at first."""
_INTERRUPTED: Final = "the put was interrupted"


@dataclass(eq=False, slots=True)
class _Put:
    """One request's events and its outcome."""

    events: Sequence[bytes]
    answered: bool = False
    error_text: str = _INTERRUPTED
    """Why the queue may not have the events. Empty once the queue has confirmed them."""


class GroupCommit:
    """Puts events into every tube. Threads may share it.

    If no round trip is in progress, a request's events are sent at once. Those that arrive during a round trip share
    the next one, and its system calls on both sides. These cost more than all other work on a job. Single events also
    share jobs.

    Args:
        pool: Connections to the queue.
        tubes: The tubes' names.
    """

    def __init__(self, pool: QueuePool, tubes: Sequence[str]) -> None:
        self._pool = pool
        self._tubes = tubes
        self.pending: list[_Put] = []
        """What waits for the next round trip."""
        self._round_trip = threading.Lock()

    def put(self, events: Sequence[bytes]) -> None:
        """Put events into every tube. Return once the queue has confirmed every copy.

        Args:
            events: Encoded events of one request. Several share a job that they have to themselves.

        Raises:
            QueueUnavailable: The queue has not confirmed every copy. Some tubes may have theirs.
        """
        own = _Put(events)
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
                jobs = list(_jobs([put.events for put in batch]))
                queue.put_all(jobs, self._tubes)
            metrics.put(self._tubes, len(jobs))
            error_text = ""
        except QueueUnavailable as error:
            error_text = str(error)
        finally:
            for put in batch:
                put.answered, put.error_text = True, error_text


def _jobs(puts: Sequence[Sequence[bytes]]) -> Iterator[bytes]:
    """Yield the bodies of jobs: one for each batch, and one for as many single events as fit into it."""
    joined: list[bytes] = []
    size = 0
    for events in puts:
        if len(events) > 1:
            yield b"\n".join(events)
            continue
        [event] = events
        if joined and (size + len(event) > JOINED_BYTES_MAX or len(joined) == JOINED_EVENTS_MAX):
            yield b"\n".join(joined)
            joined, size = [], 0
        joined.append(event)
        size += len(event) + 1
    if joined:
        yield b"\n".join(joined)
