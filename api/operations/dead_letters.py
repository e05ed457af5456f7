"""/api/dead-letters: operators list events that could not be processed, requeue them, or delete them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, NamedTuple

import msgspec
from flask import Flask, Response, request
from msgspec import Meta
from werkzeug.exceptions import NotFound
from werkzeug.routing import BaseConverter

from api.http import parameter_types
from api.http.parameters import Query, parameter, parse_query
from api.http.responses import json_response
from api.operations.dead_letter_desk import LISTED_MAX, DeadLetterDesk, find_letter
from tradewire import event, receipt
from tradewire.access.key import Role
from tradewire.audit.details import letters

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from structlog.stdlib import BoundLogger

    from api.http.audit import RequestTrail
    from api.operations.requeue_history import Requeued
    from tradewire.queue import DeadLetter, Queue
    from tradewire.settings import Settings

_DEFAULT_LISTED: Final = 20
_MAX_SHOWN_BYTES: Final = 4096
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
            parameter_types.integer(1, LISTED_MAX),
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


class DeadLetterRequeued(msgspec.Struct, rename="camel"):
    """Tells what came of a dead letter that was requeued."""

    status: Literal["OK"]
    tube: str
    id: str
    result: Annotated[
        Literal["taken", "failed-again", "pending"],
        Meta(
            description="taken: the consumer took the event. failed-again: it is a dead letter again, for `reason`."
            " pending: neither is known after two seconds; the event's trace will tell."
        ),
    ]
    reason: Annotated[str | None, Meta(description="Why it failed again; null if it did not.")]


class DeadLettersRequeued(msgspec.Struct, rename="camel"):
    """Tells how many dead letters were requeued."""

    status: Literal["OK"]
    requeued: Annotated[int, Meta(description="The number of dead letters that are back in their tubes.")]
    left: Annotated[
        int, Meta(description="The number of those that are still dead letters: call again if it is not 0.")
    ]
    failed_again: Annotated[
        int, Meta(description="The number of dead letters in these tubes within two seconds, without those left.", ge=0)
    ]


class _IdConverter(BaseConverter):
    """Converts a dead letter's id in a path. The queue knows whether there is one with this id."""

    regex = ID_PATTERN


def add_routes(app: Flask, settings: Settings, desk: DeadLetterDesk, trail: RequestTrail, log: BoundLogger) -> None:
    """Add the routes."""

    def recorded(action: str, found: Sequence[DeadLetter]) -> AbstractContextManager[dict[str, Any]]:
        return trail.recorded(action, Role.OPERATOR, {"letters": letters(found)})

    app.url_map.converters["dead_letter_id"] = _IdConverter
    tubes = settings.tubes
    parameters = query_types(tubes)
    quoted = ", ".join(f'"{tube}"' for tube in tubes)
    path = f"/api/dead-letters/<any({quoted}):tube>/<dead_letter_id:dead_letter_id>"

    @app.get("/api/dead-letters")
    def list_dead_letters() -> Response:
        query: Any = parse_query(parameters.listing, request.args)
        listed = desk.listed([query.tube] if query.tube else tubes, query.limit)
        trail.read("dead-letters-listed", Role.OPERATOR, {"letters": letters(letter for letter, _ in listed)})
        return json_response(200, DeadLetterList([_item(letter, earlier) for letter, earlier in listed]))

    @app.post(f"{path}/requeue")
    def requeue(tube: str, dead_letter_id: str) -> Response:
        parse_query(Query, request.args)
        try:
            letter = desk.requeue(tube, dead_letter_id, partial(recorded, "dead-letters-requeued"))
        except LookupError:
            raise _not_found(tube, dead_letter_id) from None
        log.info("requeued", tube=tube, dead_letter=dead_letter_id)
        return json_response(200, DeadLetterRequeued("OK", tube, dead_letter_id, *_result(desk, letter)))

    @app.post("/api/dead-letters/requeue")
    def requeue_all() -> Response:
        query: Any = parse_query(parameters.requeue, request.args)
        chosen = [query.tube] if query.tube else list(tubes)
        requeued, left = desk.requeue_all(chosen, partial(recorded, "dead-letters-requeued"))
        log.info("requeued all", tubes=chosen, requeued=requeued, left=left)
        return json_response(
            200, DeadLettersRequeued("OK", requeued, left, _failed_again(desk, chosen, requeued, left))
        )

    @app.delete(path)
    def discard(tube: str, dead_letter_id: str) -> Response:
        parse_query(Query, request.args)
        try:
            with desk.queue() as queue:
                letter = find_letter(queue, tube, dead_letter_id)
                with recorded("dead-letters-deleted", [letter]):
                    header = _discard(queue, letter)
        except LookupError:
            raise _not_found(tube, dead_letter_id) from None
        log.info("discarded", tube=tube, dead_letter=dead_letter_id, id=header.id if header else None)
        return json_response(200, DeadLetterConfirmation("OK", tube, dead_letter_id))


def _result(
    desk: DeadLetterDesk, requeued: DeadLetter
) -> tuple[Literal["taken", "failed-again", "pending"], str | None]:
    """Return what came of a requeued event, and why it failed again. Wait two seconds for it at most."""
    for _ in desk.looks():
        is_empty = desk.is_empty([requeued.tube])  # looked at first: an event leaves the tube after it is a dead letter
        if letter := desk.came_back(requeued):
            return "failed-again", letter.reason
        if is_empty:
            return "taken", None
    return "pending", None


def _failed_again(desk: DeadLetterDesk, tubes: Sequence[str], requeued: int, left: int) -> int:
    """Return how many requeued events are dead letters again. Wait two seconds for them at most."""
    failed = 0
    if requeued:
        for _ in desk.looks():
            is_empty = desk.is_empty(tubes)
            failed = max(0, desk.count(tubes) - left)
            if is_empty:
                break
    return failed


def _discard(queue: Queue, letter: DeadLetter) -> event.EventHeader | None:
    """Delete a dead letter. Return its event's header. Raises LookupError if it has left the tube meanwhile."""
    header = event.peek(letter.event)
    if header:  # the receipt goes first: after a crash in between, the event is never missing unexplained
        now = event.format_time(datetime.now(UTC))
        queue.put_receipt(receipt.encode(receipt.Receipt("discarded", now, [header.id], tube=letter.tube)))
    if not queue.discard(letter.tube, letter.id):
        raise LookupError(letter.id)
    return header


def _not_found(tube: str, dead_letter_id: str) -> NotFound:
    return NotFound(f"Dead letter {dead_letter_id} is not among the {LISTED_MAX} oldest of the tube {tube}.")


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
