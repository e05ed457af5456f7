"""Make a backup with the rights of the programs' user, whose files it copies."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from deploy import console, environment, layout
from deploy.audit_trail import recorded
from deploy.checkout import PYTHON
from deploy.console import Failure, say
from deploy.privileges import run_as_owner
from tradewire.backup import manifest

if TYPE_CHECKING:
    from tradewire.settings import Settings

_USAGE = "Usage: deploy/backup DIR"


def backup() -> None:
    """Do what the arguments say."""
    match sys.argv[1:]:
        case [folder] if not folder.startswith("-"):
            _make(Path(folder).absolute())
        case _:
            raise Failure("expected the folder for backups", _USAGE)


def _make(folder: Path) -> None:
    found = environment.read(os.environ)
    settings = found.settings()
    if not settings.counters.is_dir():
        raise Failure(f"no stack was ever started in {settings.home}")
    _make_folder(folder, settings)
    with recorded(settings, "backup", {"folder": str(folder)}):
        done = run_as_owner(
            settings.counters,
            [PYTHON, "-P", "-m", "tradewire.backup", str(folder)],
            cwd=settings.home,
            env={**os.environ, **found.variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        if done.returncode:
            raise Failure(done.stderr.strip() or f"it ended with status {done.returncode}", "No set was made.")
    path = Path(done.stdout.strip())
    made = manifest.read(path)
    size = sum(file.bytes for file in made.files)
    say(f"{path}: {made.archived} messages in the archive, {size} bytes. Complete up to {made.complete_up_to}.")


def _make_folder(folder: Path, settings: Settings) -> None:
    """Make the folder for the programs' user, unless it exists."""
    if folder.exists():
        return
    folder.mkdir(mode=0o700, parents=True)
    os.chown(folder, *layout.program_account(settings))


if __name__ == "__main__":
    sys.exit(console.run("deploy/backup", backup))
