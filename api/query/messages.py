"""GET /api/messages and GET /api/message/<id>: what the archive holds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final, Literal, cast

import msgspec
from flask import Flask, Response, request
from msgspec import UNSET, Meta, UnsetType
from werkzeug.exceptions import NotAcceptable

from api.http import parameter_types
from api.http.parameters import Query, parameter, parse_query
from api.http.responses import RETRY_AFTER_SECONDS, error_response, json_response, json_response_with_etag
from api.http.timestamps import Timestamp, timestamp_from_microseconds
from api.query import cursor
from api.query.exports import FORMS, Exports
from api.query.watermark import archived_up_to
from tradewire.errors import Fault
from tradewire.event import TradeEvent
from tradewire.store.views import Filter, Position, ReceiptView, Trace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

    from structlog.stdlib import BoundLogger

    from api.http.queue_pool import QueuePool
    from tradewire.receipt import Kind
    from tradewire.settings import Settings
    from tradewire.store.reading import StoreReader

PAGE_MAX: Final = 1000
_PAGE: Final = 100
_EXPORT_MAX: Final = 10**9
_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
FILES: Final = {"text/csv": "csv", "application/x-ndjson": "ndjson"}
"""What `Accept` may ask for besides JSON."""
_FORMATS: Final = {"application/json": "json", **FILES}


@dataclass(frozen=True, kw_only=True)
class MessagesQuery(Query):
    """Which messages are asked for, and in what form."""

    currency_from: str | None = parameter("from", parameter_types.CURRENCY, "The currency that was sold.")
    currency_to: str | None = parameter("to", parameter_types.CURRENCY, "The currency that was bought.")
    country: str | None = parameter("country", parameter_types.COUNTRY, "The originating country.")
    user: str | None = parameter("user", parameter_types.USER, "Exactly this user's id.")
    flag: str | None = parameter("flag", parameter_types.FLAG, "Messages with this flag, such as rate-mismatch.")
    least: Decimal | None = parameter("min", parameter_types.AMOUNT, "Amounts sold of at least this.")
    most: Decimal | None = parameter("max", parameter_types.AMOUNT, "Amounts sold of at most this.")
    words: tuple[str, ...] = parameter(
        "q",
        parameter_types.WORDS,
        "Words that must all match: each is a currency, the country or a flag, or begins the user's or the message's "
        "id. Case does not matter.",
        default=(),
    )
    since: int | None = parameter(
        "since", parameter_types.TIMESTAMP, "Received then or later.", example="2026-01-01T00:00:00Z"
    )
    until: int | None = parameter(
        "until", parameter_types.TIMESTAMP, "Received before then.", example="2026-02-01T00:00:00Z"
    )
    limit: int | None = parameter(
        "limit",
        parameter_types.integer(1, _EXPORT_MAX),
        f"At most so many. In JSON up to {PAGE_MAX}, and {_PAGE} where it is not said.",
    )
    cursor: Position | None = parameter("cursor", cursor.CURSOR, "`next` of the page before. In JSON only.")
    format: str = parameter(
        "format",
        parameter_types.one_of(*_FORMATS.values()),
        "The form of the answer; where it is not said, `Accept` decides.",
    )

    def conflicts(self) -> Iterator[Fault]:
        """Give the faults of parameters that are fine each, and not together."""
        if self.since is not None and self.until is not None and self.since >= self.until:
            yield Fault("until", "empty-range", "until is not later than since.")
        if self.least is not None and self.most is not None and self.least > self.most:
            yield Fault("max", "empty-range", "max is less than min.")
        if self.format not in FORMS and self.limit is not None and self.limit > PAGE_MAX:
            yield Fault("limit", "out-of-range", f"limit is not a whole number from 1 to {PAGE_MAX}.")
        if self.format in FORMS and self.cursor is not None:
            yield Fault("cursor", "not-with-format", f"cursor is for pages of JSON; {self.format} is one whole.")

    def filter(self) -> Filter:
        """Give what the store is to look for."""
        return Filter(
            self.currency_from,
            self.currency_to,
            self.country,
            self.user,
            self.flag,
            self.least,
            self.most,
            self.words,
            self.since,
            self.until,
        )


class MessagePage(msgspec.Struct, rename="camel"):
    """Some messages, newest first."""

    messages: list[TradeEvent]
    next: Annotated[str | None, Meta(description="The cursor of the next page; null where nothing older can match.")]
    archived_up_to: Annotated[
        Timestamp | None,
        Meta(description="Everything accepted before this moment is archived; null where that can't be told."),
    ]


class TraceEntry(msgspec.Struct, omit_defaults=True):
    """One thing that happened to a message."""

    kind: Literal["accepted", "archived", "shown", "expired", "dead-lettered", "discarded"]
    at: Timestamp
    tube: str | UnsetType = UNSET
    browsers: Annotated[int | UnsetType, Meta(description="To how many it was shown.")] = UNSET
    reason: str | UnsetType = UNSET


class MessageTrace(msgspec.Struct):
    """A message and what became of it, in order of time; the message is null where only receipts are archived."""

    id: str
    message: TradeEvent | None
    trace: list[TraceEntry]


def add_routes(app: Flask, settings: Settings, pool: QueuePool, store: StoreReader, log: BoundLogger) -> None:
    """Add the routes."""
    exports = Exports(store, log)

    @app.get("/api/messages")
    def messages() -> Response:
        asked = parse_query(MessagesQuery, request.args, format=_accepted_format())
        if asked.format in FORMS:
            return exports.answer(asked.format, asked.filter(), asked.limit)
        up_to = archived_up_to(settings.counters, pool, store)
        page = store.page(asked.filter(), asked.cursor, asked.limit or _PAGE)
        body = MessagePage(
            page.messages,
            cursor.encode(page.next) if page.next else None,
            None if up_to is None else timestamp_from_microseconds(up_to),
        )
        return json_response(200, body, {"Vary": "Accept"})

    @app.get("/api/message/<message_id>")
    def message_trace(message_id: str) -> Response:
        parse_query(Query, request.args)
        message_id = message_id.lower()
        if not _ID.fullmatch(message_id):
            return error_response(400, [Fault("id", "bad-id", "id is no UUID, such as a 201 gives.")])
        trace = store.trace(message_id)
        if trace is None:
            detail = f"Nothing is archived under {message_id}. If it was accepted just now, that may be yet to come."
            headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
            return error_response(404, [Fault("id", "not-found", detail)], headers)
        return json_response_with_etag(MessageTrace(message_id, trace.message, _entries(trace)))


def _accepted_format() -> str:
    """Give the format that the client prefers. Raises NotAcceptable."""
    if "format" in request.args or "Accept" not in request.headers:
        return "json"
    best = request.accept_mimetypes.best_match(_FORMATS)
    if best is None:
        raise NotAcceptable(f"There is {', '.join(_FORMATS)}.")
    return _FORMATS[best]


def _entries(trace: Trace) -> list[TraceEntry]:
    entries = [_entry(receipt) for receipt in trace.receipts]
    if trace.message:
        entries.append(TraceEntry("accepted", trace.message.received_at))
    if trace.archived_at is not None:
        entries.append(TraceEntry("archived", timestamp_from_microseconds(trace.archived_at)))
    # Timestamps all have the same form, so they sort as text.
    return sorted(entries, key=lambda entry: (entry.at, entry.kind != "accepted"))


def _entry(receipt: ReceiptView) -> TraceEntry:
    entry = TraceEntry(cast("Kind", receipt.kind), timestamp_from_microseconds(receipt.at), receipt.tube)
    if receipt.kind == "shown":
        entry.browsers = receipt.browsers
    if receipt.reason:
        entry.reason = receipt.reason
    return entry
