"""Moments as the API writes them: ISO 8601, in UTC with a `Z`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from tradewire.event import format_time, from_microseconds

Timestamp = Annotated[str, Meta(description="ISO 8601 in UTC", extra_json_schema={"format": "date-time"})]


def timestamp_of_microseconds(since_1970: int) -> str:
    """Write a moment of the archive."""
    return format_time(from_microseconds(since_1970))


def timestamp_of_seconds(since_1970: int) -> str:
    """Write a moment of the statistics."""
    return format_time(from_microseconds(since_1970 * 1_000_000), "seconds")
