"""Unpack the home that the version before has left."""

from __future__ import annotations

import os
import re
import struct
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from deploy import layout, preflight
from deploy.privileges import is_root
from tradewire.queue import LIVE
from tradewire.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

VERSION: Final = "0.1.0"
"""The version that has left it."""
_CREATED_OFFSET: Final = 40
"""Of the time of creation in a job's record of beanstalkd's log, from the end of the tube's name. In nanoseconds."""


class OldHome(NamedTuple):
    """What was unpacked."""

    home: Path
    page: Path
    """The folder of that version's page, as nginx served it."""
    frames: Sequence[str]
    """What the WebSocket server of that version sent to a browser: the hello, and the archived trades."""


def unpack(folder: Path) -> OldHome:
    """Unpack home and page.

    Args:
        folder: Where to. Everyone may pass through it.
    """
    archive = Path(__file__).with_name(f"{VERSION}.tar.gz")
    subprocess.run(["tar", "-xzf", archive, "-C", folder, "--no-same-owner"], check=True)
    found = OldHome(folder / "home", folder / "page", (folder / "frames").read_text().splitlines())
    for path in (found.home / "queue").glob("binlog.*"):
        _renew(path)
    if is_root():
        _give_to_programs(Settings(home=found.home))
    return found


def _renew(path: Path) -> None:
    """Let the jobs of the live tube be new: they would expire, since the archive was made long ago."""
    path.chmod(0o600)  # beanstalkd leaves it read-only
    log = bytearray(path.read_bytes())
    name = struct.pack("=i", len(LIVE)) + LIVE.encode()
    for found in re.finditer(re.escape(name), bytes(log)):
        struct.pack_into("=q", log, found.end() + _CREATED_OFFSET, time.time_ns())
    path.write_bytes(log)


def _give_to_programs(settings: Settings) -> None:
    preflight.prepare_user(settings)
    account = layout.program_account(settings)
    for folder in layout.FOLDERS:
        if folder.of_programs:
            for parent, _, files in os.walk(settings.home / folder.name):
                for path in (parent, *(os.path.join(parent, name) for name in files)):  # noqa: PTH118 - of os.walk
                    os.chown(path, *account)
