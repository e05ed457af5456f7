"""The watermark, as the API's answers tell it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tradewire.ledger import watermark
from tradewire.ledger.counters import stack_id
from tradewire.queue import ARCHIVE
from tradewire.store import ledger

if TYPE_CHECKING:
    from api.http.queue_pool import QueuePool
    from tradewire.queue import TubeCounts
    from tradewire.settings import Settings
    from tradewire.store.reading import StoreReader


def archived_up_to(settings: Settings, pool: QueuePool, store: StoreReader) -> int:
    """Return the watermark in microseconds since 1970. Call this before reading the messages that it is for.

    Args:
        settings: They name the folder of the ledger.
        pool: Connections to the queue.
        store: The archive.

    Raises:
        Unavailable: The archive or the ledger can't be read.
    """

    def count() -> TubeCounts:
        with pool.lend() as queue:
            return queue.counts(ARCHIVE)

    passed = ledger.passed(store.counters(stack_id(settings.counters)), ARCHIVE)
    return watermark.archived_up_to(settings.counters, count, passed)
