"""An expiry with its queue and its log."""

from __future__ import annotations

import logging
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
import structlog
from structlog.stdlib import BoundLogger
from structlog.testing import LogCapture

from processor.expiry import Expiry
from tests.unit.sinks import new_turns
from tradewire import receipt
from tradewire.consumers import live
from tradewire.event import format_time
from tradewire.queue import ARCHIVE, LIVE
from tradewire.queue.memory import Broker, MemoryQueue

if TYPE_CHECKING:
    from tradewire.consumer import Consumer
    from tradewire.queue import TubeCounts

MAX_AGE_SECONDS = live.CONSUMER.max_age_seconds or 0


def event_of_age(seconds: float, event_id: str) -> bytes:
    """Return an event that was received so many seconds ago."""
    received_at = format_time(datetime.now(UTC) - timedelta(seconds=seconds))
    return msgspec.json.encode({"id": event_id, "receivedAt": received_at})


class Scene:
    """An expiry, its queue and its log."""

    def __init__(
        self,
        share_bytes: int = 10**9,
        queue: type[MemoryQueue] = MemoryQueue,
        consumer: Consumer = live.CONSUMER,
    ) -> None:
        self.broker = Broker()
        self.queue = MemoryQueue(self.broker)
        self.capture = LogCapture()
        self.log = structlog.wrap_logger(
            logging.getLogger(__name__), processors=[self.capture], wrapper_class=BoundLogger
        )
        self.announced: list[TubeCounts] = []
        """The state of the tube at each announcement."""
        turns = new_turns(consumer.name)
        self.expiry = Expiry(queue(self.broker), turns, consumer.max_age_seconds, share_bytes, self._announce, self.log)

    def _announce(self) -> None:
        self.announced.append(self.queue.counts(LIVE))

    def no_announcement(self) -> None:
        """Announce nothing."""

    def put(self, *ages_seconds: float) -> list[str]:
        """Put one job for each age and return the ids of their events."""
        ids = []
        for age in ages_seconds:
            ids.append(str(uuid.uuid4()))
            self.put_job(event_of_age(age, ids[-1]), age)
        return ids

    def put_job(self, body: bytes, age_seconds: float) -> None:
        """Put a job that is of this age by the queue's own clock."""
        self.queue.put(body, [LIVE])
        self.broker.put_at[max(self.broker.ready[LIVE])] -= age_seconds

    def waiting(self) -> list[str]:
        """Return the event ids of the ready jobs, in order."""
        ready = self.broker.ready[LIVE]
        return [msgspec.json.decode(ready[number].body)["id"] for number in sorted(ready)]

    def receipts(self) -> list[receipt.Receipt]:
        """Take all receipts out of the archive's tube."""
        return [receipt.decode(job.body) for job in self.queue.reserve(ARCHIVE, 1000, 0)]
