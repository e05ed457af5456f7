"""The stack's own beanstalkd: its command, and a way to use its queue while the stack is down."""

from __future__ import annotations

import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from deploy.checkout import PYTHON, ROOT, supervise_command
from deploy.console import Failure
from deploy.privileges import rights_of_owner
from deploy.stack import RECORDS
from tradewire import unix_socket
from tradewire.limits import MAX_JOB_BYTES
from tradewire.queue.dead_letter import HEADER_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tradewire.settings import Settings

_START_SECONDS = 60
"""A long log takes seconds to read."""
_STOP_SECONDS = 10
_POLL_SECONDS = 0.05


def command(settings: Settings) -> list[str]:
    """Return the command that runs beanstalkd in the stack's home. On a full disk, it starts from its reserve."""
    size = MAX_JOB_BYTES + HEADER_BYTES  # a dead letter carries its reason
    socket = "unix:sock/beanstalkd.sock"
    room = [str(PYTHON), "-IS", str(ROOT / "deploy/queue_room.py")]
    return [*room, "beanstalkd", "-l", socket, "-b", "queue", "-f", str(settings.queue_fsync_ms), "-z", str(size)]


@contextmanager
def serve(settings: Settings) -> Iterator[None]:
    """Run beanstalkd during a block, if the stack has its own. The stack must be down, and its home locked."""
    if not settings.own_queue:
        yield
        return
    record = f"{RECORDS}/beanstalkd.pid-record"  # so that deploy/up finds it, should this process be killed
    with subprocess.Popen(
        [*supervise_command(), record, *command(settings)],
        cwd=settings.home,
        stdin=subprocess.DEVNULL,
        **rights_of_owner(settings.home / "sock"),
    ) as process:
        try:
            _wait_until_ready(settings, process)
            yield
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_until_ready(settings: Settings, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            unix_socket.connect(urlsplit(settings.queue).path, _START_SECONDS).close()
        except OSError:
            time.sleep(_POLL_SECONDS)
        else:
            return
    raise Failure("beanstalkd, started to look at the queue, does not answer", "See the lines above.")
