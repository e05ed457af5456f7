"""Small file systems of their own for tests, which can be filled up without touching the machine's."""

from __future__ import annotations

import ctypes
import errno
import itertools
import os
import subprocess
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from tests.support import require_program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_CLONE_NEWNS = 0x20000
_CHUNK_BYTES = 2**20
_QUOTA_DISK_BYTES = 2**30
"""The image is sparse."""


@contextmanager
def small_disk(folder: Path, options: str) -> Iterator[Disk]:
    """Mount an empty file system on a folder, for this process and those that it starts.

    Args:
        folder: The folder. It keeps its owner and mode.
        options: Those of tmpfs, separated by commas.
    """
    _leave_the_machines_mounts()
    found = folder.stat()
    owner = f"uid={found.st_uid},gid={found.st_gid},mode={found.st_mode & 0o777:o}"
    _run("mount", "-t", "tmpfs", "-o", f"{owner},{options}", "tmpfs", str(folder))
    try:
        yield Disk(folder)
    finally:
        _run("umount", "--lazy", str(folder))


@contextmanager
def quota_disk(folder: Path) -> Iterator[QuotaDisk]:
    """Mount an empty file system with quotas on a folder, for this process and those that it starts."""
    _leave_the_machines_mounts()
    if "btrfs" not in Path("/proc/filesystems").read_text().split():
        pytest.skip("this kernel has no btrfs")
    found = folder.stat()
    with TemporaryDirectory() as aside:
        image = Path(aside, "image")
        with image.open("wb") as file:
            file.truncate(_QUOTA_DISK_BYTES)
        _run(require_program("mkfs.btrfs"), "--quiet", str(image))
        if subprocess.run(["mount", "-o", "loop", str(image), str(folder)], check=False).returncode:
            pytest.skip("mounting an image is not possible here")
        try:
            os.chown(folder, found.st_uid, found.st_gid)
            folder.chmod(found.st_mode & 0o777)
            yield QuotaDisk(folder)
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


class QuotaDisk(Disk):
    """A small file system that can have a quota."""

    @contextmanager
    def over_quota(self) -> Iterator[None]:
        """Lower the quota to the bytes in use."""
        folder = str(self._folder)
        _run("btrfs", "quota", "enable", folder)
        try:
            _run("btrfs", "quota", "rescan", "-w", folder, stdout=subprocess.DEVNULL)
            shown = subprocess.run(["btrfs", "qgroup", "show", "--raw", folder], check=True, capture_output=True)
            used = next(line.split()[1] for line in shown.stdout.decode().splitlines() if line.startswith("0/5 "))
            _run("btrfs", "qgroup", "limit", used, "0/5", folder)
            yield
        finally:
            _run("btrfs", "quota", "disable", folder)  # over a quota, the quota itself can't be changed


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


def _run(*command: str, stdout: int | None = None) -> None:
    subprocess.run(command, check=True, stdout=stdout)
