"""Configuration that both of gunicorn's configuration files share."""

import os
from typing import TYPE_CHECKING

from tradewire.settings import Settings
from tradewire.version import VERSION

if TYPE_CHECKING:
    from gunicorn.arbiter import Arbiter

settings = Settings.from_env(os.environ)

wsgi_app = "api.wsgi:app"
umask = 0o077
control_socket_disable = True  # supervisorctl controls gunicorn

# nginx limits the request line (8 KiB) and the headers (32 KiB), and refuses larger ones in the API's error format.
limit_request_line = 0
limit_request_field_size = 16 * 1024
limit_request_fields = 10_000

# Longer than nginx keeps an idle connection. Otherwise gunicorn could close one just as nginx sends a request on it.
keepalive = 120
# Shorter than supervisord's stopwaitsecs.
graceful_timeout = 5
timeout = 30
worker_tmp_dir = "/dev/shm"  # noqa: S108 - the heartbeat file must not wait for a disk


def on_starting(server: "Arbiter") -> None:
    """Let the log begin with the version."""
    server.log.info("Tradewire %s", VERSION)
