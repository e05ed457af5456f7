"""Since when messages and figures are kept, as the API's answers tell it."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from api.http.timestamps import Timestamp, timestamp_from_microseconds

KeptSince = Annotated[
    Timestamp | None,
    Meta(description="What was received before this time was deleted by retention, and is left out. Null if none was."),
]


def kept_since(since: int) -> str | None:
    """Return a time of `Kept` for an answer.

    Args:
        since: Microseconds since 1970; 0 if nothing was deleted.
    """
    return timestamp_from_microseconds(since) if since else None
