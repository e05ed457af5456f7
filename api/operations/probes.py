"""What operators and their tools ask: is it alive, is it ready, what has it done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask, Response

from api.http.responses import RETRY_AFTER_SECONDS, json_response
from api.operations.gauges import Gauges
from tradewire import metrics

if TYPE_CHECKING:
    from api.operations.monitor import Component, Monitor
    from tradewire.settings import Settings


def add_routes(app: Flask, settings: Settings, monitor: Monitor) -> None:
    """Add the routes."""

    @app.get("/healthz")
    def healthz() -> Response:
        """Tell that the API answers, and nothing more."""
        return json_response(200, {"status": "ok"})

    @app.get("/readyz")
    def readyz() -> Response:
        """Tell whether a message posted now would be kept (200, else 503), and how each component stands."""
        report = monitor.report()
        body = {
            "status": report.status,
            "components": {name: _shown(component) for name, component in report.components.items()},
        }
        if report.status == "not-ready":
            return json_response(503, body, {"Retry-After": str(RETRY_AFTER_SECONDS)})
        return json_response(200, body)

    @app.get("/metrics")
    def shown_metrics() -> Response:
        """Give Prometheus's page for the whole stack."""
        page = metrics.page(settings.metrics, Gauges(monitor))
        return Response(page, content_type=metrics.CONTENT_TYPE)


def _shown(component: Component) -> dict[str, object]:
    detail = {"detail": component.detail} if component.detail else {}
    return {"status": component.status, **detail, **component.facts}
