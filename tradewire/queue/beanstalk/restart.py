"""Restarts a beanstalkd that has stopped writing its log, as soon as its disk takes writes again."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING, Final

from tradewire.backoff import Backoff
from tradewire.limits import MAX_JOB_BYTES
from tradewire.queue.beanstalk import faults

if TYPE_CHECKING:
    from tradewire.queue.beanstalk.connection import Connection
    from tradewire.queue.beanstalk.log_files import LogFiles

_FIRST_SECONDS: Final = 1.0
_CAP_SECONDS: Final = 30.0
_CALM_SECONDS: Final = 60.0
"""After so long without an attempt, the pauses between attempts are short again."""


class Restarter:
    """Ends a beanstalkd whose log has stopped. Its supervisor starts it again, and it reads its log.

    It then has the jobs that it had when the log stopped. No message is lost, because none is confirmed after that
    time. Jobs that were settled since come back and are delivered once more; their ids are known. Receipts, marks and
    dead letters that were put since are lost, but so are the deletions that followed them, so they are put once more.

    Args:
        files: The log's files.
    """

    def __init__(self, files: LogFiles) -> None:
        self._files = files
        self._pause = Backoff(_FIRST_SECONDS, _CAP_SECONDS)
        self._next_attempt = 0.0
        self._news = ""

    def step(self, connection: Connection) -> str:
        """End beanstalkd if it can start again and nothing is lost by that. Otherwise try again later.

        Args:
            connection: A connection to a beanstalkd on this host, whose log has stopped.

        Returns:
            What is done about it.
        """
        now = time.monotonic()
        if now > self._next_attempt + _CALM_SECONDS:
            self._pause.reset()
        if now >= self._next_attempt:
            self._next_attempt = now + self._pause.next()
            self._news = f"{faults.LOG_STOPPED}; {self._attempt(connection)}"
        return self._news

    def _attempt(self, connection: Connection) -> str:
        stats = connection.stats()
        if (self._files.have_vanished(stats) or self._files.have_cut(stats)) and _holds_jobs(connection):
            return "files of it have vanished or were cut, so it is restarted when all jobs are taken"
        folder = self._files.folder(stats)
        if folder is None:
            return "it runs as another user, so it can't be restarted"
        try:
            _write(folder, stats["binlog-max-size"])
        except OSError as error:
            return f"it is restarted when its disk takes writes again: {error.strerror}"
        os.kill(stats["pid"], signal.SIGTERM)  # it has just answered, so the id is still its own
        return "its disk takes writes again, so it is restarted"


def _holds_jobs(connection: Connection) -> bool:
    # The put whose record could not be written is counted as buried, although it is ready; the stack buries no job.
    counts = map(connection.stats_tube, connection.tubes())
    return any(count["current-jobs-ready"] or count["current-jobs-reserved"] for count in counts)


def _write(folder: str, size: int) -> None:
    """Make a file as beanstalkd makes those of its log, and fill as much of it as the largest job takes.

    Raises:
        OSError: The disk does not take it.
    """
    path = f"{folder}/trial"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
        os.unlink(path)  # noqa: PTH108 - at once, so that nothing is left if this process is killed
        os.posix_fallocate(file.fileno(), 0, size)
        file.write(bytes(MAX_JOB_BYTES))
        file.flush()
        os.fsync(file.fileno())
