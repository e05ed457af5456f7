"""The Flask application."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from api.access import provider_routes, session
from api.http.audit import RequestTrail
from api.http.auth import Access
from api.http.queue_pool import QueuePool
from api.http.responses import error_response, unavailable_response
from api.ingest import routes as ingest
from api.openapi import document as openapi
from api.operations import audit, dead_letters, ledger, probes
from api.operations.dead_letter_desk import DeadLetterDesk
from api.operations.health_checks import health_checks
from api.operations.key_fetcher import KeyFetcher
from api.operations.monitor import Monitor
from api.operations.provider_check import check_provider
from api.query import messages, stats, traces
from api.query.exports import Exports
from api.query.traces import Traces
from tradewire import code_checks, metrics
from tradewire.audit.trail import Trail
from tradewire.errors import Fault, InvalidInput, Unavailable, Unconfirmed
from tradewire.store.reading import StoreReader

if TYPE_CHECKING:
    from collections.abc import Callable

    from structlog.stdlib import BoundLogger

    from api.access.single_sign_on import SingleSignOn
    from tradewire.queue import Queue
    from tradewire.settings import Settings


_CODES: Final = {413: "too-large"}
"""Fault codes that differ from the name of the HTTP status."""
_ERROR_HEADERS: Final = {"Accept-Encoding", "Allow", "Retry-After", "WWW-Authenticate"}
"""Headers of werkzeug's errors that are passed on, because they tell the client how to correct its request."""


def create_app(settings: Settings, open_queue: Callable[[], Queue], log: BoundLogger) -> Flask:
    """Make the application. It connects to nothing before the first request.

    Args:
        settings: The stack's settings.
        open_queue: Makes a connection to the queue. One thread at a time uses it.
        log: The logger for errors and operators' actions.

    Returns:
        The application. One process has to start its extension `monitor` and, if they are there, `key-fetcher` and
        `single-sign-on`. When the process ends, it has to close the extension `store`.
        If threads are not those of the operating system, the extension `refusals` needs a `spawn`.
    """
    code_checks.admit(settings.extra_currencies)
    app = Flask("api", static_folder=None)
    app.url_map.merge_slashes = False  # it would answer with a redirect in HTML
    pool, access = QueuePool(open_queue), Access(settings)
    app.extensions["store"] = store = StoreReader(settings.store)
    ingest_fault = ingest.add_routes(app, settings, pool, access)
    app.extensions["refusals"] = access.refusals
    trail = RequestTrail(Trail(settings.audit, settings.audit_key), access, log)
    desk = DeadLetterDesk(settings, pool, log)
    messages.add_routes(app, settings, access, pool, store, Exports(store, trail, log))
    traces.add_routes(app, Traces(settings, pool, store, desk.find))
    stats.add_routes(app, store)
    ledger.add_routes(app, settings, pool, store, trail, log)
    dead_letters.add_routes(app, settings, desk, trail, log)
    sign_on = _single_sign_on(settings, access, trail, log)
    session.add_routes(app, settings, access, trail, log, sign_on)
    provider_routes.add_routes(app, sign_on)
    openapi.add_routes(app, settings)
    checks = health_checks(settings, open_queue, store)
    if sign_on:
        app.extensions["single-sign-on"] = sign_on
        checks["provider"] = partial(check_provider, settings, sign_on.fault, sign_on.silence)
    app.extensions["monitor"] = monitor = Monitor(checks, log)
    if settings.jwt and not settings.jwt.jwks_file:
        app.extensions["key-fetcher"] = KeyFetcher(settings, log)
    audit.add_routes(app, settings, monitor)
    probes.add_routes(app, settings, access, monitor, ingest_fault)
    access.guard(app)

    @app.errorhandler(InvalidInput)
    def invalid(error: InvalidInput) -> Response:
        _count_refused(error.faults[0].code)
        return error_response(400, error.faults, more=error.more)

    @app.errorhandler(Unavailable)
    def service_unavailable(error: Unavailable) -> Response:
        log.warning("unavailable", reason=str(error))
        _count_refused("unavailable")
        if _is_post():
            detail = f"The request was not confirmed: {error}. Retry with the same Idempotency-Key to avoid duplicates."
        else:
            detail = f"The request can't be answered now: {error}."
        return unavailable_response("unavailable", detail)

    @app.errorhandler(Unconfirmed)
    def unconfirmed(error: Unconfirmed) -> Response:
        return unavailable_response("unconfirmed", f"The request can't be answered now: {error}.")

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        status = error.code or 500
        code = _CODES.get(status) or error.name.lower().replace(" ", "-")
        _count_refused(code)
        headers = {name: value for name, value in error.get_headers() if name in _ERROR_HEADERS}
        return error_response(status, [Fault(None, code, str(error.description))], headers)

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> Response:
        log.error("unhandled error", exc_info=error)
        _count_refused("internal")
        detail = "Internal error; the API's log has the cause. A posted message was not confirmed."
        return error_response(500, [Fault(None, "internal", detail)])

    return app


def _single_sign_on(settings: Settings, access: Access, trail: RequestTrail, log: BoundLogger) -> SingleSignOn | None:
    if not settings.oidc:
        return None
    from api.access.single_sign_on import SingleSignOn  # noqa: PLC0415 - its libraries take 13 MB

    return SingleSignOn(settings, access.principals, trail, log)


def _count_refused(code: str) -> None:
    """Count a message, or a whole batch, as refused. Errors of other requests aren't counted."""
    if _is_post():
        metrics.refused(code)


def _is_post() -> bool:
    """Return True if the request posts messages."""
    return request.method == "POST" and request.path in ingest.PATHS
