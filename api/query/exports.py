"""Exports: all messages that match a query, streamed as a file while they are read from the archive."""

from __future__ import annotations

import time
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec
from flask import Response, request

from api.http.responses import ApiResponse, unavailable_response
from api.query import csv_format
from tradewire.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from structlog.stdlib import BoundLogger

    from tradewire.event import TradeEvent
    from tradewire.store.reading import StoreReader
    from tradewire.store.views import Filter

_MAX_CONCURRENT: Final = 4
"""Half of the queries that may run at a time; the others are for short ones."""
_MAX_SECONDS: Final = 3600
"""For one export, and for one write to a slow client. After that the connection is closed."""


class _FileFormat(NamedTuple):
    content_type: str
    header: bytes
    encode: Callable[[list[TradeEvent]], bytes]


def _csv(separator: str) -> _FileFormat:
    return _FileFormat(
        "text/csv; charset=utf-8; header=present", csv_format.header(separator), partial(csv_format.rows, separator)
    )


CSV: Final = {separator: _csv(separator) for separator in (csv_format.COMMA, csv_format.SEMICOLON)}
FILE_FORMATS: Final = {
    "csv": CSV[csv_format.COMMA],
    "ndjson": _FileFormat("application/x-ndjson", b"", msgspec.json.Encoder().encode_lines),
}


class Exports:
    """Makes export responses, up to a maximum number at a time."""

    def __init__(self, store: StoreReader, log: BoundLogger) -> None:
        self._store = store
        self._log = log
        self._free = BoundedSemaphore(_MAX_CONCURRENT)

    def response(self, format_name: str, filters: Filter, limit: int | None, separator: str | None) -> Response:
        """Make a response that streams messages, newest first.

        Args:
            format_name: A key of FILE_FORMATS.
            filters: The messages to export.
            limit: The maximum number of messages; None for all.
            separator: A key of CSV, for that format; None for the default.

        Returns:
            200 with the file, or 503 if too many exports are running.

        Raises:
            StoreUnavailable: The archive can't be read.
        """
        file_format = CSV[separator] if separator else FILE_FORMATS[format_name]
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
