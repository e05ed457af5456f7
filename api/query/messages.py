"""GET /api/messages: the archived messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
from flask import Flask, Response, request
from msgspec import Meta
from werkzeug.exceptions import NotAcceptable

from api.http import parameter_types
from api.http.parameters import parameter, parse_query
from api.http.responses import json_response
from api.http.timestamps import Timestamp, now_microseconds, timestamp_from_microseconds
from api.query import cursor, sorting
from api.query.basis import Basis, basis_of
from api.query.cursor import CURSOR, Cursor
from api.query.exports import CSV, FILE_FORMATS
from api.query.filters import FilterQuery
from api.query.kept import KeptSince, kept_since
from api.query.watermark import archived_up_to
from tradewire.access.key import Role
from tradewire.errors import Fault
from tradewire.event import TradeEvent
from tradewire.store.views import SortedPosition

if TYPE_CHECKING:
    from collections.abc import Iterator

    from api.http.auth import Access
    from api.http.queue_pool import QueuePool
    from api.query.exports import Exports
    from tradewire.settings import Settings
    from tradewire.store import views
    from tradewire.store.reading import StoreReader
    from tradewire.store.views import Filter

_MAX_PAGE: Final = 1000
_DEFAULT_PAGE: Final = 100
_MAX_EXPORT: Final = 10**9
FILE_TYPES: Final = {"text/csv": "csv", "application/x-ndjson": "ndjson"}
"""The media types of the file formats."""
_FORMATS: Final = {"application/json": "json", **FILE_TYPES}


@dataclass(frozen=True, kw_only=True)
class MessagesQuery(FilterQuery):
    """The parameters of GET /api/messages."""

    limit: int | None = parameter(
        "limit",
        parameter_types.integer(1, _MAX_EXPORT),
        f"The maximum number of messages. In JSON: at most {_MAX_PAGE}, by default {_DEFAULT_PAGE}.",
    )
    sort: str = parameter(
        "sort",
        sorting.SORT,
        "The order: by a field, ascending, or descending with a `-` before it. Amounts are only compared in one"
        " currency: `amountSell` requires `from`, `amountBuy` requires `to`, and `rate` both. JSON only.",
        default=sorting.NEWEST_FIRST,
    )
    cursor: Cursor | None = parameter("cursor", CURSOR, "The `next` of the previous page. JSON only.")
    format: str = parameter(
        "format",
        parameter_types.one_of(*_FORMATS.values()),
        "The format of the response. By default, `Accept` decides.",
    )

    separator: str | None = parameter(
        "separator",
        parameter_types.one_of(*CSV),
        "The separator of a CSV file, by default a comma. With a semicolon, amounts have a decimal comma.",
    )

    def conflicts(self) -> Iterator[Fault]:
        """Yield the faults of parameters that are valid alone, but not together."""
        yield from super().conflicts()
        if self.format not in FILE_FORMATS and self.limit is not None and self.limit > _MAX_PAGE:
            yield Fault("limit", "out-of-range", f"limit is not a whole number from 1 to {_MAX_PAGE}.")
        if self.format in FILE_FORMATS and self.cursor is not None:
            yield Fault("cursor", "not-with-format", f"cursor can't be used with format={self.format}.")
        if self.format in FILE_FORMATS and self.sort != sorting.NEWEST_FIRST:
            yield Fault("sort", "not-with-format", f"sort can't be used with format={self.format}.")
        for field_name, name in sorting.currency_parameters(self.sort).items():
            if getattr(self, field_name) is None:
                yield Fault(name, "missing", f"{name} is required with sort={self.sort}: it names the currency.")
        if self.cursor is not None and not sorting.is_of(self.cursor, self.sort):
            yield Fault("cursor", "not-together", f"cursor is not of a page with sort={self.sort}.")
        if self.format != "csv" and self.separator is not None:
            yield Fault("separator", "not-with-format", "separator can only be used with format=csv.")


class MessagePage(msgspec.Struct, rename="camel"):
    """A page of messages."""

    messages: list[TradeEvent]
    next: Annotated[str | None, Meta(description="The cursor of the next page; null if no further message can match.")]
    basis: Annotated[
        Basis | None,
        Meta(
            description="Null if the pages have every message that matches. With an order other than by time, the range"
            " may have too many messages to read: then the pages have those received since the `since` in here."
        ),
    ]
    archived_up_to: Annotated[
        Timestamp,
        Meta(description="The watermark: every message accepted before this time is archived, or named as lost."),
    ]
    kept_since: KeptSince


def add_routes(
    app: Flask,
    settings: Settings,
    access: Access,
    pool: QueuePool,
    store: StoreReader,
    exports: Exports,
) -> None:
    """Add the routes."""

    @app.get("/api/messages")
    def messages() -> Response:
        query = parse_query(MessagesQuery, request.args, format=_accepted_format())
        access.check(request.environ, frozenset({Role.EXPORTER if query.format in FILE_FORMATS else Role.VIEWER}))
        filters = query.filter(query.time_range(now_microseconds()))
        if query.format in FILE_FORMATS:
            return exports.response(query.format, filters, query.limit, query.separator)
        up_to = archived_up_to(settings, pool, store)
        messages, next_page, basis = _page(store, query, filters)
        body = MessagePage(
            messages,
            cursor.encode(next_page) if next_page else None,
            basis_of(basis),
            timestamp_from_microseconds(up_to),
            kept_since(store.kept().since),
        )
        return json_response(200, body, {"Vary": "Accept"})


def _page(
    store: StoreReader, query: MessagesQuery, filters: Filter
) -> tuple[list[TradeEvent], Cursor | None, views.Basis | None]:
    """Read a page. Return its messages, the cursor of the next page, and the basis."""
    limit, after = query.limit or _DEFAULT_PAGE, query.cursor
    if sort := sorting.SORTS.get(query.sort):
        behind = SortedPosition(after.value, after.position) if after else None
        sorted_page = store.sorted_page(filters, sort, behind, limit)
        next_ = sorted_page.next
        return sorted_page.messages, Cursor(next_.position, next_.value) if next_ else None, sorted_page.basis
    page = store.page(filters, after.position if after else None, limit, oldest_first=query.sort == sorting.BY_TIME)
    return page.messages, Cursor(page.next) if page.next else None, None


def _accepted_format() -> str:
    """Return the format that the client prefers. Raises NotAcceptable."""
    if "format" in request.args or "Accept" not in request.headers:
        return "json"
    best = request.accept_mimetypes.best_match(_FORMATS)
    if best is None:
        raise NotAcceptable(f"The available media types are {', '.join(_FORMATS)}.")
    return _FORMATS[best]
