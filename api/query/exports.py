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
from api.query.filters import WORDS_PARAMETER
from tradewire.access.key import Role
from tradewire.errors import StoreUnavailable
from tradewire.fields import FILTERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from structlog.stdlib import BoundLogger
    from werkzeug.datastructures import MultiDict

    from api.http.audit import Begun, RequestTrail
    from tradewire.event import TradeEvent
    from tradewire.store.reading import StoreReader
    from tradewire.store.views import Filter

_MAX_CONCURRENT: Final = 4
"""Half of the queries that may run at a time; the others are for short ones."""
_MAX_SECONDS: Final = 3600
"""For one export, and for one write to a slow client. After that the connection is closed."""


_PERSONAL: Final = {filter_.parameter for field, filter_ in FILTERS if field.is_free_text}
"""Parameters that select messages by a text that producers choose."""


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

    def __init__(self, store: StoreReader, trail: RequestTrail, log: BoundLogger) -> None:
        self._store = store
        self._trail = trail
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
            Unavailable: The archive can't be read, or the export can't be recorded in the audit trail.
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
            detail = f"{_MAX_CONCURRENT} exports are running, the maximum. Try again later."
            return unavailable_response("unavailable", detail)
        with ExitStack() as cleanup:
            cleanup.callback(self._free.release)
            request.environ["gunicorn.socket"].settimeout(_MAX_SECONDS)
            pages = self._store.export(filters, limit)
            first = next(pages, [])  # read before the response starts, so that an error can still become a 503
            filters_shown = recorded_parameters(request.args, self._trail.pseudonym)
            begun = self._trail.begin(
                "messages-exported", Role.EXPORTER, {"format": format_name, "parameters": filters_shown}
            )
            response = ApiResponse(self._stream(file_format, chain([first], pages), begun), 200, headers)
            response.call_on_close(cleanup.pop_all().close)
        return response

    def _stream(self, file_format: _FileFormat, pages: Iterator[list[TradeEvent]], begun: Begun) -> Iterator[bytes]:
        """Yield the file in chunks. If this raises, the server closes the connection before the end of the response."""
        end = time.monotonic() + _MAX_SECONDS
        rows, reason = 0, "the client did not read it to its end"
        try:
            yield file_format.header
            for page in pages:
                rows += len(page)  # before it is sent: a client that leaves meanwhile may have it
                if page:
                    yield file_format.encode(page)
                if time.monotonic() > end:
                    raise TimeoutError(f"the export took more than {_MAX_SECONDS} s")
            reason = ""
        except (StoreUnavailable, TimeoutError) as error:
            reason = str(error)
            self._log.error("export aborted", rows=rows, reason=reason)
            raise
        finally:
            begun.end("failed", rows=rows, reason=reason) if reason else begun.end("done", rows=rows)


def recorded_parameters(arguments: MultiDict[str, str], pseudonym: Callable[[str], str]) -> dict[str, str]:
    """Return the parameters of an export for the audit trail. Each text that may name a user is a pseudonym.

    Args:
        arguments: The names and texts in the URL. They are valid.
        pseudonym: Returns the name that stands for a user's id.
    """
    return {
        name: pseudonym(text)
        if name in _PERSONAL
        else " ".join(map(pseudonym, text.split()))
        if name == WORDS_PARAMETER
        else text
        for name, text in arguments.items()
    }
