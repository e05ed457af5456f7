"""The content of a file that other programs replace. Most looks at it cost no system call."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from tradewire.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LOOK_SECONDS: Final = 1.0
"""How often the file is looked at, while its content is asked for."""

_T = TypeVar("_T")


class WatchedFile(Generic[_T]):
    """A file's content, as old as LOOK_SECONDS at most. Threads may share it.

    Args:
        path: The file. It need not exist.
        read: Reads it. Raises Unavailable if that is impossible.
    """

    def __init__(self, path: Path, read: Callable[[Path], _T]) -> None:
        self.path = path
        self._read = read
        self._look_at = float("-inf")
        """When to look at the file again, on the monotonic clock."""
        self._version: tuple[int, ...] | None = None
        """Of the file that was read last: every replaced file has another one."""
        self._content: _T
        self._fault = ""

    def content(self) -> _T:
        """Return the content. Raises Unavailable if the file can't be read."""
        if time.monotonic() >= self._look_at:
            self.look()
        if self._fault:
            raise Unavailable(self._fault)
        return self._content

    def look(self) -> None:
        """Read the file if it is another one than before."""
        try:
            version = version_of(self.path)
            if version is None or version != self._version:
                self._content = self._read(self.path)
                self._version = version
            self._fault = ""
        except Unavailable as error:
            self._version, self._fault = None, str(error)
        self._look_at = time.monotonic() + LOOK_SECONDS  # last: until now, other threads look, too


def version_of(path: Path) -> tuple[int, ...] | None:
    """Return what differs if a file was replaced or changed; None if there is no file, or if it can't be looked at."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size
