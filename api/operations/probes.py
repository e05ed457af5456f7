"""GET /healthz, /readyz and /metrics, for operators and their tools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from flask import Flask, Response, request
from msgspec import Meta

from api.http.responses import RETRY_AFTER_SECONDS, json_response
from api.operations.gauges import Gauges
from tradewire import metrics
from tradewire.access.key import Role

if TYPE_CHECKING:
    from collections.abc import Callable

    from api.http.auth import Access
    from api.operations.monitor import Monitor
    from api.operations.readiness import Component, HealthReport
    from tradewire.settings import Settings


class Health(msgspec.Struct, omit_defaults=True):
    """The health of the process that answers."""

    status: Literal["ok"]
    fault: Annotated[str, Meta(description="Why messages are refused, if they are for a reason of this process.")] = ""


def add_routes(
    app: Flask, settings: Settings, access: Access, monitor: Monitor, ingest_fault: Callable[[], str]
) -> None:
    """Add the routes.

    Args:
        app: The application.
        settings: The stack's settings.
        access: Tells whether a request may see the components.
        monitor: Reports on all components.
        ingest_fault: Tells why this process can record no request. Empty if it can.
    """

    @app.get("/healthz")
    def healthz() -> Response:
        """Answer 200 if the API itself runs, even if it has to refuse messages. No other component is checked."""
        return json_response(200, Health("ok", ingest_fault()))

    @app.get("/readyz")
    def readyz() -> Response:
        """Answer 200 if a message posted now would be accepted, else 503; a monitor sees each component's health."""
        report = monitor.report()
        if not access.may(request.environ, Role.MONITOR):
            return _readiness_response(report, {})
        components = {name: _component_body(component) for name, component in report.components.items()}
        return _readiness_response(report, {"components": components})

    @app.get("/readyz/status")
    def readyz_status() -> Response:
        """Answer as /readyz, but without the components. nginx asks for this if it does not know the request's host."""
        return _readiness_response(monitor.report(), {})

    @app.get("/metrics")
    def metrics_page() -> Response:
        """Return the metrics of the whole stack in Prometheus's format."""
        return Response(metrics.page(settings.metrics, Gauges(monitor)), content_type=metrics.CONTENT_TYPE)


def _readiness_response(report: HealthReport, details: dict[str, object]) -> Response:
    body = {"status": report.overall_status, **details}
    if report.overall_status == "not-ready":
        return json_response(503, body, {"Retry-After": str(RETRY_AFTER_SECONDS)})
    return json_response(200, body)


def _component_body(component: Component) -> dict[str, object]:
    detail = {"detail": component.detail} if component.detail else {}
    return {"status": component.status, **detail, **component.facts}
