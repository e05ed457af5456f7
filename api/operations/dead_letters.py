"""/api/dead-letters: what could not be handled; operators see why, put it back, or delete it."""

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

from api.http import auth, parameter_types
from api.http.parameters import Query, parameter, parse_query
from api.http.responses import json_response
from tradewire import event, receipt
from tradewire.queue import TUBES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from structlog.stdlib import BoundLogger

    from api.http.queue_pool import QueuePool
    from tradewire.queue import DeadLetter, Queue
    from tradewire.settings import Settings

LISTED_MAX: Final = 100
_LISTED: Final = 20
_SHOWN_BYTES: Final = 4096
_ONE: Final = f"/api/dead-letters/<any({', '.join(TUBES)}):tube>/<int(min=1, max={2**63 - 1}):dead_letter_id>"


@dataclass(frozen=True, kw_only=True)
class DeadLettersQuery(Query):
    """Which buried events are asked for."""

    tube: str | None = parameter(
        "tube", parameter_types.one_of(*TUBES), "The tube they were in; all, where it is not said."
    )
    limit: int = parameter(
        "limit", parameter_types.integer(1, LISTED_MAX), "At most so many of each tube.", default=_LISTED
    )


class DeadLetterItem(msgspec.Struct, rename="camel"):
    """One event that could not be handled."""

    id: Annotated[int, Meta(description="Of the dead_letter, within its tube.")]
    tube: str
    reason: str
    dead_lettered_at: Annotated[str | None, Meta(description="ISO 8601; null where someone put it there by hand.")]
    event: Annotated[Any, Meta(description="As it came: the JSON that it is, else text, cut to 4 KiB.")]


class DeadLetterList(msgspec.Struct, rename="camel"):
    """DeadLetter events, the oldest of each tube first."""

    dead_letters: list[DeadLetterItem]


class Settled(msgspec.Struct):
    """What was done."""

    status: Literal["OK"]
    tube: str
    id: int


def add_routes(app: Flask, settings: Settings, pool: QueuePool, log: BoundLogger) -> None:
    """Add the routes."""
    turn = Lock()  # whoever looks at buried jobs holds them for a moment, and to others they seem not to be there

    @contextmanager
    def operator_queue(query: type[Query] = Query) -> Iterator[tuple[Any, Queue]]:
        """Let an operator in, one at a time."""
        auth.require_operator(settings.home / "operator-token")
        asked = parse_query(query, request.args)
        with turn, pool.lend() as queue:
            yield asked, queue

    @app.get("/api/dead-letters")
    def list_dead_letters() -> Response:
        with operator_queue(DeadLettersQuery) as (asked, queue):
            tubes = [asked.tube] if asked.tube else TUBES
            found = [_shown(one) for tube in tubes for one in queue.dead_letters(tube, asked.limit)]
        return json_response(200, DeadLetterList(found))

    @app.post(f"{_ONE}/requeue")
    def requeue(tube: str, dead_letter_id: int) -> Response:
        with operator_queue() as (_, queue):
            if not queue.requeue(tube, dead_letter_id):
                raise _missing(tube, dead_letter_id)
        log.info("requeued", tube=tube, dead_letter=dead_letter_id)
        return json_response(200, Settled("OK", tube, dead_letter_id))

    @app.delete(_ONE)
    def discard(tube: str, dead_letter_id: int) -> Response:
        with operator_queue() as (_, queue):
            found = next((one for one in queue.dead_letters(tube, LISTED_MAX) if one.id == dead_letter_id), None)
            if not found:
                raise _missing(tube, dead_letter_id)
            head = event.peek(found.event)
            if head:  # before it is gone, so that it can't be missed without a word
                now = event.format_time(datetime.now(UTC))
                queue.put_receipt(receipt.encode(receipt.Receipt("discarded", now, [head.id], tube=tube)))
            if not queue.discard(tube, dead_letter_id):
                raise _missing(tube, dead_letter_id)
        log.info("discarded", tube=tube, dead_letter=dead_letter_id, id=head.id if head else None)
        return json_response(200, Settled("OK", tube, dead_letter_id))


def _missing(tube: str, dead_letter_id: int) -> NotFound:
    return NotFound(f"There is no {dead_letter_id} among the {LISTED_MAX} oldest that are buried in {tube}.")


def _shown(one: DeadLetter) -> DeadLetterItem:
    dead_lettered_at = one.dead_lettered_at.removesuffix("+00:00") + "Z" if one.dead_lettered_at else None
    return DeadLetterItem(one.id, one.tube, one.reason, dead_lettered_at, _readable(one.event))


def _readable(body: bytes) -> object:
    """Give JSON as it is, and anything else, or more than is shown, as text."""
    if len(body) <= _SHOWN_BYTES:
        try:
            body.decode()  # msgspec does not look into strings that it skips
            msgspec.json.decode(body)
            return msgspec.Raw(body)
        except (UnicodeDecodeError, RecursionError, msgspec.MsgspecError):
            pass
    return body[:_SHOWN_BYTES].decode(errors="replace")
