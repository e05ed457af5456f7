"""POST /api/message: one trade message in, one update into every tube."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from flask import Flask, Response, request
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import Forbidden, RequestEntityTooLarge

from api.answers import answer
from tradewire import metrics, trade, update
from tradewire.errors import Fault, InvalidTrade
from tradewire.limits import MAX_MESSAGE_BYTES
from tradewire.queue import TUBES
from tradewire.tally import Tally

if TYPE_CHECKING:
    from api.pool import QueuePool
    from tradewire.settings import Settings

_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")
"""What an Idempotency-Key may be: visible ASCII, and short."""

_FOREIGN: Final = frozenset({"cross-site", "same-site"})
"""What a browser says of a request that a page of another site has made: any page that an operator looks at could."""


def add_routes(app: Flask, settings: Settings, pool: QueuePool) -> None:
    """Add the route."""
    tally = cache(lambda: Tally(settings.tallies))  # by the first request, in the worker's own process

    @app.post("/api/message")
    def message() -> Response:
        received_at = datetime.now(UTC)
        if request.environ.get("HTTP_SEC_FETCH_SITE") in _FOREIGN:
            raise Forbidden("A page of another site may not post here.")
        key = _idempotency_key(request.environ.get("HTTP_IDEMPOTENCY_KEY"))
        placed, ignored = trade.decode(_body(), received_at)
        message_id = update.keyed_id(key, 0, placed) if key else update.new_id()
        begun, accepted = tally().begin(1, update.microseconds(received_at)), 0
        try:
            with pool.lend() as queue:
                queue.put(update.encode(placed, message_id, received_at), TUBES)
            accepted = 1
            metrics.put(TUBES)
            metrics.accepted(1)
        finally:
            tally().end(begun, accepted)
        body: dict[str, Any] = {"status": "OK", "userId": placed.user_id, "id": message_id}
        if ignored:
            body["ignored"] = ignored
        return answer(201, body, {"Location": f"/api/message/{message_id}"})


def _body() -> bytes:
    """Read the body, once, straight from the server, which knows where it ends."""
    try:
        body: bytes = request.environ["wsgi.input"].read(MAX_MESSAGE_BYTES + 1)
    except (ParseException, OSError) as error:
        raise InvalidTrade([Fault(None, "bad-body", f"The body did not arrive as HTTP: {error}.")]) from error
    if len(body) > MAX_MESSAGE_BYTES:
        raise RequestEntityTooLarge(f"The body is larger than {MAX_MESSAGE_BYTES} bytes.")
    return body


def _idempotency_key(header: str | None) -> str | None:
    if header is None or _KEY.fullmatch(header):
        return header
    detail = "The header Idempotency-Key is not 1 to 255 visible ASCII characters."
    raise InvalidTrade([Fault(None, "bad-idempotency-key", detail)])
