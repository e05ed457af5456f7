"""The pool of the API's connections to the queue. Each serves one request at a time."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tradewire.queue import Queue


class QueuePool:
    """Lends connections to threads, the most recently used one first. Grows to the number of concurrent requests."""

    def __init__(self, open_queue: Callable[[], Queue]) -> None:
        self._open = open_queue
        self._idle: list[Queue] = []

    @contextmanager
    def lend(self) -> Iterator[Queue]:
        """Lend a connection for the duration of a block. It reconnects by itself after an error."""
        try:
            queue = self._idle.pop()
        except IndexError:  # checking beforehand would be a race: another thread may take the last one
            queue = self._open()
        try:
            yield queue
        finally:
            self._idle.append(queue)
