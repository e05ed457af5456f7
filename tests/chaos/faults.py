"""Faults of a running stack other than kills: frozen programs, disks that take nothing, vanished and torn files."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from tests.support import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.disks import Disk
    from tests.stack import Stack

FAULT_SECONDS = 3
"""How long a fault lasts, unless the run says otherwise: longer than the checks that must notice it take."""
STORE_LOG = [*itertools.product(("remove", "empty", "copy"), ((".db-wal",), (".db-shm",), (".db-wal", ".db-shm")))]
"""What may happen to which files beside a SQLite database."""
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


def freeze(stack: Stack, program: str, seconds: float = FAULT_SECONDS) -> None:
    """Let a program stand still for a while."""
    with frozen(stack, program):
        time.sleep(seconds)


def spoil(disks: Mapping[str, Disk], names: tuple[str, ...], fault: str, seconds: float = FAULT_SECONDS) -> None:
    """Let disks take nothing for a while.

    Args:
        disks: The small disks of the stack by the names of their folders.
        names: Which of them.
        fault: `full`, `without_inodes` or `read_only`.
        seconds: How long it lasts.
    """
    with ExitStack() as faults:
        for name in names:
            faults.enter_context(getattr(disks[name], fault)())
        time.sleep(seconds)


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


def vanish(stack: Stack, how: str, suffixes: tuple[str, ...]) -> None:
    """Remove the files beside the SQLite database, or replace them by empty ones or by copies.

    Wait until no program has the old ones open.

    Args:
        stack: The stack, running.
        how: `remove`, `empty` or `copy`.
        suffixes: Of the files' names.
    """
    for path in map((stack.home / "store/tradewire.db").with_suffix, suffixes):
        if not path.exists():  # nobody has the database open
            continue
        owner = path.stat()
        new = path.with_suffix(".new")
        if how == "copy":
            shutil.copy(path, new)
        else:
            new.touch(mode=0o600)
        os.chown(new, owner.st_uid, owner.st_gid)
        if how == "remove":
            new.unlink()
            path.unlink()
        else:
            new.replace(path)
    wait_until(lambda: not _has_deleted_open(stack, "store/tradewire.db"), "the vanished files are closed")


def _has_deleted_open(stack: Stack, prefix: str) -> bool:
    """Return whether a program of a stack has a deleted file open whose path in the home has this beginning."""
    names = []
    for process in stack.processes():
        for link in Path(f"/proc/{process.pid}/fd").glob("*"):
            with suppress(OSError):  # the file was closed, or the process has ended
                names.append(str(link.readlink()))
    return any(name.startswith(str(stack.home / prefix)) and name.endswith(" (deleted)") for name in names)


def _log(folder: Path) -> list[Path]:
    return sorted(folder.glob("binlog.*"))
