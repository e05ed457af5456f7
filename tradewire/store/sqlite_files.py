"""The files of a SQLite database: the database, its write-ahead log (`-wal`) and the log's index (`-shm`).

Connections open these files by name and then work with what they have open. If the log or its index is removed
meanwhile, transactions still succeed, but they are in a file without a name, which is gone when the last process that
has it open ends. A connection that is opened now would not see them.

So all programs close the database when a file is missing or was replaced. The writer moves the log's content into the
database, removes the file that replaced it, and is the last to close. If it was killed, SQLite does the former when the
last connection closes. So readers keep the old log until the writer had time to notice. SQLite takes no connection for
the last if two close at once, or if a program looks at that moment whether the database is in use. So these take turns.
Until all have closed, a missing file keeps others from opening the database anew. A log that has replaced it, such as a
copy, would hide newer pages of the database; and the process that closes the database last would move that log into it.

If the log is cut while it is in use, transactions go on behind a hole in it, and the hole damages the database when it
is moved there. So the writer, which knows how long the log was, stops and removes the index: then all connections are
closed in the same way, and the next connection finds the rest of the log.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from tradewire.claimed_file import give_to_owner_of
from tradewire.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PATIENCE_SECONDS: Final = 0.5
"""Time to wait for a process that opens or closes the database at this moment."""
_PAUSE_SECONDS: Final = 0.02
WRITER_SECONDS: Final = 3
"""Time in which the writer notices that a file is missing, and moves the log's content. It looks every second."""
_TURN_PAUSE_SECONDS: Final = 0.001
_TURN_SECONDS: Final = 5
"""Time to wait for a turn to close the database: another process may move a large log, or be frozen."""


class _Connection(sqlite3.Connection):
    """A connection that closes while no other does."""

    files: SqliteFiles

    def close(self) -> None:
        """Close. The last connection moves the log's content into the database."""
        with self.files.turn(_TURN_SECONDS):
            super().close()


class SqliteFiles:
    """The files of one database, as one engine's connections have them open. Threads may share it.

    Args:
        path: The database. The other files are beside it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.log, self._index, self._lock = (path.with_name(path.name + suffix) for suffix in ("-wal", "-shm", "-lock"))
        self._opened: tuple[int | None, ...] | None = None
        self._missed_at: float | None = None
        """When a file was first missed, in seconds of the monotonic clock."""
        self._written_bytes = 0
        """The size of the log when the writer wrote to it last."""

    def connect(self, mode: str, timeout_seconds: float) -> sqlite3.Connection:
        """Open a connection in autocommit mode.

        Args:
            mode: `rwc` to create a missing database, else `rw`.
            timeout_seconds: Time to wait for a lock.

        Raises:
            StoreUnavailable: The log or its index was removed, and others still have it open.
        """
        self._wait_for_log()
        connection = sqlite3.connect(
            f"file:{quote(str(self.path))}?mode={mode}",
            uri=True,
            timeout=timeout_seconds,
            isolation_level=None,
            check_same_thread=False,
            factory=_Connection,
        )
        connection.files = self
        return connection

    @contextmanager
    def turn(self, seconds: float) -> Iterator[bool]:
        """Wait for a turn to close the database, or to look whether it is in use. No other process does so meanwhile.

        Yield whether the turn has come.

        Args:
            seconds: How long to wait for it.
        """
        try:
            lock = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError:  # the disk is full or read-only, and nobody can wait
            yield True
            return
        try:
            give_to_owner_of(self._lock.parent, lock)
            yield _is_locked(lock, time.monotonic() + seconds)
        finally:
            os.close(lock)

    def remember(self) -> None:
        """Remember the files that connections have open. Call it when a connection has read from the database."""
        if self._opened is None:
            self._opened = self._inodes()

    def forget(self) -> None:
        """Forget the files. Call it when all connections are closed."""
        self._opened, self._missed_at, self._written_bytes = None, None, 0

    def wrote(self) -> None:
        """Remember the size of the log. Call it after each transaction of the only writer."""
        self._written_bytes = self.log_bytes()

    def is_cut(self) -> bool:
        """Return whether the log is still the one that was opened, but shorter than the writer has left it."""
        is_opened = self._opened is not None and self._opened[1] == _inode(self.log)
        return is_opened and self.log_bytes() < self._written_bytes

    def remove_replacements(self) -> None:
        """Remove a log and an index that are not the ones that connections have open."""
        opened = self._opened or (None, None, None)
        for path, inode in zip((self.log, self._index), opened[1:], strict=True):
            if inode != _inode(path):
                path.unlink(missing_ok=True)

    def remove_index(self) -> None:
        """Make all programs close the database."""
        self._index.unlink(missing_ok=True)

    def fault(self) -> str | None:
        """Say which of the files that connections have open is not in its place any more. None if all are."""
        opened = self._opened
        if opened is None:
            return None
        for path, inode, now in zip([self.path, self.log, self._index], opened, self._inodes(), strict=True):
            if inode is None or inode != now:
                return f"{path} was {'removed' if now is None else 'replaced by another file'} while it was in use"
        return f"{self.log} was cut while it was in use" if self.is_cut() else None

    def awaits_writer(self) -> bool:
        """Return whether to keep the files for the writer, which may be about to move the log. Call it at a fault."""
        if self._missed_at is None:
            self._missed_at = time.monotonic()
        return not self.is_moved() and time.monotonic() - self._missed_at < WRITER_SECONDS

    def is_moved(self) -> bool:
        """Return whether connections have another database open than the one that has its name."""
        return self._opened is not None and self._opened[0] != _inode(self.path)

    def log_bytes(self) -> int:
        """Return the size of the log; 0 without a log."""
        try:
            return self.log.stat().st_size
        except FileNotFoundError:
            return 0

    def _inodes(self) -> tuple[int | None, ...]:
        return tuple(map(_inode, [self.path, self.log, self._index]))

    def _wait_for_log(self) -> None:
        """Wait until the log and its index are there, or no process has the database open.

        Raises:
            StoreUnavailable: Others have the database open with a log that has no name any more.
        """
        end = time.monotonic() + _PATIENCE_SECONDS
        while (
            missing := next((path for path in (self.log, self._index) if not path.exists()), None)
        ) and self._is_in_use():
            if time.monotonic() > end:
                raise StoreUnavailable(
                    f"{missing} is missing, but a program has the database open: the file was removed while it was in"
                    " use, or the program has locked the database; waiting until every program has closed it"
                )
            time.sleep(_PAUSE_SECONDS)

    def _is_in_use(self) -> bool:
        """Return whether another connection, of any process, has the database open: try to lock it for this one alone.

        Any other error is left to the connection that is opened next.
        """
        if not self.path.exists():
            return False
        with self.turn(_PATIENCE_SECONDS) as has_come:
            if not has_come:
                return True
            try:
                uri = f"file:{quote(str(self.path))}?mode=rw"
                with closing(sqlite3.connect(uri, uri=True, timeout=0)) as connection:
                    connection.execute("PRAGMA locking_mode=EXCLUSIVE")
                    connection.execute("SELECT count(*) FROM sqlite_master")
            except sqlite3.Error as error:
                return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
        return False


def _is_locked(lock: int, end: float) -> bool:
    """Lock an open file until it is closed. Return False if another process has it locked until a time."""
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                return False
            time.sleep(_TURN_PAUSE_SECONDS)
        else:
            return True


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return None
