"""/api/dead-letters: operators list events that could not be processed, requeue them, or delete them."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, NamedTuple

import msgspec
from flask import Flask, Response, request
from msgspec import Meta
from werkzeug.exceptions import NotFound
from werkzeug.routing import BaseConverter

from api.http import auth, parameter_types
from api.http.parameters import Query, parameter, parse_query
from api.http.responses import json_response
from api.operations.requeue_history import RequeueHistory
from tradewire import event, receipt

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from structlog.stdlib import BoundLogger

    from api.http.queue_pool import QueuePool
    from api.operations.requeue_history import Requeued
    from tradewire.queue import DeadLetter, Queue
    from tradewire.settings import Settings

_MAX_LISTED: Final = 100
_DEFAULT_LISTED: Final = 20
_MAX_SHOWN_BYTES: Final = 4096
_MAX_SECONDS: Final = 10
"""For requeuing dead letters in one request."""
ID_PATTERN: Final = "[A-Za-z0-9_-]{1,64}"


class QueryTypes(NamedTuple):
    """The types of the parameters for a stack with certain tubes."""

    listing: type[Query]
    """Of GET /api/dead-letters."""
    requeue: type[Query]
    """Of POST /api/dead-letters/requeue."""


def query_types(tubes: Sequence[str]) -> QueryTypes:
    """Make the types of the parameters for a stack with these tubes."""

    @dataclass(frozen=True, kw_only=True)
    class TubeQuery(Query):
        tube: str | None = parameter(
            "tube", parameter_types.one_of(*tubes), "The tube of the dead letters. By default, all tubes."
        )

    @dataclass(frozen=True, kw_only=True)
    class DeadLettersQuery(TubeQuery):
        limit: int = parameter(
            "limit",
            parameter_types.integer(1, _MAX_LISTED),
            "The maximum number from each tube.",
            default=_DEFAULT_LISTED,
        )

    return QueryTypes(DeadLettersQuery, TubeQuery)


class DeadLetterItem(msgspec.Struct, rename="camel"):
    """An event that could not be processed."""

    id: Annotated[str, Meta(description="The dead letter's id. It is opaque, and unique within the tube.")]
    tube: str
    reason: str
    dead_lettered_at: Annotated[str | None, Meta(description="ISO 8601. Null if someone put it there by hand.")]
    event: Annotated[Any, Meta(description="The event as it was received: JSON if possible, else text, cut to 4 KiB.")]
    requeued: Annotated[int, Meta(description="How often it was requeued and came back as a dead letter.", ge=0)] = 0
    earlier_reason: Annotated[
        str | None, Meta(description="Why it was a dead letter before it was requeued last; null if it was not.")
    ] = None


class DeadLetterList(msgspec.Struct, rename="camel"):
    """Dead letters by tube, the oldest of each tube first."""

    dead_letters: list[DeadLetterItem]


class DeadLetterConfirmation(msgspec.Struct):
    """Confirms that a dead letter was requeued or deleted."""

    status: Literal["OK"]
    tube: str
    id: str


class DeadLettersRequeued(msgspec.Struct):
    """Tells how many dead letters were requeued."""

    status: Literal["OK"]
    requeued: Annotated[int, Meta(description="The number of dead letters that are back in their tubes.")]
    left: Annotated[
        int, Meta(description="The number of those that are still dead letters: call again if it is not 0.")
    ]


class _IdConverter(BaseConverter):
    """Converts a dead letter's id in a path. The queue knows whether there is one with this id."""

    regex = ID_PATTERN


def add_routes(app: Flask, settings: Settings, pool: QueuePool, log: BoundLogger) -> None:
    """Add the routes."""
    app.url_map.converters["dead_letter_id"] = _IdConverter
    tubes = settings.tubes
    parameters = query_types(tubes)
    quoted = ", ".join(f'"{tube}"' for tube in tubes)
    path = f"/api/dead-letters/<any({quoted}):tube>/<dead_letter_id:dead_letter_id>"
    history = RequeueHistory(settings.counters / "requeued.jsonl", log)
    lock = Lock()  # listing reserves the dead letters for a short time, so a concurrent request would not see them

    @contextmanager
    def operator_queue(query_type: type[Query] = Query) -> Iterator[tuple[Any, Queue]]:
        """Check the operator token and the query, and yield the query and the queue to one request at a time."""
        auth.require_operator(settings.home / "operator-token")
        query = parse_query(query_type, request.args)
        with lock, pool.lend() as queue:
            yield query, queue

    @app.get("/api/dead-letters")
    def list_dead_letters() -> Response:
        with operator_queue(parameters.listing) as (query, queue):
            listed = [query.tube] if query.tube else tubes
            letters = [letter for tube in listed for letter in queue.dead_letters(tube, query.limit)]
            items = [_item(letter, history.of(letter)) for letter in letters]
        return json_response(200, DeadLetterList(items))

    @app.post(f"{path}/requeue")
    def requeue(tube: str, dead_letter_id: str) -> Response:
        with operator_queue() as (_, queue):
            history.add(_listed(queue, tube, dead_letter_id))
            if not queue.requeue(tube, dead_letter_id):
                raise _not_found(tube, dead_letter_id)
        log.info("requeued", tube=tube, dead_letter=dead_letter_id)
        return json_response(200, DeadLetterConfirmation("OK", tube, dead_letter_id))

    @app.post("/api/dead-letters/requeue")
    def requeue_all() -> Response:
        with operator_queue(parameters.requeue) as (query, queue):
            chosen = [query.tube] if query.tube else tubes
            waiting = {tube: queue.counts(tube).dead_letters for tube in chosen}
            end = time.monotonic() + _MAX_SECONDS
            requeued = sum(_requeue_oldest(queue, history, tube, waiting[tube], end) for tube in chosen)
        left = sum(waiting.values()) - requeued
        log.info("requeued all", tubes=list(chosen), requeued=requeued, left=left)
        return json_response(200, DeadLettersRequeued("OK", requeued, left))

    @app.delete(path)
    def discard(tube: str, dead_letter_id: str) -> Response:
        with operator_queue() as (_, queue):
            letter = _listed(queue, tube, dead_letter_id)
            header = event.peek(letter.event)
            if header:  # the receipt goes first: after a crash in between, the event is never missing unexplained
                now = event.format_time(datetime.now(UTC))
                queue.put_receipt(receipt.encode(receipt.Receipt("discarded", now, [header.id], tube=tube)))
            if not queue.discard(tube, dead_letter_id):
                raise _not_found(tube, dead_letter_id)
        log.info("discarded", tube=tube, dead_letter=dead_letter_id, id=header.id if header else None)
        return json_response(200, DeadLetterConfirmation("OK", tube, dead_letter_id))


def _requeue_oldest(queue: Queue, history: RequeueHistory, tube: str, count: int, end: float) -> int:
    """Requeue dead letters of a tube until a time of the monotonic clock. Return their number.

    Those that come back meanwhile are newer than the `count` oldest ones.
    """
    requeued = 0
    while requeued < count and time.monotonic() < end:
        letters = queue.dead_letters(tube, min(_MAX_LISTED, count - requeued))
        if not letters:
            break
        for letter in letters:
            history.add(letter)
            requeued += queue.requeue(tube, letter.id)
    return requeued


def _listed(queue: Queue, tube: str, dead_letter_id: str) -> DeadLetter:
    """Return a dead letter. Raises NotFound."""
    for letter in queue.dead_letters(tube, _MAX_LISTED):
        if letter.id == dead_letter_id:
            return letter
    raise _not_found(tube, dead_letter_id)


def _not_found(tube: str, dead_letter_id: str) -> NotFound:
    return NotFound(f"Dead letter {dead_letter_id} is not among the {_MAX_LISTED} oldest of the tube {tube}.")


def _item(letter: DeadLetter, earlier: Requeued | None) -> DeadLetterItem:
    dead_lettered_at = letter.dead_lettered_at.removesuffix("+00:00") + "Z" if letter.dead_lettered_at else None
    item = DeadLetterItem(letter.id, letter.tube, letter.reason, dead_lettered_at, _json_or_text(letter.event))
    if earlier:
        item.requeued, item.earlier_reason = earlier.times, earlier.reason
    return item


def _json_or_text(body: bytes) -> object:
    """Return JSON unchanged. Return anything else, and JSON that is too long, as text cut to the maximum."""
    if len(body) <= _MAX_SHOWN_BYTES:
        try:
            body.decode()  # msgspec does not check strings that it skips
            msgspec.json.decode(body)
            return msgspec.Raw(body)
        except (UnicodeDecodeError, RecursionError, msgspec.MsgspecError):
            pass
    return body[:_MAX_SHOWN_BYTES].decode(errors="replace")
