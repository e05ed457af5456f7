"""gunicorn's configuration for the API program that accepts messages. gunicorn reads this file itself."""

from typing import TYPE_CHECKING

from deploy.gunicorn_common import *  # noqa: F403 - gunicorn reads these names from here
from deploy.gunicorn_common import settings

if TYPE_CHECKING:
    from deploy.gunicorn_worker import IngestWorker

bind = f"unix:{settings.ingest_socket}"

# Measured on 2 cores with 10 browsers, single POSTs over 16 connections: gevent accepted and showed a third more
# messages than sync, and half more than gthread. It keeps nginx's connections open at no cost. While one request waits
# for the queue, the next one is parsed, so their jobs reach the queue together. A third worker gained nothing. The
# worker itself reads most requests; `http_parser` is for the others.
worker_class = "deploy.gunicorn_worker.IngestWorker"
http_parser = "python"
workers = settings.api_workers


def post_worker_init(worker: "IngestWorker") -> None:
    """Let the audit trail be written in threads of the operating system: gevent can't switch while a disk is synced."""
    from gevent import get_hub  # noqa: PLC0415 - gunicorn's worker patches the standard library first

    worker.wsgi.extensions["refusals"].spawn = get_hub().threadpool.spawn
