"""gunicorn's threaded worker, changed to refuse in the API's format."""

from gunicorn.workers.gthread import ThreadWorker

from deploy.gunicorn_errors import JsonErrors


class QueryWorker(JsonErrors, ThreadWorker):  # type: ignore[misc] # gunicorn has no types
    """The worker of the API program that answers queries."""
