"""The baseline: what the same nginx and gunicorn do with a view that does nothing."""

from __future__ import annotations

from flask import Flask, Response

app = Flask("empty", static_folder=None)


@app.post("/api/message")
def message() -> Response:
    """Answer, and nothing else."""
    return Response(b"{}", 201, content_type="application/json")
