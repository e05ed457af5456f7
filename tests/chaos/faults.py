"""Faults of a running stack other than kills: frozen programs, disks that take nothing, vanished and torn files."""

from __future__ import annotations

import signal
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import psutil

from tests.support import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.disks import Disk
    from tests.stack import Stack

_FAULT_SECONDS = 3
"""How long a fault lasts: longer than the checks that must notice it take."""
_PAGE_BYTES = 4096


@contextmanager
def frozen(stack: Stack, program: str) -> Iterator[None]:
    """Let every process of a program stand still."""
    master = psutil.Process(stack.pid(program))
    processes = [master, *master.children(recursive=True)]
    for process in processes:
        process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            if process.is_running():
                process.send_signal(signal.SIGCONT)


def freeze(stack: Stack, program: str) -> None:
    """Let a program stand still for a while."""
    with frozen(stack, program):
        time.sleep(_FAULT_SECONDS)


def spoil(disks: Mapping[str, Disk], names: tuple[str, ...], fault: str) -> None:
    """Let disks take nothing for a while.

    Args:
        disks: The small disks of the stack by the names of their folders.
        names: Which of them.
        fault: `full`, `without_inodes` or `read_only`.
    """
    with ExitStack() as faults:
        for name in names:
            faults.enter_context(getattr(disks[name], fault)())
        time.sleep(_FAULT_SECONDS)


def delete_queue_log(stack: Stack) -> None:
    """Delete the files of beanstalkd's log under it, and wait until its jobs are in new ones."""
    folder = stack.home / "queue"
    gone = set(_log(folder))
    for path in gone:
        path.unlink()
    wait_until(lambda: set(_log(folder)) - gone, "beanstalkd has a new log file", 60)


def tear_queue_log(stack: Stack) -> None:
    """Kill beanstalkd, and let the newest page of its log be zeros, as after a power cut."""
    stack.supervisorctl("stop", "beanstalkd")
    try:
        path = max(_log(stack.home / "queue"), key=lambda path: int(path.suffix[1:]))
        path.chmod(0o600)
        written = len(path.read_bytes().rstrip(b"\0"))
        with path.open("r+b") as file:
            start = written // _PAGE_BYTES * _PAGE_BYTES
            file.seek(max(start, 4))  # the file's version stays
            file.write(bytes(written - start))
    finally:
        stack.supervisorctl("start", "beanstalkd")


def _log(folder: Path) -> list[Path]:
    return sorted(folder.glob("binlog.*"))
