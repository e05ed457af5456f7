"""Small file systems of their own for tests, which can be filled up without touching the machine's."""

from __future__ import annotations

import ctypes
import errno
import itertools
import os
import subprocess
from contextlib import contextmanager
from functools import cache
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_CLONE_NEWNS = 0x20000
_CHUNK_BYTES = 2**20


@contextmanager
def small_disk(folder: Path, *options: str) -> Iterator[Disk]:
    """Mount an empty file system on a folder, for this process and those that it starts."""
    _leave_the_machines_mounts()
    found = folder.stat()
    owner = f"uid={found.st_uid},gid={found.st_gid},mode={found.st_mode & 0o777:o}"
    _run("mount", "-t", "tmpfs", "-o", ",".join((owner, *options)), "tmpfs", str(folder))
    try:
        yield Disk(folder)
    finally:
        _run("umount", "--lazy", str(folder))


class Disk:
    """A small file system."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def full(self) -> Iterator[None]:
        """Fill it to the last byte."""
        ballast = self._folder / "ballast"
        with ballast.open("wb", buffering=0) as file:
            while _fits(lambda: file.write(bytes(_CHUNK_BYTES))):
                pass
        try:
            yield
        finally:
            ballast.unlink()

    @contextmanager
    def without_inodes(self) -> Iterator[None]:
        """Let it hold no further file."""
        folder = self._folder / "inodes"
        folder.mkdir()
        numbers = itertools.count()
        while _fits((folder / str(next(numbers))).touch):
            pass
        try:
            yield
        finally:
            for path in folder.iterdir():
                path.unlink()
            folder.rmdir()

    @contextmanager
    def read_only(self) -> Iterator[None]:
        """Let nobody open a file for writing. Open files remain writable: Linux remounts no disk that has any."""
        with TemporaryDirectory() as aside:  # in its place, a program might open a file before it is read-only
            _run("mount", "--bind", str(self._folder), aside)
            _run("mount", "-o", "remount,bind,ro", aside)
            _run("mount", "--move", aside, str(self._folder))
        try:
            yield
        finally:
            _run("umount", "--lazy", str(self._folder))


def _fits(write: Callable[[], object]) -> bool:
    """Write to a disk. Return False if it is full."""
    try:
        write()
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        return False
    return True


@cache
def _leave_the_machines_mounts() -> None:
    """Give this process mounts of its own. They end with the process."""
    if os.geteuid() != 0 or ctypes.CDLL(None).unshare(_CLONE_NEWNS):
        pytest.skip("mounting a small file system needs root")
    if subprocess.run(["mount", "--make-rprivate", "/"], check=False, stderr=subprocess.DEVNULL).returncode:
        pytest.skip("mounting is not possible here: the root folder is no mount point, as after chroot")


def _run(*command: str) -> None:
    subprocess.run(command, check=True)
