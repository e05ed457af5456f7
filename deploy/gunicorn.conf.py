"""gunicorn's configuration; gunicorn reads this file itself."""

import os

from tradewire.settings import Settings

_settings = Settings.from_env(os.environ)

wsgi_app = "api.wsgi:app"
bind = f"unix:{_settings.api_socket}"
umask = 0o077
control_socket_disable = True  # supervisorctl is the way to control it

# Measured on 2 cores with 10 browsers, single POSTs over 16 connections: gevent accepted and showed a third more
# than sync, and half more than gthread. It keeps the connections from nginx open at no cost, and while one request
# waits for the queue the next is parsed. A third worker gave nothing. The parser written in C (http_parser =
# "fast") gave a tenth more, but would have to be compiled on each machine.
worker_class = "gevent"
http_parser = "python"
workers = _settings.api_workers

# Longer than nginx keeps an idle connection, so that it is never closed under a POST on its way.
keepalive = 120
# Below supervisord's stopwaitsecs.
graceful_timeout = 5
timeout = 30
worker_tmp_dir = "/dev/shm"  # noqa: S108 - the heartbeat's file must not wait for a disk
