"""The files of a home that a set has, as they can be copied while programs write them."""

from __future__ import annotations

import io
import os
import tarfile
from typing import TYPE_CHECKING, Final

from tradewire.ledger import counters
from tradewire.ledger.slot_file import FOLDER as SLOTS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tradewire.settings import Settings

LATE: Final = ("turns", "bytes")
"""Folders of the ledger that are copied after the queue. A mark in the queue carries the number of puts anew, which is
in `turns`. If it were the older one of both, a mark could pass although events had been put anew behind it. `bytes`
has the sizes of the tubes."""


class HomeArchive:
    """The archive of a home's files. A file that vanishes meanwhile is left out.

    Args:
        tar: It is written.
        home: The home.
    """

    def __init__(self, tar: tarfile.TarFile, home: Path) -> None:
        self._tar = tar
        self._home = home

    def add(self, path: Path) -> None:
        """Add a file as it is now. Raises OSError if it can't be read."""
        try:
            with path.open("rb") as file:
                self.put(self._name(path), file.read(), os.fstat(file.fileno()).st_mtime)
        except FileNotFoundError:
            return

    def add_lines(self, path: Path) -> None:
        """Add the whole lines of a file that others append to. Raises OSError if it can't be read."""
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return
        self.put(self._name(path), content[: content.rfind(b"\n") + 1])

    def add_folder(self, folder: Path, *, without: tuple[str, ...] = ()) -> None:
        """Add all files in a folder and below it. Raises OSError if a file can't be read.

        Args:
            folder: The folder.
            without: Names in it that are left out, or the beginnings of such names.
        """
        try:
            found = sorted(folder.iterdir())
        except FileNotFoundError:
            return
        for path in found:
            if path.name.startswith((*without, ".")):  # others are being written
                continue
            if path.is_dir():
                self.add_folder(path)
            else:
                self.add(path)

    def put(self, name: str, content: bytes, modified: float = 0) -> None:
        """Add a content under a name below the home."""
        info = tarfile.TarInfo(name)
        info.size, info.mode, info.mtime = len(content), 0o600, modified
        self._tar.addfile(info, io.BytesIO(content))

    def _name(self, path: Path) -> str:
        return str(path.relative_to(self._home))


def add_principals(archive: HomeArchive, settings: Settings) -> None:
    """Add keys, users, sessions, secrets and the audit trail."""
    for path in (settings.audit_key, settings.operator_token, settings.keys, settings.users):
        archive.add(path)
    archive.add_folder(settings.sessions)
    archive.add(settings.audit.with_name("syslog-position"))  # first: it is never ahead of the trail
    archive.add_lines(settings.audit)


def add_ledger(archive: HomeArchive, settings: Settings) -> None:
    """Add the ledger's files, without the counters and what belongs to a later moment."""
    archive.add_folder(settings.counters, without=(*LATE, SLOTS, counters.PREFIX))
    for name, content in _slots(settings.counters / SLOTS):
        archive.put(f"{settings.counters.name}/{SLOTS}/{name}", content)


def _slots(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield each slot. One that vanishes was reconciled, or several became another one: then that is yielded."""
    seen: set[str] = set()
    while True:
        try:
            names = {name for name in os.listdir(folder) if name[0].isdecimal()}  # noqa: PTH208 - names are enough
        except FileNotFoundError:
            return
        if names <= seen:
            return
        for name in sorted(names - seen):
            seen.add(name)
            try:
                yield name, (folder / name).read_bytes()
            except FileNotFoundError:
                continue
