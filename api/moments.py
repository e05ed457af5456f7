"""Moments as the API writes them: ISO 8601, in UTC with a `Z`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from msgspec import Meta

from tradewire.update import utc

Moment = Annotated[str, Meta(description="ISO 8601 in UTC", extra_json_schema={"format": "date-time"})]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def of_microseconds(since_1970: int) -> str:
    """Write a moment of the archive."""
    return utc(_EPOCH + timedelta(microseconds=since_1970))


def of_seconds(since_1970: int) -> str:
    """Write a moment of the statistics."""
    return utc(_EPOCH + timedelta(seconds=since_1970), "seconds")
