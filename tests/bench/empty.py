"""A baseline for the API: views that do nothing, behind the same nginx and gunicorn."""

from __future__ import annotations

from types import SimpleNamespace

from flask import Flask, Response, request

app = Flask("empty", static_folder=None)
app.extensions["refusals"] = SimpleNamespace()  # gunicorn's configuration sets its thread


@app.post("/api/message")
@app.post("/api/messages")
def message() -> Response:
    """Read the body and answer 201."""
    request.get_data()
    return Response(b"{}", 201, content_type="application/json")
