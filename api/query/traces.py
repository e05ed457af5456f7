"""GET /api/message/<id>: one message and its history, from the archive, the dead letters and the named losses."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final, Literal, Protocol, cast
from uuid import UUID

import msgspec
from flask import Flask, Response, request
from msgspec import UNSET, Meta, UnsetType

from api.http.parameters import Query, parse_query
from api.http.responses import RETRY_AFTER_SECONDS, error_response, json_response_with_etag
from api.http.timestamps import Timestamp, timestamp_from_microseconds
from api.query.watermark import archived_up_to
from tradewire import event
from tradewire.errors import Fault, InvalidEvent, QueueUnavailable, Unavailable
from tradewire.event import TradeEvent
from tradewire.ledger import losses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from api.http.queue_pool import QueuePool
    from tradewire.ledger.losses import Loss
    from tradewire.queue import DeadLetter
    from tradewire.receipt import Kind
    from tradewire.settings import Settings
    from tradewire.store.reading import StoreReader
    from tradewire.store.views import ReceiptView, Trace

_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_UUID_WITH_TIME: Final = 7
_UNKNOWN_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MARGIN_MICROSECONDS: Final = 1_000_000
"""The time in an id may differ from the time of receipt by that much."""


class Requeued(Protocol):
    """When an event was requeued last in a tube."""

    @property
    def at(self) -> str:
        """ISO 8601."""

    @property
    def tube(self) -> str:
        """The tube."""


class Found(Protocol):
    """What is known about an event besides the archive."""

    @property
    def letters(self) -> Sequence[DeadLetter]:
        """Its dead letters."""

    @property
    def requeued(self) -> Sequence[Requeued]:
        """When it was requeued last, in each tube."""


class TraceEntry(msgspec.Struct, omit_defaults=True):
    """One step in the history of a message."""

    kind: Literal[
        "accepted",
        "archived",
        "shown",
        "delivered",
        "expired",
        "dead-lettered",
        "requeued",
        "discarded",
        "lost",
        "deleted",
        "outdated",
    ]
    at: Timestamp
    tube: str | UnsetType = UNSET
    browsers: Annotated[int | UnsetType, Meta(description="The number of browsers that it was shown to.")] = UNSET
    reason: str | UnsetType = UNSET


class MessageTrace(msgspec.Struct):
    """A message and its history, oldest first.

    The message is null if it is neither archived nor a dead letter that can be read. An entry `lost` says that the
    ledger has named it as lost in a tube, and when. An entry `deleted` says that it was archived, and that retention
    has deleted it; `outdated`, that the archive refused it because messages of its time are deleted.
    """

    id: str
    message: TradeEvent | None
    trace: list[TraceEntry]


class Traces:
    """Finds the history of messages.

    Args:
        settings: The stack's settings.
        pool: Connections to the queue.
        store: The archive.
        find: Returns the facts about an event that are not in the archive. Raises QueueUnavailable.
    """

    def __init__(self, settings: Settings, pool: QueuePool, store: StoreReader, find: Callable[[str], Found]) -> None:
        self._settings = settings
        self._pool = pool
        self._store = store
        self._find = find

    def of(self, message_id: str) -> MessageTrace | None:
        """Return a message with its history. None if nothing is known.

        Raises:
            StoreUnavailable: The archive can't be read.
            Unavailable: The archive has nothing, and the dead letters or the losses can't be read.
        """
        archived = self._store.trace(message_id)
        entries = list(_archived_entries(archived)) if archived else []
        message = archived.message if archived else None
        lost = self._losses(message_id, is_archived=archived is not None)
        if not archived or any(entry.kind == "dead-lettered" for entry in entries):
            with suppress(*([QueueUnavailable] if archived else [])):
                found = self._find(message_id)
                if not archived and not lost and not found.letters:
                    return None
                message = message or next(filter(None, map(_message, found.letters)), None)
                entries += _entries_of_dead_letters(found, entries)
        entries += [TraceEntry("lost", _timestamp(loss.named_at), loss.tube) for loss in lost]
        if message:
            entries.append(TraceEntry("accepted", message.received_at))
        elif archived and archived.outdated:
            entries.append(TraceEntry("accepted", timestamp_from_microseconds(archived.outdated[0].received_at)))
        elif lost:
            entries.append(TraceEntry("accepted", timestamp_from_microseconds(lost[0].received_at)))
        # All timestamps have the same format, so they sort as text.
        return MessageTrace(
            message_id, message, sorted(entries, key=lambda entry: (entry.at, entry.kind != "accepted"))
        )

    def _losses(self, message_id: str, *, is_archived: bool) -> list[Loss]:
        """Return the losses that name a message, in each tube, whether an operator has settled them or not."""
        with suppress(*([Unavailable] if is_archived else [])):
            named = losses.read(self._settings.counters)
            return [loss for loss in (*named.unsettled, *named.settled) if message_id in loss.ids]
        return []

    def absence(self, message_id: str) -> Fault:
        """Return the fault that says why nothing is known about a message, as far as that can be told."""
        up_to = archived_up_to(self._settings, self._pool, self._store)
        accepted_at = _time_of(message_id)
        if accepted_at is None or accepted_at + _MARGIN_MICROSECONDS > up_to:
            detail = f"No message {message_id} is archived. A message accepted just now may not be archived yet."
            return Fault("id", "not-archived-yet", detail)
        kept_since = self._store.kept().since
        if accepted_at < kept_since:
            detail = (
                f"No message {message_id} is kept. Messages received before {timestamp_from_microseconds(kept_since)}"
                " were archived, and have been deleted by retention. If this one was accepted here, it was among them."
            )
            return Fault("id", "deleted", detail)
        detail = (
            f"No message {message_id} is archived, nor is it a dead letter. Every message accepted before"
            f" {timestamp_from_microseconds(up_to)} is archived. So it was not accepted here, or it was lost; then"
            " /api/ledger counts it as missing."
        )
        return Fault("id", "not-found", detail)


def add_routes(app: Flask, traces: Traces) -> None:
    """Add the route."""

    @app.get("/api/message/<message_id>")
    def message_trace(message_id: str) -> Response:
        parse_query(Query, request.args)
        message_id = message_id.lower()
        if not _ID.fullmatch(message_id):
            return error_response(400, [Fault("id", "bad-id", "id is not a UUID, as returned with a 201.")])
        if trace := traces.of(message_id):
            return json_response_with_etag(trace)
        return error_response(404, [traces.absence(message_id)], {"Retry-After": str(RETRY_AFTER_SECONDS)})


def _time_of(message_id: str) -> int | None:
    """Return the time in an id, in microseconds since 1970. None if it has no time."""
    uuid = UUID(message_id)
    return (uuid.int >> 80) * 1000 if uuid.version == _UUID_WITH_TIME else None


def _message(letter: DeadLetter) -> TradeEvent | None:
    """Return the message of a dead letter. None if it is damaged."""
    with suppress(InvalidEvent):
        return event.decode(letter.event)
    return None


def _archived_entries(trace: Trace) -> Iterator[TraceEntry]:
    yield from map(_entry, trace.receipts)
    for gone in trace.outdated:
        yield TraceEntry("deleted" if gone.was_archived else "outdated", timestamp_from_microseconds(gone.at))
    if trace.archived_at is not None:
        yield TraceEntry("archived", timestamp_from_microseconds(trace.archived_at))


def _entry(receipt: ReceiptView) -> TraceEntry:
    entry = TraceEntry(cast("Kind", receipt.kind), timestamp_from_microseconds(receipt.at), receipt.tube)
    if receipt.kind == "shown":
        entry.browsers = receipt.browsers
    if receipt.reason:
        entry.reason = receipt.reason
    return entry


def _entries_of_dead_letters(found: Found, archived: Sequence[TraceEntry]) -> Iterator[TraceEntry]:
    """Yield the entries that the archive lacks: it has the first receipt of a dead letter, and none of a requeue."""
    requeued_at = {entry.tube: _timestamp(entry.at) for entry in found.requeued}
    for tube, at in requeued_at.items():
        yield TraceEntry("requeued", at, tube)
    known = {entry.tube for entry in archived if entry.kind == "dead-lettered"}
    for letter in found.letters:
        at = _timestamp(letter.dead_lettered_at or _received_at(letter))
        if letter.tube not in known or at > requeued_at.get(letter.tube, at):
            yield TraceEntry("dead-lettered", at, letter.tube, reason=letter.reason)


def _received_at(letter: DeadLetter) -> str:
    """Return the time of receipt, for a dead letter that was put into its tube by hand and has no time of its own."""
    header = event.peek(letter.event)
    return ((header and header.received_at) or _UNKNOWN_TIME).isoformat()


def _timestamp(text: str) -> str:
    """Return a time in the API's format."""
    return event.format_time(datetime.fromisoformat(text))
