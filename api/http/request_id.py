"""The id that nginx gives each request, for the log."""

from __future__ import annotations

from flask import has_request_context, request


def log_context() -> dict[str, str]:
    """Return the log fields of the current request: its id, which nginx also sends to the client."""
    request_id = request.headers.get("X-Request-ID") if has_request_context() else None
    return {"request_id": request_id} if request_id else {}
