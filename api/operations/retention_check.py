"""The health check of retention: since when messages are kept, how much disk they take, and when it will be full."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING, Final

from api.http.timestamps import now_microseconds
from api.operations.readiness import UNAVAILABLE, Component
from tradewire.errors import StoreUnavailable
from tradewire.event import from_microseconds
from tradewire.retention import DAY_MICROSECONDS
from tradewire.store import engine
from tradewire.store.views import Filter

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from tradewire.settings import Settings
    from tradewire.store.kept import Kept
    from tradewire.store.reading import StoreReader
    from tradewire.store.size import Size

BEHIND: Final = "behind"
TOO_LARGE: Final = "too-large"
_LATE_MICROSECONDS: Final = 3_600_000_000
"""A message that is older than the limit by so much should be deleted."""
_SILENCE_MICROSECONDS: Final = 600_000_000
"""The keeper checks the limits every ten seconds. After a long pause, deleting may take longer."""
_ESTIMATE_SECONDS: Final = 60.0
"""How long an estimate is reused: it reads the statistics of all messages kept."""
_ESTIMATE_DAYS_MAX: Final = 36_500


class RetentionCheck:
    """Checks the limits of the archive.

    Args:
        settings: They name the limits and the store.
        store: The archive.
    """

    def __init__(self, settings: Settings, store: StoreReader) -> None:
        self._retention = settings.retention
        self._file = engine.sqlite_file(settings.store)
        self._store = store
        self._started_at = now_microseconds()
        self._full_at: int | None = None
        self._next_estimate = 0.0

    def __call__(self) -> Mapping[str, Component]:
        """Run the check."""
        now = now_microseconds()
        try:
            kept, oldest, size = self._store.kept(), self._store.oldest(), self._store.size()
            if time.monotonic() >= self._next_estimate:
                self._full_at = self._estimate(kept, size, now)
                self._next_estimate = time.monotonic() + _ESTIMATE_SECONDS
        except StoreUnavailable as error:
            return {"retention": Component(UNAVAILABLE, f"{error}; nothing is deleted")}
        return {"retention": self._judge(kept, oldest, size, now)}

    def _judge(self, kept: Kept, oldest: int | None, size: Size, now: int) -> Component:
        """Return the health."""
        facts = {
            "keptSince": _timestamp(kept.since),
            "figuresKeptSince": _timestamp(kept.figures_since),
            "oldestMessageAt": _timestamp(oldest or 0),
            "deleted": kept.deleted,
            "checkedAt": _timestamp(kept.checked_at),
            "bytes": size.bytes,
            "fullAt": _timestamp(self._full_at or 0),
        }
        days, bytes_max = self._retention.days, self._retention.bytes_max
        if bytes_max and size.bytes > bytes_max:
            detail = (
                f"the archive is larger than TRADEWIRE_ARCHIVE_MAX_BYTES={bytes_max}. The keeper deletes the oldest"
                " messages, but none of the last hour and none that the ledger has not reconciled"
            )
            return Component(TOO_LARGE, detail, facts)
        if days and oldest is not None and oldest < now - days * DAY_MICROSECONDS - _LATE_MICROSECONDS:
            detail = f"messages older than TRADEWIRE_RETENTION_DAYS={days} are not deleted yet: see the keeper's log"
            return Component(BEHIND, detail, facts)
        if self._retention and now - max(kept.checked_at, self._started_at) > _SILENCE_MICROSECONDS:
            detail = "the keeper has not brought the archive within its limits for ten minutes: see its log"
            return Component(BEHIND, detail, facts)
        return Component(facts=facts)

    def _estimate(self, kept: Kept, size: Size, now: int) -> int | None:
        """Return when the disk will be full if messages come as in the last day. None if it won't, or is unknown."""
        if self._file is None:
            return None
        messages = self._store.stats(Filter(since=kept.since)).total.messages
        per_day = self._store.stats(Filter(since=now - DAY_MICROSECONDS, until=now)).total.messages
        if not messages or not per_day:
            return None
        growth = per_day * size.used_bytes / messages
        room = shutil.disk_usage(self._file.parent).free + size.free_bytes
        bounds = [bound for bound in (self._retention.days * growth, self._retention.bytes_max) if bound]
        if bounds and min(bounds) <= room + size.used_bytes:
            return None
        days = room / growth
        return now + int(days * DAY_MICROSECONDS) if days < _ESTIMATE_DAYS_MAX else None


def _timestamp(microseconds: int) -> datetime | None:
    return from_microseconds(microseconds) if microseconds else None
