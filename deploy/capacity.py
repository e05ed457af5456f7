"""How many connections nginx needs, and how many workers it takes to provide them."""

from __future__ import annotations

import resource
import sys
from typing import NamedTuple

OTHER_FILES = 128
"""Files a process has open besides connections: logs, listeners, files of the page."""


class NginxCapacity(NamedTuple):
    """nginx's number of workers, and the connections that each can have."""

    workers: int
    connections: int

    @property
    def files(self) -> int:
        """The number of files that a worker must be able to open."""
        return self.connections + OTHER_FILES


def nginx_capacity(clients: int, allowed_files: int) -> NginxCapacity:
    """Share the connections among as few workers as the limit of open files allows.

    Each client has a connection and one on to the API or to wsserver. Slow posts have no second connection yet, and
    leave theirs to readers.

    Each worker needs some free connections. With less than a sixteenth of them free, it closes connections that have
    not sent a request yet. With less than an eighth free, it leaves new connections to the other workers.

    Args:
        clients: Browsers, and posts under way.
        allowed_files: The limit of open files of a process.
    """
    needed = 2 * clients * 16 // 15 + 1
    allowed = allowed_files - OTHER_FILES
    if needed <= allowed:
        return NginxCapacity(1, needed)
    return NginxCapacity(-(-needed * 8 // (allowed * 7)), allowed)


def raise_file_limit(clients: int) -> int:
    """Raise the hard limit of open files to the need of a single nginx worker, if possible. Return the limit.

    Only root can raise it. supervisord inherits it, and raises its own soft limit as far as needed.
    """
    wanted = nginx_capacity(clients, sys.maxsize).files
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if wanted > hard != resource.RLIM_INFINITY:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, wanted))
        except (ValueError, OSError):
            return hard
    return max(wanted, hard)
