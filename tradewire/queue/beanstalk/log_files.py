"""Watches the files of beanstalkd's log, which others may delete or cut."""

from __future__ import annotations

from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from greenstalk import Stats


class LogFiles:
    """The files of the log of a beanstalkd on this host.

    beanstalkd goes on writing to a file that has been deleted, and says nothing. All its jobs would be lost when it
    ends. Its process tells which folder it writes to (`-b`). A process of another user tells nothing; its files are
    not watched then.
    """

    def __init__(self) -> None:
        self._pid = 0
        self._folder: Path | None = None

    def lack_one(self, stats: Stats) -> bool:
        """Return True if a file that may hold jobs is missing, or if the present one is cut.

        Args:
            stats: beanstalkd's statistics.
        """
        older = range(stats["binlog-oldest-index"], stats["binlog-current-index"])
        return not (self.has_current(stats) and all(self._size(stats, number) is not None for number in older))

    def has_current(self, stats: Stats) -> bool:
        """Return True if the file that is written now is there, with the space that beanstalkd has reserved for it."""
        size = self._size(stats, stats["binlog-current-index"])
        return size is not None and size >= stats["binlog-max-size"]

    def _size(self, stats: Stats, number: int) -> float | None:
        """Return the size of a file in bytes. Return None if it is missing, and infinity if that can't be known."""
        if stats["pid"] != self._pid:
            self._pid, self._folder = stats["pid"], _log_folder(stats["pid"])
        if self._folder is None:
            return inf
        try:
            return (self._folder / f"binlog.{number}").stat().st_size
        except FileNotFoundError:
            return None if Path(f"/proc/{self._pid}").exists() else inf  # it has ended meanwhile
        except OSError:
            return inf


def _log_folder(pid: int) -> Path | None:
    """Return the folder of a beanstalkd's log as the process sees it."""
    try:
        arguments = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
        folder = arguments[arguments.index("-b") + 1]
        view = Path(f"/proc/{pid}/root" if folder.startswith("/") else f"/proc/{pid}/cwd")
        view.stat()  # another user's process does not show it
    except (OSError, ValueError, IndexError):
        return None
    return view / folder.lstrip("/")
