"""The engine for beanstalkd, with greenstalk as its client. It is the default."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tradewire.queue.beanstalk import faults
from tradewire.queue.engine import Engine
from tradewire.setting import BadUrl

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tradewire.queue import Queue


class BeanstalkEngine(Engine):
    """beanstalkd: on a unix socket or a TCP port, run by the stack or by someone else."""

    url_forms = "beanstalk://HOST:PORT or beanstalk:///PATH/TO/SOCKET"
    storage = "beanstalkd's log"
    faults = faults.ALL

    def check_url(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.path.startswith("/") == bool(parts.netloc):
            raise BadUrl(f"expected {self.url_forms}")
        if "@" in parts.netloc:
            raise BadUrl("beanstalkd knows no users and passwords")
        if parts.netloc and not (parts.hostname and parts.port):  # .port itself raises ValueError if out of range
            raise BadUrl("a host and a port are required")

    def open(self, url: str, max_bytes: int, folder: Path) -> Queue:
        from tradewire.queue.beanstalk.queue import BeanstalkQueue  # noqa: PLC0415 - it imports greenstalk

        return BeanstalkQueue(url, max_bytes, folder)

    def own_url(self, home: Path) -> str:
        return f"beanstalk://{home}/sock/beanstalkd.sock"

    def own_log(self, home: Path) -> Iterator[tuple[str, bytes]]:
        from tradewire.queue.beanstalk import log_copy  # noqa: PLC0415 - the same

        return log_copy.read(home / "queue", home / "sock/beanstalkd.sock")
