"""The group_commit: jobs of many requests go to the queue together."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tradewire.errors import QueueUnavailable
from tradewire.queue import TUBES

if TYPE_CHECKING:
    from api.http.queue_pool import QueuePool


_BROKEN_OFF: Final = "the put was broken off"


@dataclass(eq=False, slots=True)
class _Put:
    """One request's job, and what came of it."""

    body: bytes
    done: bool = False
    fault: str = _BROKEN_OFF
    """Why it is not promised; empty once the queue has confirmed it."""


class GroupCommit:
    """Puts jobs into every tube; may be used by any thread.

    A job that comes alone goes at once. What comes while a round trip is under way shares the next one, and with it
    the system calls on both sides, which cost more than all else that is done for a job.
    """

    def __init__(self, pool: QueuePool) -> None:
        self._pool = pool
        self.coming: list[_Put] = []
        """Those that wait for the next round trip."""
        self._turn = threading.Lock()

    def put(self, body: bytes) -> None:
        """Put a job into every tube; return when it is kept.

        Raises QueueUnavailable: then it may be there all the same.
        """
        mine = _Put(body)
        self.coming.append(mine)
        with self._turn:
            if not mine.done:  # nobody has taken it along
                together, self.coming = self.coming, []
                self._put_all(together)
        if mine.fault:
            raise QueueUnavailable(mine.fault)  # each its own: an error that many raise keeps all their frames

    def _put_all(self, together: list[_Put]) -> None:
        fault = _BROKEN_OFF
        try:
            with self._pool.lend() as queue:
                queue.put_all([one.body for one in together], TUBES)
            fault = ""
        except QueueUnavailable as error:
            fault = str(error)
        finally:
            for one in together:
                one.done, one.fault = True, fault
