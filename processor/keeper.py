"""The keeper: gives up waiting events that are due, in the tube of every consumer, whether the consumer runs or not.

It also repairs what the queue can't repair by itself, sends the audit trail to syslog, deletes what the archive keeps
no longer, and makes backups by a schedule. Run it with `python -m processor.keeper`. The archive's tube is left alone:
its jobs wait for as long as it takes.
"""

from __future__ import annotations

import os
import pkgutil
import sys
from functools import partial
from typing import TYPE_CHECKING, Final

from processor import program
from processor.announcer import Announcer
from processor.audit_witness import AuditWitness
from processor.backups import BackupThread
from processor.expiry import Expiry
from processor.repeat import repeat
from processor.retention import RetentionThread
from processor.turns import Turns
from tradewire.audit.trail import Trail
from tradewire.queue import ARCHIVE

if TYPE_CHECKING:
    from collections.abc import Callable

    from structlog.stdlib import BoundLogger

    from tradewire.consumer import Consumer
    from tradewire.queue import Queue
    from tradewire.settings import Settings
    from tradewire.stop import Stop

CHECK_SECONDS: Final = 1.0
"""The pause after a step in which no jobs were due."""


class Keeper:
    """Gives up the events of all consumers that are due. The consumers take turns: no backlog delays another one.

    Args:
        queue: A connection of its own.
        settings: They name the enabled consumers, and the share of each.
        stop: Ends `run`.
        log: Gets a line for each outage and each batch.
    """

    def __init__(self, queue: Queue, settings: Settings, stop: Stop, log: BoundLogger) -> None:
        self._queue = queue
        self._stop = stop
        self._log = log
        self._owns_queue = settings.own_queue
        self._witness = AuditWitness(Trail(settings.audit, settings.audit_key), settings.audit_syslog, log)
        self._repair: str | None = None
        """The repair under way, in words. None if nothing is damaged."""
        consumers = [consumer for consumer in settings.consumers if consumer.name != ARCHIVE]
        self._announcers = [Announcer(_announce(consumer, settings), log) for consumer in consumers]
        self._expiries = [
            Expiry(
                queue,
                Turns(settings.counters, consumer.name),
                consumer.max_age_seconds,
                settings.share_bytes,
                announcer.announce,
                log,
            )
            for consumer, announcer in zip(consumers, self._announcers, strict=True)
        ]

    def run(self) -> None:
        """Repeat `step` until a stop is requested."""
        repeat(self.step, self._queue, self._stop, self._log)

    def step(self) -> None:
        """Give up a batch of each tube. Wait if no more jobs are due.

        Raises:
            QueueUnavailable: The queue can't be used. Some jobs may still be reserved: close the queue.
        """
        self._witness.step()  # first: it needs no queue
        self._maintain()
        more_due = [expiry.step() for expiry in self._expiries]
        for announcer in self._announcers:
            announcer.retry()
        if not any(more_due):
            self._stop.wait(CHECK_SECONDS)

    def _maintain(self) -> None:
        repair = self._queue.maintain(may_restart=self._owns_queue)
        if repair and repair != self._repair:
            self._log.warning(repair)
        if self._repair and not repair:
            self._log.info("all jobs are in files again")
        self._repair = repair


def _announce(consumer: Consumer, settings: Settings) -> Callable[[], None]:
    """Return the function that makes the announcements of a consumer."""
    if consumer.announce is None:
        return lambda: None
    return partial(pkgutil.resolve_name(consumer.announce), settings)


def main() -> int:
    """Run until SIGTERM or SIGINT. Return the exit status: 0, or 2 if settings are invalid."""
    settings, queue, stop, log = program.start("keeper", os.environ)
    retention = RetentionThread(settings, stop, log)
    retention.start()
    backups = BackupThread(settings, stop, log)
    backups.start()
    Keeper(queue, settings, stop, log).run()
    retention.join()
    backups.join()
    log.info("stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
