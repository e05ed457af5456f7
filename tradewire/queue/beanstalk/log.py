"""Watches beanstalkd's statistics for signs that it does not write jobs to its log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tradewire.queue.beanstalk import faults

if TYPE_CHECKING:
    from greenstalk import Stats


class LogWatch:
    """Finds out whether beanstalkd writes new jobs to its log.

    After one error in writing its log, beanstalkd continues in memory only and still answers INSERTED (its issue
    536): it creates jobs and writes no records. This lasts until the process ends, so the fault stays until the
    process's `id` in the statistics changes.

    Args:
        max_bytes: Size of the log at which the queue is full.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._last: Stats | None = None
        self._stopped_id: str | None = None
        self.needs_probe = False
        """Fewer records were written than there were puts and deletes. Only a probe can show whether the log failed."""

    def fault(self, stats: Stats) -> str | None:
        """Return why a job that is put now would not be kept. Return None if it would.

        Args:
            stats: beanstalkd's current statistics. They are compared with those of the last call.
        """
        last, self._last = self._last, stats
        if last and last["id"] == stats["id"]:
            created = stats["total-jobs"] - last["total-jobs"]
            written = stats["binlog-records-written"] - last["binlog-records-written"]
            put = stats["cmd-put"] - last["cmd-put"]  # counts refused puts, too
            deleted = stats["cmd-delete"] - last["cmd-delete"]
            self.needs_probe = written < put + deleted
            if written < created:  # each new job is at least one record
                self._stopped_id = stats["id"]
        if stats["binlog-current-index"] == 0:
            return f"{faults.NO_LOG}, so it would lose every message when it ends"
        if stats["id"] == self._stopped_id:
            return (
                f"{faults.LOG_STOPPED} and keeps messages in memory only;"
                " let the processors drain it, repair the disk, then restart it"
            )
        if stats["draining"] == "true":
            return f"{faults.DRAINING} and accepts no new jobs"
        if self.fill(stats) > 1:
            return f"{faults.FULL}: its log is over {self._max_bytes} bytes"
        return None

    def fill(self, stats: Stats) -> float:
        """Return the log's size as a share of `max_bytes`."""
        files = stats["binlog-current-index"] - stats["binlog-oldest-index"] + 1
        return files * stats["binlog-max-size"] / self._max_bytes
