"""Queue depth: read once, waited for, or sampled every second while something else is measured."""

from __future__ import annotations

import statistics
import threading
import time
from typing import TYPE_CHECKING, NamedTuple, Self

from tests.support import TUBES, wait_until
from tradewire.queue.factory import open_queue
from tradewire.settings import Settings

if TYPE_CHECKING:
    from types import TracebackType

    from tests.stack import Stack
    from tradewire.queue import Queue

_INTERVAL_SECONDS = 1.0


class Trend(NamedTuple):
    """A tube's depth over time, in jobs."""

    maximum: int
    jobs_per_second: float
    """Growth, as the slope of the line of best fit; 0 is flat."""


def depths(stack: Stack) -> dict[str, int]:
    """Return the number of jobs in each tube, reserved ones included."""
    queue = _queue(stack)
    try:
        return _depths(queue)
    finally:
        queue.close()


def wait_empty(stack: Stack, seconds: float) -> None:
    """Wait until all tubes are empty, so that every event is shown and archived."""
    queue = _queue(stack)
    try:
        wait_until(lambda: not any(_depths(queue).values()), "all is shown and archived", seconds)
    finally:
        queue.close()


class DepthSampler:
    """Samples each tube's depth while its `with` block runs."""

    def __init__(self, stack: Stack) -> None:
        self._queue = _queue(stack)
        self._samples: list[tuple[float, dict[str, int]]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._queue.close()

    def trend(self, tube: str) -> Trend:
        """Return the trend of a tube's depth."""
        times = [time_ for time_, _ in self._samples]
        tube_depths = [sample[tube] for _, sample in self._samples]
        slope = statistics.linear_regression(times, tube_depths).slope if len(tube_depths) > 1 else 0.0
        return Trend(max(tube_depths), slope)

    def _run(self) -> None:
        while not self._stop.wait(_INTERVAL_SECONDS):
            self._samples.append((time.monotonic(), _depths(self._queue)))


def _depths(queue: Queue) -> dict[str, int]:
    counts_by_tube = {tube: queue.counts(tube) for tube in TUBES}
    return {tube: counts.ready + counts.reserved for tube, counts in counts_by_tube.items()}


def _queue(stack: Stack) -> Queue:
    settings = Settings(home=stack.home)
    return open_queue(settings.queue, settings.queue_max_bytes, settings.home / "run")
