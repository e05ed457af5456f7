"""How deep the queue is, second by second, while something else is measured."""

from __future__ import annotations

import statistics
import threading
import time
from typing import TYPE_CHECKING, NamedTuple, Self

from tests.support import wait_until
from tradewire.queue import TUBES
from tradewire.queue.beanstalk import BeanstalkQueue
from tradewire.settings import Settings

if TYPE_CHECKING:
    from types import TracebackType

    from tests.stack import Stack

_EVERY_SECONDS = 1.0


class Trend(NamedTuple):
    """How a tube's depth went, in jobs."""

    highest: int
    jobs_a_second: float
    """By how much it rose, by a line of best fit; 0 is flat."""


def waiting(stack: Stack) -> dict[str, int]:
    """Give how many jobs each tube holds, those in hand included."""
    queue = _queue(stack)
    try:
        return _depths(queue)
    finally:
        queue.close()


def await_empty(stack: Stack, seconds: float) -> None:
    """Wait until no tube holds anything: all is shown and archived."""
    queue = _queue(stack)
    try:
        wait_until(lambda: not any(_depths(queue).values()), "all is shown and archived", seconds)
    finally:
        queue.close()


class Depth:
    """Samples each tube's depth for as long as its block lasts."""

    def __init__(self, stack: Stack) -> None:
        self._queue = _queue(stack)
        self._samples: list[tuple[float, dict[str, int]]] = []
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._thread.join()
        self._queue.close()

    def trend(self, tube: str) -> Trend:
        """Give how the depth of a tube went."""
        moments = [moment for moment, _ in self._samples]
        depths = [found[tube] for _, found in self._samples]
        slope = statistics.linear_regression(moments, depths).slope if len(depths) > 1 else 0.0
        return Trend(max(depths), slope)

    def _run(self) -> None:
        while not self._is_over.wait(_EVERY_SECONDS):
            self._samples.append((time.monotonic(), _depths(self._queue)))


def _depths(queue: BeanstalkQueue) -> dict[str, int]:
    counts = {tube: queue.counts(tube) for tube in TUBES}
    return {tube: found.ready + found.reserved for tube, found in counts.items()}


def _queue(stack: Stack) -> BeanstalkQueue:
    settings = Settings(home=stack.home)
    return BeanstalkQueue(settings.queue, settings.queue_max_bytes)
