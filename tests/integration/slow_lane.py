"""The API without its fast lane: Flask answers every request. Tests run gunicorn with it."""

from __future__ import annotations

from api.ingest.fast_lane import FastLane
from api.wsgi import app

assert isinstance(app.wsgi_app, FastLane)
app.wsgi_app = app.wsgi_app.slow_lane  # type: ignore[assignment, method-assign] # as Flask documents
