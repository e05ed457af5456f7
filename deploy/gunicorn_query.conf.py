"""gunicorn's configuration for the API program that answers queries. gunicorn reads this file itself."""

from typing import TYPE_CHECKING

from deploy.gunicorn_common import *  # noqa: F403 - gunicorn reads these names from here
from deploy.gunicorn_common import settings

if TYPE_CHECKING:
    from gunicorn.arbiter import Arbiter
    from gunicorn.workers.gthread import ThreadWorker

bind = f"unix:{settings.query_socket}"

# gthread, because the database drivers block where gevent can't switch. A single process, so that caches exist once.
# More threads than the store has connections for readers: some are left for the probes while the store is frozen.
worker_class = "deploy.gunicorn_query_worker.QueryWorker"
workers = 1
threads = 16


def post_worker_init(worker: "ThreadWorker") -> None:
    """Start what runs in threads of its own. This program is a single process, and its work delays no message."""
    for name in ("monitor", "key-fetcher", "single-sign-on"):
        if name in worker.wsgi.extensions:
            worker.wsgi.extensions[name].start()


def worker_exit(_server: "Arbiter", worker: "ThreadWorker") -> None:
    """Close the connections to the archive."""
    if worker.wsgi:  # it is None if the application could not be loaded
        worker.wsgi.extensions["store"].close()
