"""What the archive still keeps, as the table `retention` says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy import select

from tradewire.store.buckets import HOUR, MINUTE
from tradewire.store.schema import retention

if TYPE_CHECKING:
    from sqlalchemy import Connection

_SECOND: Final = 1_000_000
_MINUTE: Final = MINUTE * _SECOND
_HOUR: Final = HOUR * _SECOND
_COLUMNS: Final = (
    retention.c.kept_since,
    retention.c.figures_since * _SECOND,
    retention.c.deleted,
    retention.c.checked_at,
)


class Kept(NamedTuple):
    """What the archive keeps. Times are microseconds since 1970; 0 if nothing has been deleted."""

    since: int
    """Messages received before this time are deleted."""
    figures_since: int
    """Statistics of the time before this are deleted."""
    deleted: int
    """Number of messages deleted so far."""
    checked_at: int
    """When all limits were last found to be kept; 0 if never."""

    def minutes_since(self, newest: int) -> int:
        """Return the time before which statistics are kept by the hour only, in microseconds since 1970.

        Args:
            newest: The newest minute that has messages, in seconds since 1970. Its hour is always kept in minutes.
        """
        return min(self.since, newest * _SECOND) // _HOUR * _HOUR

    def figures_range(self, since: int, until: int, newest: int) -> tuple[int, int]:
        """Return the longest range inside another one whose statistics are exact although messages were deleted.

        Args:
            since: Start of the other range, in microseconds since 1970.
            until: End of the other range.
            newest: The newest minute that has messages, in seconds since 1970.
        """
        minutes_since = self.minutes_since(newest)
        since = max(since, self.figures_since)
        if since < self.since:
            width = _HOUR if since < minutes_since else _MINUTE
            since = -(-since // width) * width
        if until // _MINUTE * _MINUTE < self.since:
            width = _HOUR if until < minutes_since else _MINUTE
            until = until // width * width
        return since, max(since, until)


def kept(connection: Connection) -> Kept:
    """Read what the archive keeps.

    Args:
        connection: A connection in a transaction.
    """
    return Kept(*connection.execute(select(*_COLUMNS)).one())
