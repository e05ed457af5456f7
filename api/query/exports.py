"""Exports: all messages that match a query, streamed as a file while they are read from the archive."""

from __future__ import annotations

import csv
import io
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import chain
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec
from flask import Response, request
from msgspec.structs import astuple

from api.http.responses import ApiResponse, unavailable_response
from tradewire.errors import StoreUnavailable
from tradewire.event import TradeEvent
from tradewire.fields import FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from structlog.stdlib import BoundLogger

    from tradewire.store.reading import StoreReader
    from tradewire.store.views import Filter

_MAX_CONCURRENT: Final = 4
"""Half of the program's threads; the others stay free for short queries."""
_MAX_SECONDS: Final = 3600
"""For one export, and for one write to a slow client. After that the connection is closed."""
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
"""Without it, spreadsheets assume the system's own encoding."""
_CSV_HEADER: Final = TradeEvent.__struct_encode_fields__
_FLAGS: Final = TradeEvent.__struct_fields__.index("flags")
_FREE_TEXTS: Final = [TradeEvent.__struct_fields__.index(field.name) for field in FIELDS if field.is_free_text]
_FORMULA_STARTS: Final = frozenset("=+-@\t\r")
"""Spreadsheets take a text that starts with one of these for a formula."""


class _FileFormat(NamedTuple):
    content_type: str
    header: bytes
    encode: Callable[[list[TradeEvent]], bytes]


def _encode_csv(rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)  # RFC 4180 by default; writes None as an empty cell
    return text.getvalue().encode()


def _csv_rows(events: list[TradeEvent]) -> bytes:
    return _encode_csv(map(_csv_row, events))


def _csv_row(event: TradeEvent) -> list[object]:
    row = [*astuple(event)]
    row[_FLAGS] = " ".join(event.flags)
    for index in _FREE_TEXTS:
        row[index] = row[index] and _disarm(row[index])
    return row


def _disarm(text: str) -> str:
    """Quote a text that a spreadsheet would take for a formula."""
    return f"'{text}" if text[:1] in _FORMULA_STARTS else text


FILE_FORMATS: Final = {
    "csv": _FileFormat(
        "text/csv; charset=utf-8; header=present", _BYTE_ORDER_MARK + _encode_csv([_CSV_HEADER]), _csv_rows
    ),
    "ndjson": _FileFormat("application/x-ndjson", b"", msgspec.json.Encoder().encode_lines),
}


class Exports:
    """Makes export responses, up to a maximum number at a time."""

    def __init__(self, store: StoreReader, log: BoundLogger) -> None:
        self._store = store
        self._log = log
        self._free = BoundedSemaphore(_MAX_CONCURRENT)

    def response(self, format_name: str, filters: Filter, limit: int | None) -> Response:
        """Make a response that streams messages, newest first.

        Args:
            format_name: A key of FILE_FORMATS.
            filters: The messages to export.
            limit: The maximum number of messages; None for all.

        Returns:
            200 with the file, or 503 if too many exports are running.

        Raises:
            StoreUnavailable: The archive can't be read.
        """
        file_format = FILE_FORMATS[format_name]
        file_name = f"tradewire-{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}.{format_name}"
        headers = {
            "Content-Type": file_format.content_type,
            "Content-Disposition": f'attachment; filename="{file_name}"',
            "Vary": "Accept",
        }
        if request.method == "HEAD":
            return ApiResponse(None, 200, headers)
        if not self._free.acquire(blocking=False):
            return unavailable_response(f"{_MAX_CONCURRENT} exports are running, the maximum. Try again later.")
        with ExitStack() as cleanup:
            cleanup.callback(self._free.release)
            request.environ["gunicorn.socket"].settimeout(_MAX_SECONDS)
            pages = self._store.export(filters, limit)
            first = next(pages, [])  # read before the response starts, so that an error can still become a 503
            response = ApiResponse(self._stream(file_format, chain([first], pages)), 200, headers)
            response.call_on_close(cleanup.pop_all().close)
        return response

    def _stream(self, file_format: _FileFormat, pages: Iterator[list[TradeEvent]]) -> Iterator[bytes]:
        """Yield the file in chunks. If this raises, the server closes the connection before the end of the response."""
        end = time.monotonic() + _MAX_SECONDS
        rows = 0
        try:
            yield file_format.header
            for page in pages:
                if page:
                    yield file_format.encode(page)
                rows += len(page)
                if time.monotonic() > end:
                    raise TimeoutError(f"the export took more than {_MAX_SECONDS} s")
        except (StoreUnavailable, TimeoutError) as error:
            self._log.error("export aborted", rows=rows, reason=str(error))
            raise
