"""Watches the files of beanstalkd's log, which others may delete or cut."""

from __future__ import annotations

import os
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from greenstalk import Stats

    from tradewire.queue.beanstalk.connection import Connection


class LogFiles:
    """The files of the log of a beanstalkd on this host.

    beanstalkd goes on writing to a file that has been deleted, and says nothing. All its jobs would be lost when it
    ends. Its process tells which folder it writes to (`-b`). A process of another user tells nothing; its files are
    not watched then.
    """

    def __init__(self) -> None:
        self._pid = 0
        self._folder: str | None = None
        self._sizes: dict[int, float] = {}
        """The sizes of the older files, as `have_cut` has seen them."""

    def lack_one(self, connection: Connection, stats: Stats) -> bool:
        """Return True if a file that may hold jobs is missing, or if the present one is cut.

        Args:
            connection: A connection to beanstalkd.
            stats: Its statistics, just received.
        """
        return self._is_damaged(connection, stats, stats["binlog-oldest-index"])

    def lack_current(self, connection: Connection, stats: Stats) -> bool:
        """Return True if the file that is written now is missing or cut. This is quicker than `lack_one`.

        Args:
            connection: A connection to beanstalkd.
            stats: The same as for `lack_one`.
        """
        return self._is_damaged(connection, stats, stats["binlog-current-index"])

    def have_cut(self, stats: Stats) -> bool:
        """Return True if an older file is shorter than at an earlier call. beanstalkd only deletes these files.

        Args:
            stats: The same as for `lack_one`.
        """
        older = range(stats["binlog-oldest-index"], stats["binlog-current-index"])
        found = {number: size for number in older if (size := self._size(stats, number)) is not None}
        self._sizes = {number: max(size, self._sizes.get(number, 0)) for number, size in found.items()}
        return found != self._sizes

    def have_vanished(self, stats: Stats) -> bool:
        """Return True if a file that may hold jobs is missing. beanstalkd cuts the present one when its log stops.

        Args:
            stats: The same as for `lack_one`.
        """
        oldest = stats["binlog-oldest-index"]  # 0: none is left
        numbers = range(oldest, stats["binlog-current-index"] + 1) if oldest else ()
        return any(self._size(stats, number) is None for number in numbers)

    def folder(self, stats: Stats) -> str | None:
        """Return the log's folder as this process can open it. Return None if beanstalkd runs as another user.

        Args:
            stats: The same as for `lack_one`.
        """
        if stats["pid"] != self._pid:
            self._pid, self._folder, self._sizes = stats["pid"], _log_folder(stats["pid"]), {}
        return self._folder

    def _is_damaged(self, connection: Connection, stats: Stats, first: int) -> bool:
        suspects = [number for number in range(first, stats["binlog-current-index"] + 1) if self._seems(stats, number)]
        if not suspects:
            return False
        # beanstalkd itself deletes the oldest files, and shortens a file when it begins the next one. If it has done so
        # since it made these statistics, newer ones show it.
        now = connection.stats()
        return any(number >= now["binlog-oldest-index"] and self._seems(now, number) for number in suspects)

    def _seems(self, stats: Stats, number: int) -> bool:
        """Return True if a file seems to be missing or cut. The present one has the size that was reserved for it."""
        size = self._size(stats, number)
        return size is None or (number == stats["binlog-current-index"] and size < stats["binlog-max-size"])

    def _size(self, stats: Stats, number: int) -> float | None:
        """Return the size of a file in bytes. Return None if it is missing, and infinity if that can't be known."""
        folder = self.folder(stats)
        if folder is None:
            return inf
        try:
            # pathlib takes four times as long, and a keeper does this every second for each file.
            return os.stat(f"{folder}/binlog.{number}").st_size  # noqa: PTH116
        except FileNotFoundError:
            return None if Path(f"/proc/{self._pid}").exists() else inf  # it has ended meanwhile
        except OSError:
            return inf


def _log_folder(pid: int) -> str | None:
    """Return the folder of a beanstalkd's log as the process sees it."""
    try:
        arguments = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
        folder = arguments[arguments.index("-b") + 1]
        view = Path(f"/proc/{pid}/root" if folder.startswith("/") else f"/proc/{pid}/cwd")
        view.stat()  # another user's process does not show it
    except (OSError, ValueError, IndexError):
        return None
    return str(view / folder.lstrip("/"))
