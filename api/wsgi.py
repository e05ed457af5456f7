"""The entry point for gunicorn: `api.wsgi:app`. It connects to nothing before the first request."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from api.app import create_app
from api.http.request_id import log_context
from tradewire import metrics
from tradewire.logging import setup
from tradewire.queue.beanstalk import BeanstalkQueue
from tradewire.settings import Settings

if TYPE_CHECKING:
    from tradewire.queue import Queue

_settings = Settings.from_env(os.environ)


def _open_queue() -> Queue:
    return BeanstalkQueue(_settings.queue, _settings.queue_max_bytes)


_log = setup("api", log_context)
if not metrics.start(os.environ.get(metrics.FOLDER_VARIABLE)):
    _log.warning("no disk space for metrics; /metrics does not include this process")
app = create_app(_settings, _open_queue, _log)
