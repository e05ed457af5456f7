"""The archive's sink: events, and the receipts for what became of them, go into the store."""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING, Final

from processor.sinks import Verdict
from tradewire import event, metrics, receipt
from tradewire.counters import stack_id
from tradewire.errors import StoreUnavailable
from tradewire.limits import MAX_JOB_BYTES
from tradewire.queue import ARCHIVE
from tradewire.store.writing import StoreWriter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PACE_SECONDS: Final = 0.25
"""What comes within this time after a transaction shares the next one, and its wait for the disk."""


class ArchiveSink:
    """Saves each batch in one transaction. It never says WAIT: a store that is away is Unavailable."""

    tube = ARCHIVE
    jobs_max = 5_000
    bytes_max = 4 * MAX_JOB_BYTES
    """Some 12,000 messages and their receipts, in memory some tens of megabytes, and saved in half a second: the more
    share a transaction, the more of what it writes is written once for all of them."""

    def __init__(self, store_url: str, counters: Path) -> None:
        self._store_url = store_url
        self._counters = counters
        self._store: StoreWriter | None = None
        self._next_save = 0.0

    def connect(self) -> None:
        """Find the store and bring it to this code's schema, unless that is done; then let a few jobs gather."""
        if self._store is None:
            store = StoreWriter(self._store_url, stack_id(self._counters))
            store.migrate()
            self._store = store
        time.sleep(max(0.0, self._next_save - time.monotonic()))

    def deliver(self, events: Sequence[bytes]) -> Verdict:
        """Save events and receipts: all of them, or none."""
        # A batch is many objects that live until it is saved, and none of them refers to itself: to look for such
        # would take a quarter of all the time.
        gc.disable()
        try:
            self._save(events)
        finally:
            gc.enable()
        return Verdict.OK

    def _save(self, events: Sequence[bytes]) -> None:
        done, coming = [], []
        for line in events:
            if receipt.is_receipt(line):
                done.append(receipt.decode(line))
            else:
                coming.append(event.decode(line))
        assert self._store  # noqa: S101 - connected before jobs are taken
        begun = time.monotonic()
        try:
            saved = self._store.save(coming, done)
        except StoreUnavailable:
            self.close()  # whoever comes back may be another one
            raise
        self._next_save = begun + PACE_SECONDS
        metrics.saved(time.monotonic() - begun)
        metrics.archived(saved.ages_seconds)
        metrics.duplicates(saved.duplicates)

    def hold_off(self, timeout_seconds: float) -> bool:
        """Never called: this sink does not say WAIT."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the connection to the store."""
        store, self._store = self._store, None
        if store:
            store.close()
