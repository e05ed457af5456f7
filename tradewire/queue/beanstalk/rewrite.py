"""Writes all jobs to new files of beanstalkd's log, when files have vanished under it or were cut."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tradewire.limits import MAX_JOB_BYTES

if TYPE_CHECKING:
    from tradewire.queue.beanstalk.connection import Connection
    from tradewire.queue.beanstalk.log_files import LogFiles

_CHUNK_JOBS: Final = 64


class Rewriter:
    """Puts every job anew and deletes the old one. beanstalkd still has all jobs in memory.

    While a file is missing, or the present one is cut, no message is accepted, so the order within a tube stays. While
    only an older one is cut, messages go on to the present one. If beanstalkd is killed before this is done, the jobs
    that are not yet rewritten are lost.

    Args:
        files: The log's files.
    """

    def __init__(self, files: LogFiles) -> None:
        self._files = files
        self._newest = 0
        """The number of the newest job that may have lost its record."""

    def step(self, connection: Connection) -> str | None:
        """Rewrite the jobs that are ready if a file is damaged.

        Repeat this as long as a file is: consumers hold other jobs.

        Args:
            connection: A connection to a beanstalkd that writes its log.

        Returns:
            What is done about it. None if no file is damaged.
        """
        stats = connection.stats()
        if not (self._files.have_cut(stats) or self._files.lack_one(connection, stats)):
            self._newest = 0
            return None
        if self._begin_file(connection) or not self._newest:
            self._newest = connection.probe()
        for tube in connection.tubes():
            connection.watch_only(tube)
            while self._rewrite_some(connection, tube):
                pass
        return "files of the queue have vanished or were cut; writing all jobs to new ones"

    def _begin_file(self, connection: Connection) -> bool:
        """Fill up the present file if it has vanished, so that beanstalkd makes a new one. Return whether it had."""
        stats = connection.stats()
        had_vanished = self._files.lack_current(connection, stats)
        # If the log stops meanwhile, no number of probes fills the file up. The next step then finds out.
        probes = stats["binlog-max-size"] // MAX_JOB_BYTES + 1
        while probes and self._files.lack_current(connection, connection.stats()):
            connection.probe(MAX_JOB_BYTES)
            probes -= 1
        return had_vanished

    def _rewrite_some(self, connection: Connection, tube: str) -> bool:
        """Rewrite some jobs of a tube. Return whether there may be more."""
        jobs = connection.reserve_many(_CHUNK_JOBS)
        old = [job for job in jobs if int(job.id) <= self._newest]
        connection.put_all([(tube, job.body) for job in old])
        connection.delete_all(old)
        connection.release_all(jobs[len(old) :])
        return len(old) == _CHUNK_JOBS
