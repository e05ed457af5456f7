"""Watches whether beanstalkd writes the jobs that it takes to its log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import greenstalk

from tradewire.queue.beanstalk import faults

if TYPE_CHECKING:
    from greenstalk import Stats

    from tradewire.queue.beanstalk.connection import Connection
    from tradewire.queue.beanstalk.log_files import LogFiles


LOG_STOPPED: Final = (
    f"{faults.LOG_STOPPED} and keeps messages in memory only, until it is restarted;"
    " the keeper restarts the stack's own when its disk takes writes again"
)
_VANISHED: Final = f"{faults.LOG_VANISHED}; the keeper writes its jobs to new files"


class LogWatch:
    """Finds out whether beanstalkd writes new jobs to its log.

    After one error in writing its log, beanstalkd continues in memory only and still answers INSERTED (its issue
    536): it creates jobs and writes no records. This lasts until the process ends, so the fault stays until the
    process's `id` in the statistics changes.

    While it writes, each put and each delete is one record. So if there were as many records as puts and deletes
    between two statistics, every job that was put between them is in the log. There are fewer if a put was refused, or
    if a job to delete did not exist. Then only a probe can show whether the log failed.

    Args:
        max_bytes: Size of the log at which the queue is full.
        files: The log's files; None if beanstalkd runs on another host.
    """

    def __init__(self, max_bytes: int, files: LogFiles | None) -> None:
        self._max_bytes = max_bytes
        self._files = files
        self._last: Stats | None = None
        self._stopped_id: str | None = None
        self._is_unsure = True
        """Whether only a probe can show that the log is written."""

    def doubt(self) -> None:
        """Probe the next time: beanstalkd may accept a job without writing it after it has refused one."""
        self._is_unsure = True

    def fault(self, connection: Connection) -> str | None:
        """Return why a job that is put now would not be kept. Return None if it would."""
        stats = connection.stats()
        self._observe(stats)
        if stats["binlog-current-index"] == 0:
            return f"{faults.NO_LOG}, so it would lose every message when it ends"
        if stats["draining"] == "true":
            return f"{faults.DRAINING} and accepts no new jobs"
        if self.fill(stats) > 1:
            return f"{faults.FULL}: its log is over {self._max_bytes} bytes"
        fault = self.unwritten(connection, stats)
        if not fault and self._files and self._files.lack_one(connection, stats):
            return _VANISHED
        return fault

    def unwritten(self, connection: Connection, stats: Stats) -> str | None:
        """Return why a job that was put before may not be in the log. Return None if all of them are.

        Args:
            connection: For a probe.
            stats: beanstalkd's statistics after the jobs were put.
        """
        if self._is_stopped(connection, stats):
            return LOG_STOPPED
        if self._files and self._files.lack_current(connection, stats):
            return _VANISHED
        return None

    def has_stopped(self, connection: Connection) -> bool:
        """Return whether beanstalkd has stopped writing its log. This works on a full disk, too.

        Args:
            connection: For statistics and a probe.
        """
        try:
            return self._is_stopped(connection, connection.stats())
        except (greenstalk.OutOfMemoryError, greenstalk.DrainingError):
            return False  # without its log, beanstalkd would not refuse a probe for lack of space

    def _is_stopped(self, connection: Connection, stats: Stats) -> bool:
        self._observe(stats)
        if self._is_unsure and stats["id"] != self._stopped_id:
            connection.probe()
            self._observe(connection.stats())
            self._is_unsure = False  # the probe was written, or the log has stopped
        return stats["id"] == self._stopped_id

    def fill(self, stats: Stats) -> float:
        """Return the log's size as a share of `max_bytes`."""
        files = stats["binlog-current-index"] - stats["binlog-oldest-index"] + 1
        return files * stats["binlog-max-size"] / self._max_bytes

    def _observe(self, stats: Stats) -> None:
        """Compare statistics with the last ones."""
        server, last = stats["id"], self._last
        if last is None or last["id"] != server:
            self._last, self._is_unsure = stats, True
            return
        # A job that beanstalkd moves to a newer file is a record, too.
        written = _growth("binlog-records-written", last, stats) - _growth("binlog-records-migrated", last, stats)
        if written < _growth("total-jobs", last, stats):
            self._stopped_id = server
        elif written < _growth("cmd-put", last, stats) + _growth("cmd-delete", last, stats):
            self._is_unsure = True
        self._last = stats


def _growth(name: str, last: Stats, stats: Stats) -> int:
    return stats[name] - last[name]  # type: ignore[literal-required,no-any-return] # the names above are numbers
