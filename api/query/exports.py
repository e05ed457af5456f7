"""Everything that a question matches, as a file that is written while it is read from the archive."""

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

from api.http.responses import ApiResponse, unavailable_response
from tradewire.errors import StoreUnavailable
from tradewire.event import TradeEvent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from structlog.stdlib import BoundLogger

    from tradewire.store.reading import StoreReader
    from tradewire.store.views import Filter

_AT_ONCE: Final = 4
"""Exports under way; half of the threads stay free for shorter questions, whatever anyone downloads."""
_LONGEST_SECONDS: Final = 3600
"""For one export, and for one piece of it; who reads slower than that is cut off."""
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
"""Without it a spreadsheet takes the file for its system's own encoding."""
_HEADER: Final = tuple(field.encode_name for field in msgspec.structs.fields(TradeEvent))
_FORMULA: Final = frozenset("=+-@\t\r")
"""How a text begins that a spreadsheet would compute."""


class _Form(NamedTuple):
    """A form of file."""

    content_type: str
    head: bytes
    page: Callable[[list[TradeEvent]], bytes]


def _as_csv(rows: list[tuple[object, ...]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)  # RFC 4180 by default
    return text.getvalue().encode()


def _csv_page(events: list[TradeEvent]) -> bytes:
    return _as_csv(
        [
            (
                *(event.id, event.received_at, _plain(event.user_id), event.currency_from, event.currency_to),
                *(event.amount_sell, event.amount_buy, event.rate, event.time_placed),
                *(event.originating_country, " ".join(event.flags)),
            )
            for event in events
        ]
    )


def _plain(text: str) -> str:
    """Give the text so that no spreadsheet takes it for a formula."""
    return f"'{text}" if text[:1] in _FORMULA else text


FORMS: Final = {
    "csv": _Form("text/csv; charset=utf-8; header=present", _BYTE_ORDER_MARK + _as_csv([_HEADER]), _csv_page),
    "ndjson": _Form("application/x-ndjson", b"", msgspec.json.Encoder().encode_lines),
}


class Exports:
    """The exports under way, a few at a time."""

    def __init__(self, store: StoreReader, log: BoundLogger) -> None:
        self._store = store
        self._log = log
        self._free = BoundedSemaphore(_AT_ONCE)

    def answer(self, name: str, wanted: Filter, limit: int | None) -> Response:
        """Stream all messages that are wanted, or the newest `limit`, in a form of FORMS. Raises StoreUnavailable."""
        form = FORMS[name]
        filed = f"tradewire-{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}.{name}"
        headers = {
            "Content-Type": form.content_type,
            "Content-Disposition": f'attachment; filename="{filed}"',
            "Vary": "Accept",
        }
        if request.method == "HEAD":
            return ApiResponse(None, 200, headers)
        if not self._free.acquire(blocking=False):
            return unavailable_response(f"{_AT_ONCE} exports are under way, and there can't be more at a time.")
        with ExitStack() as held:
            held.callback(self._free.release)
            request.environ["gunicorn.socket"].settimeout(_LONGEST_SECONDS)
            pages = self._store.export(wanted, limit)
            first = next(pages, [])  # while there can still be another answer
            response = ApiResponse(self._stream(form, chain([first], pages)), 200, headers)
            response.call_on_close(held.pop_all().close)
        return response

    def _stream(self, form: _Form, pages: Iterator[list[TradeEvent]]) -> Iterator[bytes]:
        """Give the file in pieces. Where it raises, the server hangs up, so that what was sent is no whole answer."""
        end = time.monotonic() + _LONGEST_SECONDS
        rows = 0
        try:
            yield form.head
            for page in pages:
                if page:
                    yield form.page(page)
                rows += len(page)
                if time.monotonic() > end:
                    raise TimeoutError(f"the export took more than {_LONGEST_SECONDS} s")
        except (StoreUnavailable, TimeoutError) as error:
            self._log.error("export broke off", rows=rows, reason=str(error))
            raise
