"""Whether beanstalkd keeps what it is given: what its figures say of its log."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from greenstalk import Stats


class LogWatch:
    """Finds out whether what is put is written to the log.

    After one error in writing its log beanstalkd goes on in memory alone and still says INSERTED (its issue
    536): jobs are created and no record is written. That ends only with the process, so it is held against
    the process's own `id`.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._last: Stats | None = None
        self._stopped_id: str | None = None
        self.doubtful = False
        """Fewer records were written than puts and deletes came; a probe tells whether there is more to it."""

    def fault(self, stats: Stats) -> str | None:
        """Say why what is put now would not be kept, or None."""
        last, self._last = self._last, stats
        if last and last["id"] == stats["id"]:
            created = stats["total-jobs"] - last["total-jobs"]
            written = stats["binlog-records-written"] - last["binlog-records-written"]
            put = stats["cmd-put"] - last["cmd-put"]  # refused ones, too
            deleted = stats["cmd-delete"] - last["cmd-delete"]
            self.doubtful = written < put + deleted
            if written < created:  # each job that is created is at least one record
                self._stopped_id = stats["id"]
        if stats["binlog-current-index"] == 0:
            return "beanstalkd runs without a log (-b), so it would lose every message with its process"
        if stats["id"] == self._stopped_id:
            return (
                "beanstalkd stopped writing its log after an error and keeps messages in memory alone;"
                " let the processors drain it, mend the disk, then restart it"
            )
        if stats["draining"] == "true":
            return "beanstalkd is draining and takes no new jobs"
        if self.fill(stats) > 1:
            return f"the queue is full: its log is over {self._max_bytes} bytes"
        return None

    def fill(self, stats: Stats) -> float:
        """Give the log's size as a share of its bound."""
        files = stats["binlog-current-index"] - stats["binlog-oldest-index"] + 1
        return files * stats["binlog-max-size"] / self._max_bytes
