"""Makes backups by a schedule, in a thread of the keeper. Each is made by a process of its own, at low priority."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tradewire.backoff import Backoff
from tradewire.backup import manifest, outcomes
from tradewire.backup.outcomes import Outcome
from tradewire.event import format_time

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger

    from tradewire.settings import Settings
    from tradewire.stop import Stop

_CHECK_SECONDS: Final = 10.0
_HOUR_SECONDS: Final = 3600
_RETRY_SECONDS: Final = 60.0
_RETRY_SECONDS_MAX: Final = 3600.0
_POLL_SECONDS: Final = 0.5
_END_SECONDS: Final = 5.0


class BackupThread:
    """Makes a backup whenever it is due, until a stop is requested.

    Args:
        settings: They name the folder and the age.
        stop: Ends the thread, and a backup that is under way.
        log: Gets a line for each backup.
    """

    def __init__(self, settings: Settings, stop: Stop, log: BoundLogger) -> None:
        self._settings = settings
        self._folder = Path(settings.backups.folder)
        self._stop = stop
        self._log = log
        self._backoff = Backoff(_RETRY_SECONDS, _RETRY_SECONDS_MAX)
        self._not_before = 0.0
        """After a failure: when to try again, on the monotonic clock."""
        self._thread = threading.Thread(target=self.run, name="backups", daemon=True)

    def start(self) -> None:
        """Start the thread, if there is a schedule."""
        if self._settings.backups.folder:
            self._thread.start()

    def join(self) -> None:
        """Wait until the thread has ended. A stop must have been requested."""
        if self._thread.ident:
            self._thread.join(_END_SECONDS)

    def run(self) -> None:
        """Repeat `step` until a stop is requested. After a first start, the archive is made meanwhile."""
        self._stop.wait(_CHECK_SECONDS)
        while not self._stop.requested:
            self.step()
            self._stop.wait(_CHECK_SECONDS)

    def step(self) -> None:
        """Make a backup if it is due. A failure is noted and logged, and tried again after a pause."""
        if time.monotonic() < self._not_before:
            return
        try:
            is_due = self._is_due()
        except OSError as error:
            self._fail(f"{self._folder} can't be read: {error.strerror}")
            return
        if is_due:
            self._make()

    def _is_due(self) -> bool:
        found = manifest.sets(self._folder)
        if not found:
            return True
        age = datetime.now(UTC) - manifest.begun_at(found[-1])
        return age.total_seconds() >= self._settings.backups.every_hours * _HOUR_SECONDS

    def _make(self) -> None:
        command = [sys.executable, "-P", "-m", "tradewire.backup", "make", str(self._folder), "--thin-out"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            while process.poll() is None and not self._stop.requested:
                self._stop.wait(_POLL_SECONDS)
            if process.poll() is None:
                process.terminate()
            output, errors = process.communicate()
        if self._stop.requested and process.returncode:
            return
        if process.returncode:
            self._fail(errors.strip().rpartition("\n")[2] or f"it ended with status {process.returncode}")
            return
        name = Path(output.strip()).name
        self._backoff.reset()
        self._note(Outcome(_now(), name))
        self._log.info("backup made", name=name)

    def _fail(self, reason: str) -> None:
        pause = self._backoff.next()
        self._not_before = time.monotonic() + pause
        self._note(Outcome(_now(), "", reason))
        self._log.error("backup failed", reason=reason, retry_seconds=round(pause))

    def _note(self, outcome: Outcome) -> None:
        try:
            outcomes.note(self._settings.last_backup, outcome)
        except OSError as error:  # the log has it all the same
            self._log.error("what came of the backup can't be noted", reason=str(error))


def _now() -> str:
    return format_time(datetime.now(UTC))
