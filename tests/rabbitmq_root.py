"""The root folder with the programs of RabbitMQ 4: the machine's own, or that of Debian 13 which `tests/run` makes."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Final

import pytest

_TRIXIE: Final = Path("/var/cache/tradewire/trixie")
_IN_ROOT: Final = """
set -e
mount --rbind /dev "$1/dev"
mount --rbind /proc "$1/proc"
mount --bind "$2" "$1/mnt"
root=$1
shift 2
exec chroot "$root" env -C /mnt "$@"
"""
"""Runs a program in a root, with the home as /mnt. The mounts are in a name space that ends with the program."""


def find() -> Path:
    """Return a root with RabbitMQ 4. Without one, skip the test, or fail in CI."""
    if _has_rabbitmq(Path("/")):
        return Path("/")
    if subprocess.run([*_unshare(), "true"], check=False, capture_output=True).returncode:
        pytest.skip("mounting is not possible here, so neither is a root of Debian 13 with RabbitMQ 4")
    if not _has_rabbitmq(_TRIXIE):
        (pytest.fail if os.environ.get("CI") else pytest.skip)("RabbitMQ 4 is not installed")
    return _TRIXIE


def command(root: Path, home: Path, program: str, *arguments: str) -> list[str]:
    """Return the command that runs a program of a root. In another root than `/`, the home is /mnt."""
    if root == Path("/"):
        return [program, *arguments]
    return [*_unshare(), "sh", "-c", _IN_ROOT, "sh", str(root), str(home), program, *arguments]


def _has_rabbitmq(root: Path) -> bool:
    return any(root.glob("usr/lib/rabbitmq/lib/rabbitmq_server-[4-9]*"))


def _unshare() -> list[str]:
    """Return the prefix that lets a command mount. There, a plain user is root of a name space of its own."""
    return ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
