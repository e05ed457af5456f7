"""The Flask application."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from api.http.queue_pool import QueuePool
from api.http.responses import error_response, unavailable_response
from api.ingest import routes as ingest
from api.openapi import document as openapi
from api.operations import dead_letters, ledger, probes
from api.operations.health_checks import health_checks
from api.operations.monitor import Monitor
from api.query import messages, stats
from tradewire import metrics
from tradewire.errors import Fault, InvalidQuery, InvalidTrade, Unavailable
from tradewire.store.reading import StoreReader

if TYPE_CHECKING:
    from collections.abc import Callable

    from structlog.stdlib import BoundLogger

    from tradewire.queue import Queue
    from tradewire.settings import Settings


_CODES: Final = {413: "too-large"}
"""Codes that are not simply the status's name."""
_KEPT: Final = {"Accept-Encoding", "Allow", "WWW-Authenticate"}
"""Headers of an error that say what could be done about it."""


def create_app(settings: Settings, open_queue: Callable[[], Queue], log: BoundLogger) -> Flask:
    """Make the application. Nothing is connected before the first request."""
    app = Flask("api", static_folder=None)
    pool = QueuePool(open_queue)
    store = StoreReader(settings.store)
    ingest.add_routes(app, settings, pool)
    messages.add_routes(app, settings, pool, store, log)
    stats.add_routes(app, store)
    ledger.add_routes(app, settings, pool, store)
    dead_letters.add_routes(app, settings, pool, log)
    openapi.add_routes(app)
    app.extensions["monitor"] = monitor = Monitor(health_checks(settings, open_queue), log)
    probes.add_routes(app, settings, monitor)

    @app.errorhandler(InvalidTrade)
    @app.errorhandler(InvalidQuery)
    def invalid(error: InvalidTrade | InvalidQuery) -> Response:
        _count_refused(error.faults[0].code)
        return error_response(400, error.faults)

    @app.errorhandler(Unavailable)
    def away(error: Unavailable) -> Response:
        log.warning("refused", missing=str(error))
        _count_refused("unavailable")
        if _is_post():
            return unavailable_response(f"Not promised: {error}. Retry, with an Idempotency-Key to be free of doubles.")
        return unavailable_response(f"This can't be answered now: {error}.")

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        status = error.code or 500
        code = _CODES.get(status) or error.name.lower().replace(" ", "-")
        _count_refused(code)
        kept = {name: value for name, value in error.get_headers() if name in _KEPT}
        return error_response(status, [Fault(None, code, str(error.description))], kept)

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> Response:
        log.error("unexpected", exc_info=error)
        _count_refused("internal")
        return error_response(500, [Fault(None, "internal", "The API failed; its log says why. Nothing was promised.")])

    return app


def _count_refused(code: str) -> None:
    """Count a post that was refused as a whole; what else is asked is none."""
    if _is_post():
        metrics.refused(code)


def _is_post() -> bool:
    """Tell whether it is messages that came."""
    return request.method == "POST" and request.path in ingest.PATHS
