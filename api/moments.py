"""Moments as the API writes them: ISO 8601, in UTC with a `Z`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from tradewire.update import at, utc

Moment = Annotated[str, Meta(description="ISO 8601 in UTC", extra_json_schema={"format": "date-time"})]


def of_microseconds(since_1970: int) -> str:
    """Write a moment of the archive."""
    return utc(at(since_1970))


def of_seconds(since_1970: int) -> str:
    """Write a moment of the statistics."""
    return utc(at(since_1970 * 1_000_000), "seconds")
