"""Reads the audit trail backwards, a page at a time. The chain is not checked: `walk` does that.

A request reads a bounded part of the file, however long the trail is: it finds its end by bisection, and stops at the
first record that is too old.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple

import msgspec
from msgspec import Meta

from tradewire.errors import Unavailable
from tradewire.event import format_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import BinaryIO

SCANNED_BYTES_MAX: Final = 4 * 2**20
"""A page reads no more of the file, even if it has found little."""
_BLOCK_BYTES: Final = 64 * 1024
_CLOCK_STEP: Final = timedelta(hours=1)
"""How far records may be out of the order of their times, since the clock was set."""


class AuditRecord(msgspec.Struct, rename={"client": "from", "request_id": "requestId"}):
    """A record of the audit trail."""

    n: Annotated[int, Meta(description="The number of the record in the chain, from 1.", ge=1)]
    at: Annotated[str, Meta(description="ISO 8601 in UTC.", extra_json_schema={"format": "date-time"})]
    action: Annotated[str, Meta(description="The action, such as key-added.")]
    actor: Annotated[str, Meta(description="The principal's name. Empty if it has none.")]
    role: Annotated[str, Meta(description="The role that allowed it; local for a command on the host.")]
    client: Annotated[str, Meta(description="The client's address; local for a command on the host.")]
    request_id: Annotated[str, Meta(description="The id of the request in all logs. Empty for a command.")]
    result: Annotated[str, Meta(description="begun, done, failed or refused.")]
    details: Annotated[dict[str, Any], Meta(description="What it was about. A user's id stands in it as a pseudonym.")]
    mac: Annotated[str, Meta(description="The HMAC over this record and the one before.")]


class Search(NamedTuple):
    """Which records a page has. Times are written as in records; an empty one is no bound."""

    limit: int
    """The maximum number of records."""
    matches: Callable[[AuditRecord], bool]
    """Tells which records belong to the page, beside the bounds."""
    after: int = 0
    """Records have a greater number."""
    since: str = ""
    """Records are of this time or later."""
    until: str = ""
    """Records are of an earlier time."""


class Page(NamedTuple):
    """A page of records, newest first."""

    records: list[AuditRecord]
    next: int | None
    """Where the next page ends, in bytes from the start of the file. None if there are no older records."""
    unreadable: int
    """How many of the lines that were read are no records: a crash has torn them, or they were changed."""
    reached: str = ""
    """The time of the oldest record that was read, whether it belongs to the page or not. Empty if there was none."""


_decoder: Final = msgspec.json.Decoder(AuditRecord)


def page(path: Path, end: int | None, search: Search) -> Page | None:
    """Read a page.

    Args:
        path: The file.
        end: The `next` of the page before; None for the newest records.
        search: Which records it has.

    Returns:
        The page. None if no line ends at `end`.

    Raises:
        Unavailable: The file can't be read.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            if end is None:
                end = _end_before(file, size, _later(search.until)) if search.until else size
            if end > size or (0 < end < size and os.pread(file.fileno(), 1, end - 1) != b"\n"):
                return None
            return _page(file, end, search)
    except FileNotFoundError:
        return Page([], None, 0) if end is None else None
    except OSError as error:
        raise Unavailable(f"the audit trail can't be read: {error.strerror}") from error


def _page(file: BinaryIO, end: int, search: Search) -> Page:
    records: list[AuditRecord] = []
    unreadable = 0
    reached = ""
    oldest = _earlier(search.since)
    for start, line in _lines_backwards(file, end):
        record = _decoded(line)
        if record is None:
            unreadable += 1
        elif record.n <= search.after or record.at < oldest:
            break
        else:
            reached = record.at
            is_in_range = record.at >= search.since and (not search.until or record.at < search.until)
            if is_in_range and search.matches(record):
                records.append(record)
        if len(records) == search.limit or end - start >= SCANNED_BYTES_MAX:
            return Page(records, start or None, unreadable, reached)
    return Page(records, None, unreadable, reached)


def _decoded(line: bytes) -> AuditRecord | None:
    try:
        return _decoder.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _earlier(at: str) -> str:
    """Return a time so long before `at` that no record from before it has one from `at` on before it."""
    return format_time(datetime.fromisoformat(at) - _CLOCK_STEP) if at else ""


def _later(at: str) -> str:
    """Return a time so long after `at` that no record from then on has one from before `at` behind it."""
    return format_time(datetime.fromisoformat(at) + _CLOCK_STEP)


def _end_before(file: BinaryIO, size: int, at: str) -> int:
    """Return the end of a line, behind all records from before a time, and at most some blocks behind them."""
    low, high = 0, size
    while high - low > _BLOCK_BYTES:
        middle = (low + high) // 2
        found = _first_record(file, middle, high)
        if found and found.at < at:
            low = middle
        else:
            high = middle
    file.seek(high)
    file.readline()
    return file.tell()


def _first_record(file: BinaryIO, position: int, end: int) -> AuditRecord | None:
    """Return the first record that begins in a part of the file."""
    file.seek(position)
    file.readline()  # the rest of a line that began before
    while file.tell() < end:
        if record := _decoded(file.readline()):
            return record
    return None


def _lines_backwards(file: BinaryIO, end: int) -> Iterator[tuple[int, bytes]]:
    """Yield each line and where it starts, the last one first."""
    rest = b""
    while end:
        length = min(end, _BLOCK_BYTES)
        end -= length
        block = os.pread(file.fileno(), length, end) + rest
        rest, *lines = block.split(b"\n")  # the block before this one may have the beginning of the first line
        start = end + len(block)
        for line in reversed(lines):
            start -= len(line)
            if line:
                yield start, line
            start -= 1
    if rest:
        yield 0, rest
