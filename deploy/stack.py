"""The stack in one home: whether it runs, what a killed one left, and how to end it. Needs no setting but the home."""

from __future__ import annotations

import fcntl
import os
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from deploy.checkout import supervise_command
from deploy.console import Failure, say
from deploy.privileges import own_account, run_as_owner

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

RECORDS = "sock/supervised"
"""Where deploy/supervise.py keeps its records of the programs that run as the unprivileged user."""
SUPERVISORD_RECORD = "run/supervisord.pid-record"
GUARD_RECORD = "run/guard.pid-record"
NGINX_RECORDS = "run/nginx*.pid-record"
_LOCK_SECONDS = 120
_POLL_SECONDS = 0.1


class _Group(NamedTuple):
    """Records that are acted on together, with the rights of the user who owns them."""

    folder: str
    """The folder that belongs to that user. What is below it may be a link to anywhere."""
    pattern: str
    seconds: int
    """How long their processes may take to end."""


# supervisord ends its programs in their order, nginx first, each within 10 s. The other groups are for processes that
# are left after that, or because supervisord was killed. The guard comes first of them, since it starts supervisord.
_SUPERVISORD = _Group("run", SUPERVISORD_RECORD, 60)
_GROUPS = (
    _SUPERVISORD,
    _Group("run", GUARD_RECORD, 2),
    _Group("run", NGINX_RECORDS, 5),
    _Group("sock", f"{RECORDS}/*.pid-record", 10),
)


class Stack:
    """The stack in a home."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def runs_as_own(self) -> bool:
        """Return True if supervisord runs and was started by the user of this process.

        Wait while another deploy/up or deploy/down works on the home: it starts or ends the stack.
        """
        try:
            owner = (self._home / "run").stat().st_uid
        except OSError:
            return False
        if owner != own_account().uid:
            return False
        with self.lock():
            return self.runs()

    def runs(self) -> bool:
        """Return True if supervisord runs."""
        return self._has_left(_SUPERVISORD)

    def stopped_supervisord(self) -> int | None:
        """Return the id of a supervisord that was stopped by a signal, as by SIGSTOP. None if it works."""
        for pid in self._left(_SUPERVISORD):
            with suppress(OSError):  # it has ended meanwhile
                state = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0]
                if state in {"T", "t"}:
                    return pid
        return None

    def has_remaining(self) -> bool:
        """Return True if any process of the stack is left, even if supervisord is gone."""
        return any(self._has_left(group) for group in _GROUPS)

    def end(self) -> None:
        """End all recorded processes of the stack. Raise Failure if a process can't be ended."""
        for group in _GROUPS:
            done = self._supervise(group, "--end", str(group.seconds))
            if done and done.returncode:
                raise Failure("not every process of the stack can be ended", "See the lines above.")

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Lock the home against other runs of deploy/up and deploy/down. Wait while another holds the lock."""
        descriptor = os.open(self._home / "run", os.O_RDONLY)
        try:
            if not _try_lock(descriptor):
                say(f"Another deploy/up or deploy/down is working on {self._home}; waiting for it …")
                end = time.monotonic() + _LOCK_SECONDS
                while not _try_lock(descriptor):
                    if time.monotonic() > end:
                        raise Failure(
                            f"the other command is still working on {self._home} after {_LOCK_SECONDS} s",
                            f"See which process it is: fuser -v {self._home}/run",
                        )
                    time.sleep(_POLL_SECONDS)
            yield
        finally:
            os.close(descriptor)

    def _has_left(self, group: _Group) -> bool:
        return bool(self._left(group))

    def _left(self, group: _Group) -> list[int]:
        done = self._supervise(group, "--left", capture_output=True)
        if done and done.returncode:
            raise Failure(f"can't find out what runs in {self._home}", done.stderr.strip())
        return [int(line) for line in done.stdout.splitlines()] if done else []

    def _supervise(self, group: _Group, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str] | None:
        """Run deploy/supervise.py on the records of a group; None if there are no records."""
        records = sorted(str(path.relative_to(self._home)) for path in self._home.glob(group.pattern))
        if not records:
            return None
        command = [*supervise_command(sys.executable), *arguments, *records]
        return run_as_owner(self._home / group.folder, command, cwd=self._home, **options)


def _try_lock(descriptor: int) -> bool:
    """Try to lock the open folder. Return False if another process has the lock. Closing the folder unlocks it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
