"""Deletes old messages and figures, in a thread of the keeper, which no outage of the store holds up."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from tradewire import metrics
from tradewire.backoff import Backoff
from tradewire.errors import Unavailable
from tradewire.ledger.counters import clock_microseconds, stack_id
from tradewire.ledger.watermark import reconciled_up_to
from tradewire.queue import ARCHIVE
from tradewire.retention import DAY_MICROSECONDS
from tradewire.store import ledger
from tradewire.store.cleaning import MIN_AGE_MICROSECONDS, Limits, StoreCleaner
from tradewire.store.reading import StoreReader

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger

    from tradewire.settings import Settings
    from tradewire.stop import Stop

CHECK_SECONDS: Final = 10.0
"""The pause after everything due was deleted. What becomes due meanwhile takes a few steps."""
_STOP_SECONDS: Final = 5.0
_LATE_RECEIPTS_SECONDS: Final = 3600.0
"""How often receipts are looked for that came when their messages had been deleted."""


class RetentionThread:
    """Keeps the archive within its limits, until a stop is requested.

    Args:
        settings: They name the limits, the store, and the folder of the ledger.
        stop: Ends the thread, at the latest after the step under way.
        log: Gets a line for each outage and each run that has deleted messages.
    """

    def __init__(self, settings: Settings, stop: Stop, log: BoundLogger) -> None:
        self._retention = settings.retention
        self._counters = settings.counters
        self._store = StoreReader(settings.store)
        self._cleaner = StoreCleaner(settings.store, self._rest, metrics.retention_step)
        self._stop = stop
        self._log = log
        self._late_receipts_at = 0.0
        """When to look for late receipts next, on the monotonic clock."""
        self._thread = threading.Thread(target=self.run, name="retention", daemon=True)

    def start(self) -> None:
        """Start the thread, unless everything is kept for ever."""
        if self._retention:
            self._thread.start()

    def join(self) -> None:
        """Wait until the thread has ended, for some seconds at most. A stop must have been requested.

        A database that does not answer must not hold up the stop: it undoes the step under way.
        """
        if self._thread.ident:
            self._thread.join(_STOP_SECONDS)

    def run(self) -> None:
        """Repeat `step` until a stop is requested, through outages of the store."""
        backoff, in_outage = Backoff(), False
        while not self._stop.requested:
            try:
                self.step()
            except Unavailable as error:
                if not in_outage:
                    self._log.warning("retention waits for a dependency", reason=str(error))
                in_outage = True
                self._stop.wait(backoff.next())
            else:
                if in_outage:
                    self._log.info("retention goes on")
                in_outage = False
                backoff.reset()
                self._stop.wait(CHECK_SECONDS)

    def step(self) -> None:
        """Delete everything that is due. No connection stays open: the archive's processor may have to be the last.

        Raises:
            Unavailable: The store or the ledger can't be used. What was deleted so far stays deleted.
        """
        deleted = 0
        try:
            is_cut_short = True
            while is_cut_short and not self._stop.requested:
                round_ = self._cleaner.round(self._limits(), clock_microseconds())
                deleted += round_.deleted
                metrics.deleted(round_.deleted)
                is_cut_short = round_.is_cut_short
            if time.monotonic() >= self._late_receipts_at and not self._stop.requested:
                self._cleaner.forget_late_receipts(clock_microseconds())
                self._late_receipts_at = time.monotonic() + _LATE_RECEIPTS_SECONDS
        finally:
            self._cleaner.close()
            self._store.close()
            if deleted:
                self._log.info("messages deleted", messages=deleted)

    def _limits(self) -> Limits:
        """Return the limits of now. No message is due before the ledger has reconciled it with the archive."""
        now = clock_microseconds()
        passed = ledger.passed(self._store.counters(stack_id(self._counters)), ARCHIVE)
        reconciled = reconciled_up_to(self._counters, passed)
        return Limits(
            messages_before=_days_before(now, self._retention.days),
            figures_before=_days_before(now, self._retention.stats_days),
            bytes_max=self._retention.bytes_max or None,
            keep_since=min(reconciled, now - MIN_AGE_MICROSECONDS),
        )

    def _rest(self, seconds: float) -> bool:
        self._stop.wait(seconds)
        return not self._stop.requested


def _days_before(now: int, days: int) -> int:
    """Return the time a number of days ago. 0 if the number is 0."""
    return now - days * DAY_MICROSECONDS if days else 0
