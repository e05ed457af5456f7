"""/api/dead-letters: operators list events that could not be processed, requeue them, or delete them."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import msgspec
from flask import Flask, Response, request
from msgspec import Meta
from werkzeug.exceptions import NotFound
from werkzeug.routing import BaseConverter

from api.http import auth, parameter_types
from api.http.parameters import Query, parameter, parse_query
from api.http.responses import json_response
from tradewire import event, receipt

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from structlog.stdlib import BoundLogger

    from api.http.queue_pool import QueuePool
    from tradewire.queue import DeadLetter, Queue
    from tradewire.settings import Settings

_MAX_LISTED: Final = 100
_DEFAULT_LISTED: Final = 20
_MAX_SHOWN_BYTES: Final = 4096
ID_PATTERN: Final = "[A-Za-z0-9_-]{1,64}"


def query_type(tubes: Sequence[str]) -> type[Query]:
    """Make the type of the parameters of GET /api/dead-letters for a stack with these tubes."""

    @dataclass(frozen=True, kw_only=True)
    class DeadLettersQuery(Query):
        tube: str | None = parameter(
            "tube", parameter_types.one_of(*tubes), "The tube of the dead letters. By default, all tubes."
        )
        limit: int = parameter(
            "limit",
            parameter_types.integer(1, _MAX_LISTED),
            "The maximum number from each tube.",
            default=_DEFAULT_LISTED,
        )

    return DeadLettersQuery


class DeadLetterItem(msgspec.Struct, rename="camel"):
    """An event that could not be processed."""

    id: Annotated[str, Meta(description="The dead letter's id. It is opaque, and unique within the tube.")]
    tube: str
    reason: str
    dead_lettered_at: Annotated[str | None, Meta(description="ISO 8601. Null if someone put it there by hand.")]
    event: Annotated[Any, Meta(description="The event as it was received: JSON if possible, else text, cut to 4 KiB.")]


class DeadLetterList(msgspec.Struct, rename="camel"):
    """Dead letters by tube, the oldest of each tube first."""

    dead_letters: list[DeadLetterItem]


class DeadLetterConfirmation(msgspec.Struct):
    """Confirms that a dead letter was requeued or deleted."""

    status: Literal["OK"]
    tube: str
    id: str


class _IdConverter(BaseConverter):
    """Converts a dead letter's id in a path. The queue knows whether there is one with this id."""

    regex = ID_PATTERN


def add_routes(app: Flask, settings: Settings, pool: QueuePool, log: BoundLogger) -> None:
    """Add the routes."""
    app.url_map.converters["dead_letter_id"] = _IdConverter
    tubes = settings.tubes
    parameters = query_type(tubes)
    quoted = ", ".join(f'"{tube}"' for tube in tubes)
    path = f"/api/dead-letters/<any({quoted}):tube>/<dead_letter_id:dead_letter_id>"
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
        with operator_queue(parameters) as (query, queue):
            listed = [query.tube] if query.tube else tubes
            items = [_item(letter) for tube in listed for letter in queue.dead_letters(tube, query.limit)]
        return json_response(200, DeadLetterList(items))

    @app.post(f"{path}/requeue")
    def requeue(tube: str, dead_letter_id: str) -> Response:
        with operator_queue() as (_, queue):
            if not queue.requeue(tube, dead_letter_id):
                raise _not_found(tube, dead_letter_id)
        log.info("requeued", tube=tube, dead_letter=dead_letter_id)
        return json_response(200, DeadLetterConfirmation("OK", tube, dead_letter_id))

    @app.delete(path)
    def discard(tube: str, dead_letter_id: str) -> Response:
        with operator_queue() as (_, queue):
            letters = queue.dead_letters(tube, _MAX_LISTED)
            letter = next((letter for letter in letters if letter.id == dead_letter_id), None)
            if not letter:
                raise _not_found(tube, dead_letter_id)
            header = event.peek(letter.event)
            if header:  # the receipt goes first: after a crash in between, the event is never missing unexplained
                now = event.format_time(datetime.now(UTC))
                queue.put_receipt(receipt.encode(receipt.Receipt("discarded", now, [header.id], tube=tube)))
            if not queue.discard(tube, dead_letter_id):
                raise _not_found(tube, dead_letter_id)
        log.info("discarded", tube=tube, dead_letter=dead_letter_id, id=header.id if header else None)
        return json_response(200, DeadLetterConfirmation("OK", tube, dead_letter_id))


def _not_found(tube: str, dead_letter_id: str) -> NotFound:
    return NotFound(f"Dead letter {dead_letter_id} is not among the {_MAX_LISTED} oldest of the tube {tube}.")


def _item(letter: DeadLetter) -> DeadLetterItem:
    dead_lettered_at = letter.dead_lettered_at.removesuffix("+00:00") + "Z" if letter.dead_lettered_at else None
    return DeadLetterItem(letter.id, letter.tube, letter.reason, dead_lettered_at, _json_or_text(letter.event))


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
