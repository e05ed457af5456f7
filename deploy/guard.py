"""Start supervisord again if it ends by itself, so that no single process can take the stack with it.

supervisord runs this as one of its programs and starts it again if it ends. As for each program, the kernel tells it
with SIGTERM that supervisord has ended (deploy/supervise.py).
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from deploy import supervisord
from deploy.stack import Stack
from tradewire.backoff import Backoff

if TYPE_CHECKING:
    import subprocess

_POLL_SECONDS = 0.1
_RECORDED_SECONDS = 5.0
"""How long a new supervisord may take to be recorded. It never is if the disk is full."""


def main() -> int:
    """Wait for SIGTERM. If it came because supervisord has ended, start supervisord until it stays."""
    parent = os.getppid()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    signal.sigwait({signal.SIGTERM})
    if os.getppid() == parent or not os.environ.get(supervisord.GUARDED):
        return 0
    # It may come again: from deploy/down, or because the guard of the new supervisord takes over.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    home, pause = Path.cwd(), Backoff()
    while process := _start(home):
        process.wait()
        time.sleep(pause.next())
    return 0


def _start(home: Path) -> subprocess.Popen[bytes] | None:
    """Start supervisord, unless another process has done so. Meanwhile deploy/up and deploy/down wait."""
    stack = Stack(home)
    with stack.lock():
        if stack.runs():
            return None
        process = supervisord.start(home, os.environ, foreground=False)
        end = time.monotonic() + _RECORDED_SECONDS
        while process.poll() is None and not stack.runs() and time.monotonic() < end:
            time.sleep(_POLL_SECONDS)
        return process


if __name__ == "__main__":
    sys.exit(main())
