"""The version that ran a home last, in the home's file `version`. An older version leaves a newer home alone.

This needs no packages, since deploy/up looks before it sets anything up.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from deploy.console import Failure
from tradewire.version import VERSION
from tradewire.whole_file import EVERYONE, replace

if TYPE_CHECKING:
    from pathlib import Path

FIRST = "0.1.0"
"""The version that wrote no such file."""
_FORM = re.compile(r"(\d{1,9})\.(\d{1,9})\.(\d{1,9})", re.ASCII)


def read(home: Path) -> str | None:
    """Return the version that ran the home last. None if no version did.

    Raises:
        Failure: The file names no version.
    """
    if not os.access(home, os.X_OK):
        return None  # there is no home yet, or deploy/layout.py says why it can't be used
    try:
        found = _file(home).read_bytes().decode(errors="replace").strip()
    except FileNotFoundError:
        return FIRST if (home / "ledger").is_dir() else None
    if not _FORM.fullmatch(found):
        raise Failure(
            f"{_file(home)} names no version: {found[:40]!r}",
            f"Nothing was changed. Write the version that ran the stack last into it, such as {VERSION}.",
        )
    return found


def check_not_newer(home: Path) -> None:
    """Check that no newer version ran the home: this one may not understand the home's files.

    Raises:
        Failure: It names both versions.
    """
    found = read(home)
    if found and is_newer(found):
        raise Failure(
            f"Tradewire {found} ran {home} last, and this is the older version {VERSION}",
            f"Nothing was changed. Use version {found} or a newer one. docs/operations.md says how to go back to the "
            "copy that deploy/up made before the upgrade.",
        )


def check_same(home: Path) -> None:
    """Check that a running stack is of this version.

    Raises:
        Failure: It names both versions.
    """
    check_not_newer(home)
    found = read(home)
    if found != VERSION:
        raise Failure(
            f"Tradewire {found} runs in {home}, and this is version {VERSION}",
            "Nothing was changed. To upgrade, run deploy/down, then deploy/up.",
        )


def is_newer(version: str) -> bool:
    """Return whether a version is newer than this one."""
    return _numbers(version) > _numbers(VERSION)


def write(home: Path, version: str = VERSION) -> None:
    """Note that a version runs the home, or ran it last."""
    replace(_file(home), f"{version}\n".encode(), EVERYONE)


def _file(home: Path) -> Path:
    return home / "version"


def _numbers(version: str) -> tuple[int, ...]:
    match = _FORM.fullmatch(version)
    return tuple(map(int, match.groups())) if match else ()
