"""The Flask application."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from api import accept, ops
from api.answers import failed, unavailable
from api.looks import looks
from api.monitor import Monitor
from api.pool import QueuePool
from tradewire.errors import Fault, InvalidTrade, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from structlog.stdlib import BoundLogger

    from tradewire.queue import Queue
    from tradewire.settings import Settings


_CODES: Final = {413: "too-large"}
"""Codes that are not simply the status's name."""


def create_app(settings: Settings, open_queue: Callable[[], Queue], log: BoundLogger) -> Flask:
    """Make the application. Nothing is connected before the first request."""
    app = Flask("api", static_folder=None)
    pool = QueuePool(open_queue)
    accept.add_routes(app, settings, pool)
    app.extensions["monitor"] = monitor = Monitor(looks(settings, open_queue), log)
    ops.add_routes(app, settings, monitor)

    @app.errorhandler(InvalidTrade)
    def invalid(error: InvalidTrade) -> Response:
        return failed(400, error.faults)

    @app.errorhandler(Unavailable)
    def away(error: Unavailable) -> Response:
        log.warning("refused", missing=str(error))
        return unavailable(str(error))

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        status = error.code or 500
        code = _CODES.get(status) or error.name.lower().replace(" ", "-")
        allow = {name: value for name, value in error.get_headers() if name == "Allow"}
        return failed(status, [Fault(None, code, str(error.description))], allow)

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> Response:
        log.error("unexpected", exc_info=error)
        return failed(500, [Fault(None, "internal", "The API failed; its log says why. Nothing was promised.")])

    return app
