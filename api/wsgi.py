"""The entry point for gunicorn: `api.wsgi:app`. It connects to nothing before the first request."""

from __future__ import annotations

import os
from functools import partial

from api.app import create_app
from api.http.request_id import log_context
from tradewire import metrics
from tradewire.logging import setup
from tradewire.queue.factory import open_queue
from tradewire.settings import Settings

_settings = Settings.from_env(os.environ)
_log = setup("api", log_context)
if not metrics.start(os.environ.get(metrics.FOLDER_VARIABLE), _settings.tubes):
    _log.warning("no disk space for metrics; /metrics does not include this process")
app = create_app(_settings, partial(open_queue, _settings.queue, _settings.queue_max_bytes, _settings.counters), _log)
