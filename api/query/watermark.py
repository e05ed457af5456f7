"""Up to which moment the archive holds everything that was accepted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from tradewire import counters
from tradewire.errors import Unavailable
from tradewire.event import to_microseconds
from tradewire.queue import ARCHIVE
from tradewire.store.ledger import ARCHIVED_THROUGH

if TYPE_CHECKING:
    from pathlib import Path

    from api.http.queue_pool import QueuePool
    from tradewire.store.reading import StoreReader

_BEGIN_MICROSECONDS: Final = 100_000
"""What the API may take from looking at the clock until a request is seen to be in hand."""
_PUT_MICROSECONDS: Final = 5_000_000
"""What a put may take, so that one message overtakes another on its way to the archive."""


def archived_up_to(folder: Path, pool: QueuePool, store: StoreReader) -> int | None:
    """Give the moment before which everything accepted is archived; None where that can't be told.

    In microseconds since 1970. To be asked before the rows are read. Raises Unavailable.
    """
    now = to_microseconds(datetime.now(UTC)) - _BEGIN_MICROSECONDS
    try:
        # In this order: what is put in between is still seen in hand, or else in the tube.
        in_flight_since = counters.read_totals(folder).in_flight_since
        with pool.lend() as queue:
            counts = queue.counts(ARCHIVE)
        if not counts.ready and not counts.reserved:
            return min(now, in_flight_since or now)
    except Unavailable:
        pass
    through = store.counters(counters.stack_id(folder)).get(ARCHIVED_THROUGH)
    return None if through is None else min(now, through - _PUT_MICROSECONDS)
