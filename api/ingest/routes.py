"""POST /api/message and POST /api/messages: a message, or a batch, becomes one job in every tube."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec
from flask import request

from api.http import auth
from api.http.responses import ApiResponse, FaultItem, MoreErrors, fault_items, json_answer, json_response
from api.ingest import batch
from api.ingest.fast_lane import FastLane, raise_handed_on
from api.ingest.group_commit import GroupCommit
from api.ingest.request import idempotency_key, read_body
from tradewire import event, metrics, trade
from tradewire.errors import FAULTS_MAX, Fault, Unavailable
from tradewire.event import Id
from tradewire.ledger import tube_history
from tradewire.ledger.counters import Counter
from tradewire.ledger.slot_writer import SlotWriter
from tradewire.limits import MAX_BATCH_BYTES, MAX_MESSAGE_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from _typeshed.wsgi import WSGIEnvironment
    from flask import Flask, Response

    from api.http.auth import Access
    from api.http.queue_pool import QueuePool
    from api.http.responses import Answer
    from tradewire.ledger.slot_writer import Request
    from tradewire.settings import Settings


_MESSAGE: Final = "/api/message"
_BATCH: Final = "/api/messages"
PATHS: Final = (_MESSAGE, _BATCH)
"""The paths that take messages."""

_Ignored = Annotated[
    list[str],
    msgspec.Meta(description="Names of unknown fields, if any: the first 100, each cut to 64 characters."),
]
_Rounded = Annotated[list[str], msgspec.Meta(description="Names of the fields whose amounts were rounded, if any.")]
_BYTES_PER_FAULT: Final = 200
"""About the length of a fault in a response."""


class Accepted(msgspec.Struct, omit_defaults=True):
    """An accepted message."""

    status: Literal["OK"]
    userId: str  # noqa: N815 - as in the message
    id: Id
    ignored: _Ignored = []
    rounded: _Rounded = []


class Refused(msgspec.Struct):
    """A refused message of a batch, with its first faults. `index` is its position, from 0."""

    index: int
    errors: list[FaultItem]


class BatchAccepted(msgspec.Struct, omit_defaults=True):
    """A batch of which all or some messages were accepted. `ids` has null for each refused message."""

    status: Literal["OK", "PARTIAL"]
    accepted: int
    ids: list[Id | None]
    refused: list[Refused] = []
    moreErrors: MoreErrors = 0  # noqa: N815 - JSON's camelCase
    ignored: _Ignored = []
    rounded: _Rounded = []


class BatchFailure(msgspec.Struct, omit_defaults=True):
    """A batch of which no message was accepted. Without `refused`, the body is not a valid batch."""

    status: Literal["FAILED"]
    errors: list[FaultItem]
    refused: list[Refused] = []
    moreErrors: MoreErrors = 0  # noqa: N815 - JSON's camelCase


def add_routes(app: Flask, settings: Settings, pool: QueuePool, access: Access) -> Callable[[], str]:
    """Add the routes. Return the function that tells why this process can record no request; empty if it can."""
    ingest = _Ingest(settings, GroupCommit(pool, settings.tubes))
    producers = auth.ROUTES["POST", _MESSAGE]

    def accept_message(environ: WSGIEnvironment) -> Answer:
        producer = access.check(environ, producers).name  # in the fast lane, no other code checks it
        key = idempotency_key(environ)
        with ingest.request() as posted:
            now = event.from_microseconds(posted.received_at)
            checked_trade, ignored = trade.decode(read_body(environ, MAX_MESSAGE_BYTES), now, producer)
            message_id = event.keyed_id(key, 0, checked_trade) if key else event.new_id()
            ingest.put(posted, [event.encode(checked_trade, message_id, now)], message_id)
        accepted = Accepted("OK", checked_trade.user_id, message_id, ignored, checked_trade.rounded)
        return json_answer(201, accepted, {"Location": f"message/{message_id}"})

    app.wsgi_app = FastLane(app.wsgi_app, _MESSAGE, accept_message)  # type: ignore[method-assign] # as Flask documents

    @app.post(_MESSAGE)
    def post_message() -> Response:
        raise_handed_on(request.environ)
        return ApiResponse.of(accept_message(request.environ))

    @app.post(_BATCH)
    def post_batch() -> Response:
        producer = access.check(request.environ, auth.ROUTES["POST", _BATCH]).name
        key = idempotency_key(request.environ)
        with ingest.request() as posted:
            now = event.from_microseconds(posted.received_at)
            checked = batch.check(read_body(request.environ, MAX_BATCH_BYTES), key, now, producer)
            if checked.events:
                ingest.put(posted, checked.events, next(filter(None, checked.ids)))
        for faults in checked.refused.values():
            metrics.refused(faults[0].code)
        return _batch_response(checked)

    return ingest.fault


class _Ingest:
    """Puts events into the queue and records the requests for the ledger."""

    def __init__(self, settings: Settings, group_commit: GroupCommit) -> None:
        # Created by the first request, so that each worker process has a writer of its own.
        self._slots = cache(lambda: _open_slots(settings))
        self._group_commit = group_commit
        self._fault = ""
        """Why the last request could not be recorded."""

    @contextmanager
    def request(self) -> Iterator[Request]:
        """Record a request during the block. Yield it with its time of receipt. Raises Unavailable."""
        try:
            request = self._slots().start()
        except Unavailable as error:
            self._fault = str(error)
            raise
        self._fault = ""
        try:
            yield request
        finally:
            request.end()

    def fault(self) -> str:
        """Return why no request can be recorded. Empty if the last one could be, or one can be now."""
        if self._fault:
            with suppress(Unavailable), self.request():
                pass
        return self._fault

    def put(self, posted: Request, events: Sequence[bytes], first_id: str) -> None:
        """Put a request's events into every tube. Raises Unavailable if they may not be kept."""
        posted.begin(len(events), first_id)
        self._group_commit.put(events)
        posted.accept(len(events))
        metrics.accepted(len(events))


def _open_slots(settings: Settings) -> SlotWriter:
    """Open this process's part of the ledger. From now on, messages go into the enabled tubes."""
    tube_history.record(settings.counters, settings.tubes)
    return SlotWriter(settings.counters, Counter(settings.counters), settings.tubes)


def _batch_response(checked: batch.CheckedBatch) -> Response:
    """Make the response: 201 if all messages were accepted, 207 if some were, 400 if none was."""
    refused, more = _listed(checked)
    if not checked.events:
        fault = Fault(None, "all-refused", "Every message of the batch was refused; `refused` has the reasons.")
        return json_response(400, BatchFailure("FAILED", fault_items([fault]), refused, more))
    status: Literal["OK", "PARTIAL"] = "PARTIAL" if refused else "OK"
    body = BatchAccepted(status, len(checked.events), checked.ids, refused, more, checked.ignored, checked.rounded)
    return json_response(207 if refused else 201, body)


def _listed(checked: batch.CheckedBatch) -> tuple[list[Refused], int]:
    """Return the refused messages with the faults that the response lists, and the number of the other faults.

    Beyond the first ten faults, the response must not become larger than the request. A few compressed bytes can hold
    a thousand messages.
    """
    limit = max(FAULTS_MAX, (request.content_length or 0) // _BYTES_PER_FAULT)
    refused: list[Refused] = []
    more = checked.more_faults
    for index, faults in checked.refused.items():
        listed = faults[:limit]
        limit -= len(listed)
        more += len(faults) - len(listed)
        if listed:
            refused.append(Refused(index, fault_items(listed)))
    return refused, more
