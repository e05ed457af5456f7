"""Timestamps in the API's format: ISO 8601 in UTC with a `Z`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from msgspec import Meta

from tradewire.event import format_time, from_microseconds, to_microseconds

Timestamp = Annotated[str, Meta(description="ISO 8601 in UTC", extra_json_schema={"format": "date-time"})]


def now_microseconds() -> int:
    """Return the current time in microseconds since 1970."""
    return to_microseconds(datetime.now(UTC))


def timestamp_from_microseconds(since_1970: int) -> str:
    """Format microseconds since 1970, as the archive keeps times."""
    return format_time(from_microseconds(since_1970))


def timestamp_from_seconds(since_1970: int) -> str:
    """Format seconds since 1970, as the statistics keep times."""
    return format_time(from_microseconds(since_1970 * 1_000_000), "seconds")
