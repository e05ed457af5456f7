"""/api/buried: what could not be handled; operators see why, put it back, or delete it."""

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

from api import kinds, operators
from api.answers import answer
from api.parameters import Query, parameter, read
from tradewire import receipt, update
from tradewire.queue import TUBES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from structlog.stdlib import BoundLogger

    from api.pool import QueuePool
    from tradewire.queue import Buried, Queue
    from tradewire.settings import Settings

LISTED_MAX: Final = 100
_LISTED: Final = 20
_SHOWN_BYTES: Final = 4096
_ONE: Final = f"/api/buried/<any({', '.join(TUBES)}):tube>/<int(min=1, max={2**63 - 1}):buried_id>"


@dataclass(frozen=True, kw_only=True)
class Asked(Query):
    """Which buried updates are asked for."""

    tube: str | None = parameter("tube", kinds.one_of(*TUBES), "The tube they were in; all, where it is not said.")
    limit: int = parameter("limit", kinds.whole(1, LISTED_MAX), "At most so many of each tube.", default=_LISTED)


class BuriedUpdate(msgspec.Struct, rename="camel"):
    """One update that could not be handled."""

    id: Annotated[int, Meta(description="Of the burial, within its tube.")]
    tube: str
    reason: str
    buried_at: Annotated[str | None, Meta(description="ISO 8601; null where someone put it there by hand.")]
    update: Annotated[Any, Meta(description="As it came: the JSON that it is, else text, cut to 4 KiB.")]


class BuriedList(msgspec.Struct):
    """Buried updates, the oldest of each tube first."""

    buried: list[BuriedUpdate]


class Settled(msgspec.Struct):
    """What was done."""

    status: Literal["OK"]
    tube: str
    id: int


def add_routes(app: Flask, settings: Settings, pool: QueuePool, log: BoundLogger) -> None:
    """Add the routes."""
    turn = Lock()  # whoever looks at buried jobs holds them for a moment, and to others they seem not to be there

    @contextmanager
    def graveyard(query: type[Query] = Query) -> Iterator[tuple[Any, Queue]]:
        """Let an operator in, one at a time."""
        operators.check(settings.home / "operator-token")
        asked = read(query, request.args)
        with turn, pool.lend() as queue:
            yield asked, queue

    @app.get("/api/buried")
    def buried() -> Response:
        with graveyard(Asked) as (asked, queue):
            tubes = [asked.tube] if asked.tube else TUBES
            found = [_shown(one) for tube in tubes for one in queue.buried(tube, asked.limit)]
        return answer(200, BuriedList(found))

    @app.post(f"{_ONE}/put-back")
    def put_back(tube: str, buried_id: int) -> Response:
        with graveyard() as (_, queue):
            if not queue.put_back(tube, buried_id):
                raise _missing(tube, buried_id)
        log.info("put back", tube=tube, buried=buried_id)
        return answer(200, Settled("OK", tube, buried_id))

    @app.delete(_ONE)
    def discard(tube: str, buried_id: int) -> Response:
        with graveyard() as (_, queue):
            found = next((one for one in queue.buried(tube, LISTED_MAX) if one.id == buried_id), None)
            if not found:
                raise _missing(tube, buried_id)
            head = update.head(found.update)
            if head:  # before it is gone, so that it can't be missed without a word
                now = update.utc(datetime.now(UTC))
                queue.put_receipt(receipt.encode(receipt.Receipt("discarded", now, [head.id], tube=tube)))
            if not queue.discard(tube, buried_id):
                raise _missing(tube, buried_id)
        log.info("discarded", tube=tube, buried=buried_id, id=head.id if head else None)
        return answer(200, Settled("OK", tube, buried_id))


def _missing(tube: str, buried_id: int) -> NotFound:
    return NotFound(f"There is no {buried_id} among the {LISTED_MAX} oldest that are buried in {tube}.")


def _shown(one: Buried) -> BuriedUpdate:
    buried_at = one.buried_at.removesuffix("+00:00") + "Z" if one.buried_at else None
    return BuriedUpdate(one.id, one.tube, one.reason, buried_at, _readable(one.update))


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
