"""The archive sink: saves events and receipts in the store."""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING, Final

import structlog

from processor.sinks import Verdict
from tradewire import event, metrics, receipt
from tradewire.backoff import Backoff
from tradewire.errors import StoreUnavailable
from tradewire.ledger.counters import stack_id
from tradewire.limits import MAX_JOB_BYTES
from tradewire.store.writing import StoreWriter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tradewire.consumer import Consumer
    from tradewire.queue import Queue
    from tradewire.settings import Settings

SAVE_INTERVAL_SECONDS: Final = 0.25
"""Shortest time between the starts of two transactions. Events that arrive meanwhile share one wait for the disk."""
SUMMARY_PAUSE: Final = 20
"""Shortest pause after a step of summarizing busy users, as a multiple of the step's own time."""
SUMMARY_RETRY_SECONDS: Final = 1.0
SUMMARY_RETRY_SECONDS_MAX: Final = 300.0

_log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger()


class ArchiveSink:
    """Saves each batch in one transaction. It never returns WAIT: an unreachable store is Unavailable.

    Args:
        consumer: Its declaration. Unused.
        settings: They name the store, and the folder with this stack's id (`tradewire.ledger.counters.stack_id`).
        queue: Unused, because the archive leaves no receipts.
    """

    jobs_max = 5_000
    bytes_max = 4 * MAX_JOB_BYTES
    """About 12,000 messages and their receipts. They take tens of megabytes of memory and are saved in half a second.
    Large transactions are efficient: many messages share the rows of statistics and the pages that are written."""

    def __init__(self, consumer: Consumer, settings: Settings, queue: Queue) -> None:  # noqa: ARG002 - a SinkFactory
        self._store_url = settings.store
        self._counters = settings.counters
        self._store: StoreWriter | None = None
        self._is_migrated = False
        self._next_save = 0.0
        self._next_summary = 0.0
        self._summary_retry = Backoff(SUMMARY_RETRY_SECONDS, SUMMARY_RETRY_SECONDS_MAX)

    def connect(self) -> None:
        """Connect to the store, migrate its schema if needed, and check its files. Then wait until a save is due."""
        self._store = self._store or StoreWriter(self._store_url, stack_id(self._counters))
        self._store.check()
        if not self._is_migrated:
            self._store.migrate()
            self._is_migrated = True
        if time.monotonic() >= self._next_summary:
            self._summarize(self._store)
        time.sleep(max(0.0, self._next_save - time.monotonic()))

    def _summarize(self, store: StoreWriter) -> None:
        """Summarize some busy users, if that is due. If it fails, archiving goes on, and it is tried again later."""
        begun = time.monotonic()
        try:
            store.summarize()
        except Exception as error:  # noqa: BLE001 - summaries only save readers time
            pause = self._summary_retry.next()
            reason = f"{type(error).__name__}: {error}"
            _log.warning("busy users not summarized, trying again", reason=reason, seconds=round(pause, 1))
        else:
            self._summary_retry.reset()
            pause = SUMMARY_PAUSE * (time.monotonic() - begun)
        self._next_summary = time.monotonic() + pause

    def deliver(self, events: Sequence[bytes]) -> Verdict:
        """Save all events and receipts, or none of them."""
        # A batch is many objects that live until it is saved, without reference cycles. The garbage collector's search
        # for cycles would take a quarter of the total time.
        gc.disable()
        try:
            self._save(events)
        finally:
            gc.enable()
        return Verdict.OK

    def _save(self, events: Sequence[bytes]) -> None:
        receipts = [receipt.decode(line) for line in events if receipt.is_receipt(line)]
        trade_events = event.decode_all([line for line in events if not receipt.is_receipt(line)])
        assert self._store  # noqa: S101 - connected before jobs are reserved
        begun = time.monotonic()
        try:
            saved = self._store.save(trade_events, receipts)
        except StoreUnavailable:
            # A database that comes back may be a different one. But the connection stays open: if SQLite's files were
            # removed, only this connection may still have their content.
            self._is_migrated = False
            raise
        self._next_save = begun + SAVE_INTERVAL_SECONDS
        metrics.saved(time.monotonic() - begun)
        metrics.archived(saved.ages_seconds)
        metrics.duplicates(saved.duplicates)
        metrics.outdated(saved.outdated)
        if saved.outdated:
            _log.warning("messages refused, because those of their time are deleted", messages=saved.outdated)

    def hold_off(self, timeout_seconds: float) -> bool:
        """Raise NotImplementedError: this sink never returns WAIT."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the connection to the store."""
        store, self._store, self._is_migrated = self._store, None, False
        if store:
            store.close()
