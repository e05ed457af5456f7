"""The keeper: expires and evicts waiting jobs in the tube of every consumer, whether the consumer runs or not.

Run it with `python -m processor.keeper`. The archive's tube is left alone: its jobs wait for as long as it takes.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

from processor import program
from processor.expiry import Expiry
from processor.repeat import repeat
from tradewire.queue import ARCHIVE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from structlog.stdlib import BoundLogger

    from tradewire.consumer import Consumer
    from tradewire.queue import Queue
    from tradewire.stop import Stop

CHECK_SECONDS: Final = 1.0
"""The pause after a step in which no jobs were due."""


class Keeper:
    """Drops the jobs of all consumers that are due. The consumers take turns, so that no backlog delays another one.

    Args:
        queue: A connection of its own.
        consumers: The enabled consumers.
        stop: Ends `run`.
        log: Gets a line for each outage and each dropped batch.
    """

    def __init__(self, queue: Queue, consumers: Iterable[Consumer], stop: Stop, log: BoundLogger) -> None:
        self._queue = queue
        self._expiries = [Expiry(queue, consumer, log) for consumer in consumers if consumer.name != ARCHIVE]
        self._stop = stop
        self._log = log

    def run(self) -> None:
        """Repeat `step` until a stop is requested."""
        repeat(self.step, self._queue, self._stop, self._log)

    def step(self) -> None:
        """Drop a batch of each tube. Wait if no more jobs are due.

        Raises:
            QueueUnavailable: The queue can't be used. Some jobs may still be reserved: close the queue.
        """
        more_due = [expiry.step() for expiry in self._expiries]
        if not any(more_due):
            self._stop.wait(CHECK_SECONDS)


def main() -> int:
    """Run until SIGTERM or SIGINT. Return the exit status: 0, or 2 if settings are invalid."""
    settings, queue, stop, log = program.start("keeper", os.environ)
    Keeper(queue, settings.consumers, stop, log).run()
    log.info("stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
