"""gunicorn's configuration for the API that takes messages; gunicorn reads this file itself."""

from deploy.gunicorn_common import (  # noqa: F401 - gunicorn takes them from here
    control_socket_disable,
    graceful_timeout,
    keepalive,
    limit_request_field_size,
    limit_request_fields,
    limit_request_line,
    settings,
    timeout,
    umask,
    worker_tmp_dir,
    wsgi_app,
)

bind = f"unix:{settings.ingest_socket}"

# Measured on 2 cores with 10 browsers, single POSTs over 16 connections: gevent accepted and showed a third more
# than sync, and half more than gthread. It keeps the connections from nginx open at no cost, and while one request
# waits for the queue the next is parsed, so that their jobs go to it together. A third worker gave nothing. The parser
# written in C (http_parser = "fast") gave a tenth more, but would have to be compiled on each machine.
worker_class = "deploy.gunicorn_worker.OnePieceWorker"
http_parser = "python"
workers = settings.api_workers
