"""The API's connections to the queue, lent to one request at a time."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tradewire.queue import Queue


class QueuePool:
    """As many connections as there were requests at once; the one used last is lent first."""

    def __init__(self, open_queue: Callable[[], Queue]) -> None:
        self._open = open_queue
        self._idle: list[Queue] = []

    @contextmanager
    def lend(self) -> Iterator[Queue]:
        """Lend a connection, made where none is idle. It reconnects by itself after an error."""
        try:
            queue = self._idle.pop()
        except IndexError:  # not asked for beforehand: another thread may take the last one in between
            queue = self._open()
        try:
            yield queue
        finally:
            self._idle.append(queue)
