"""The baseline: what the same nginx and gunicorn do with views that do nothing."""

from __future__ import annotations

from flask import Flask, Response, request

app = Flask("empty", static_folder=None)


@app.post("/api/message")
@app.post("/api/messages")
def message() -> Response:
    """Take the body, answer, and nothing else."""
    request.get_data()
    return Response(b"{}", 201, content_type="application/json")
