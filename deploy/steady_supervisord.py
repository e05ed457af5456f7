"""supervisord, with log files that can't end it, and with a limit to its wait before it starts a program again.

supervisor's own handlers raise an error where a log can't be written, as on a full disk. The error ends supervisord,
and with it the stack; or supervisord stops reading the output of a program, which then stands still. And supervisord
waits one second longer after each start that failed: minutes, after a day with a full disk. This is the same
supervisord without these faults, since supervisor has no settings for them.

    python -I steady_supervisord.py OPTION…          as for supervisord
"""

from __future__ import annotations

import io
import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from supervisor import loggers, process, supervisord
from supervisor.states import ProcessStates

if TYPE_CHECKING:
    from typing import BinaryIO

MAX_WAIT_SECONDS = 10
"""How long a program that could not start waits at most for the next attempt."""


class EagerProcess(process.Subprocess):  # type: ignore[misc] # supervisor has no types
    """A program that waits one second longer after each start that failed, up to a limit."""

    delay: float

    def change_state(self, new_state: int, expected: bool = True) -> None:  # noqa: FBT001, FBT002 - as in supervisor
        """Go to another state."""
        super().change_state(new_state, expected)
        if new_state == ProcessStates.BACKOFF:
            self.delay = min(self.delay, time.time() + MAX_WAIT_SECONDS)


class SteadyOutput(io.RawIOBase):
    """Standard output or standard error. What can't be written is dropped."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor

    def writable(self) -> bool:
        """Return True."""
        return True

    def fileno(self) -> int:
        """Return the file descriptor."""
        return self._descriptor

    def write(self, text: Any) -> int:
        """Write, or drop what can't be written."""
        with suppress(OSError):
            os.write(self._descriptor, text)
        return len(text)


class SteadyLog(loggers.Handler):  # type: ignore[misc] # supervisor has no types
    """A log file, rotated by size. It leaves out what it can't write; the next text that it can write says how much.

    Args:
        filename: The log's path.
        _mode: For supervisor's own handlers.
        max_bytes: Size at which a new file begins.
        backups: How many older files are kept, the newest as `filename`.1.
    """

    def __init__(self, filename: str, _mode: str, max_bytes: int, backups: int) -> None:
        super().__init__()
        self.baseFilename = filename  # as supervisor's own handlers call it
        self._max_bytes = max_bytes
        self._backups = backups
        self._missing_bytes = 0
        self._file: BinaryIO | None = None
        self.reopen()

    def emit(self, record: Any) -> None:
        """Write a record of a program's output (bytes), or of supervisord's own log (text)."""
        text = record.msg if isinstance(record.msg, bytes) else (self.fmt % record.asdict()).encode(errors="replace")
        try:
            if self._missing_bytes:
                self._write(b"\n[%d bytes of this log are missing: it could not be written]\n" % self._missing_bytes)
                self._missing_bytes = 0
            self._write(text)
        except OSError:
            self._missing_bytes += len(text)

    def reopen(self) -> None:
        """Open the file anew, after others have moved or deleted it."""
        self.close()
        with suppress(OSError):  # `emit` tries again
            self._open()

    def remove(self) -> None:
        """Delete the file."""
        self.close()
        Path(self.baseFilename).unlink(missing_ok=True)

    def close(self) -> None:
        """Close the file."""
        file, self._file = self._file, None
        if file:
            file.close()

    def flush(self) -> None:
        """Do nothing: nothing is buffered."""

    def _open(self) -> BinaryIO:
        self._file = open(self.baseFilename, "ab", buffering=0)  # noqa: SIM115, PTH123 - it stays open
        return self._file

    def _write(self, text: bytes) -> None:
        file = self._file or self._open()
        if file.tell() + len(text) > self._max_bytes and file.tell():
            self._rotate()
            file = self._open()
        written = file.write(text)
        if written != len(text):
            raise OSError(f"only {written} bytes could be written")

    def _rotate(self) -> None:
        self.close()
        path = Path(self.baseFilename)
        for number in range(self._backups, 0, -1):
            newer = path.with_name(f"{path.name}.{number - 1}") if number > 1 else path
            with suppress(FileNotFoundError):
                newer.replace(f"{path}.{number}")


if __name__ == "__main__":
    Path("/proc/self/comm").write_text("supervisord")  # its name for ps, as if it were supervisor's own script
    sys.stdout, sys.stderr = (
        io.TextIOWrapper(io.BufferedWriter(SteadyOutput(descriptor)), line_buffering=True) for descriptor in (1, 2)
    )
    loggers.RotatingFileHandler = SteadyLog
    process.Subprocess = EagerProcess
    sys.exit(supervisord.main())
