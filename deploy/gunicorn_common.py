"""What both of gunicorn's configurations have alike."""

import os

from tradewire.settings import Settings

settings = Settings.from_env(os.environ)

wsgi_app = "api.wsgi:app"
umask = 0o077
control_socket_disable = True  # supervisorctl is the way to control it

# Addresses and headers are bounded by nginx, whose refusals are in the API's form: 8 KiB for a line, 32 for all.
limit_request_line = 0
limit_request_field_size = 16 * 1024
limit_request_fields = 10_000

# Longer than nginx keeps an idle connection, so that it is never closed under a request on its way.
keepalive = 120
# Below supervisord's stopwaitsecs.
graceful_timeout = 5
timeout = 30
worker_tmp_dir = "/dev/shm"  # noqa: S108 - the heartbeat's file must not wait for a disk
