"""What operators and their tools ask: is it alive, is it ready."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from api.answers import RETRY_AFTER_SECONDS, answer
from tradewire import feed
from tradewire.errors import FeedUnavailable, QueueUnavailable
from tradewire.queue import TUBES

if TYPE_CHECKING:
    from flask import Flask, Response

    from api.pool import QueuePool
    from tradewire.queue import Queue
    from tradewire.settings import Settings

Part = dict[str, Any]


def add_routes(app: Flask, settings: Settings, pool: QueuePool) -> None:
    """Add the routes."""

    @app.get("/healthz")
    def healthz() -> Response:
        """Tell that the API answers, and nothing more."""
        return answer(200, {"status": "OK"})

    @app.get("/readyz")
    def readyz() -> Response:
        """Tell whether a message posted now would be kept (200, else 503), and how each part stands.

        `degraded` is ready all the same: messages are kept, and wait until what is missing is back.
        """
        with pool.lend() as queue:
            parts = {"queue": _queue(queue), "wsserver": _wsserver(settings)}
        if parts["queue"]["status"] != "OK":
            headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
            return answer(503, {"status": "not ready", "parts": parts}, headers)
        parts["processors"] = _processors(parts["queue"]["tubes"])
        degraded = any(part["status"] != "OK" for part in parts.values())
        return answer(200, {"status": "degraded" if degraded else "ready", "parts": parts})


def _queue(queue: Queue) -> Part:
    try:
        queue.check()
        tubes = {tube: queue.counts(tube)._asdict() for tube in TUBES}
    except QueueUnavailable as error:
        return {"status": "unavailable", "detail": str(error)}
    return {"status": "OK", "tubes": tubes}


def _wsserver(settings: Settings) -> Part:
    try:
        health = feed.health(settings.worker_socket)
    except FeedUnavailable as error:
        return {"status": "unavailable", "detail": f"{error}; messages wait in the queue"}
    return {"status": "OK", "browsers": health.browsers, "lagging": health.lagging}


def _processors(tubes: dict[str, dict[str, int]]) -> Part:
    watching = {tube: counts["consumers"] for tube, counts in tubes.items()}
    unwatched = [tube for tube, consumers in watching.items() if not consumers]
    if unwatched:
        detail = f"no processor watches {', '.join(unwatched)}; messages wait in the queue"
        return {"status": "unavailable", "detail": detail}
    return {"status": "OK", "watching": watching}
