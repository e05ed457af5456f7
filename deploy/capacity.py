"""How many connections nginx must be able to have, and how many workers it takes to have them."""

from __future__ import annotations

from typing import NamedTuple

OTHER_CONNECTIONS = 1024
"""nginx's connections besides the browsers': to producers, and on to the API."""
OTHER_FILES = 128
"""What a process has open besides connections: logs, listeners, files of the page."""


class NginxCapacity(NamedTuple):
    """How many workers nginx has, and how many connections each of them can have."""

    workers: int
    connections: int

    @property
    def files(self) -> int:
        """How many files a worker must be able to have open."""
        return self.connections + OTHER_FILES


def nginx_capacity(max_browsers: int, allowed_files: int) -> NginxCapacity:
    """Share the connections that nginx must be able to have among as few workers as a process's open files allow.

    With less than a sixteenth of its connections left, a worker closes those that have not yet asked for anything;
    with less than an eighth, it leaves new ones to the others.
    """
    needed = (2 * max_browsers + OTHER_CONNECTIONS) * 16 // 15 + 1
    allowed = allowed_files - OTHER_FILES
    if needed <= allowed:
        return NginxCapacity(1, needed)
    return NginxCapacity(-(-needed * 8 // (allowed * 7)), allowed)
