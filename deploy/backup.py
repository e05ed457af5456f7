"""Make a backup with the rights of the programs' user, whose files it copies; or restore one for a trial."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from deploy import console, drill, environment, layout
from deploy.audit_trail import recorded
from deploy.checkout import PYTHON
from deploy.console import CommandParser, Failure, say
from deploy.privileges import run_as_owner
from tradewire.backup import manifest
from tradewire.errors import Unavailable

if TYPE_CHECKING:
    from deploy.environment import Environment


def backup() -> None:
    """Do what the arguments say."""
    arguments = _parser().parse_args()
    found = environment.read(os.environ)
    settings = found.settings()
    folder = arguments.folder or (Path(settings.backups.folder) if settings.backups.folder else None)
    if folder is None:
        raise Failure("expected the folder for backups", "Name it, or set TRADEWIRE_BACKUP_FOLDER.")
    if not settings.counters.is_dir():
        raise Failure(f"no stack was ever started in {settings.home}")
    if arguments.verify:
        _verify(found, folder.absolute(), arguments.key)
    else:
        _make(found, folder.absolute())


def _make(found: Environment, folder: Path) -> None:
    settings = found.settings()
    layout.make_backup_folder(settings, folder)
    with recorded(settings, "backup", {"folder": str(folder)}):
        path = Path(_run(found, "No backup was made.", "make", str(folder)).strip())
    made = manifest.read(path)
    size = sum(file.bytes for file in made.files)
    say(f"{path}: {made.archived} messages in the archive, {size} bytes. Complete up to {made.complete_up_to}.")


def _verify(found: Environment, folder: Path, key: Path | None) -> None:
    """Hold a drill, and note what came of it for `/readyz` and `/metrics`."""
    name, fault = folder.name, ""
    try:
        path = manifest.newest(folder)
        name = path.name
        with recorded(found.settings(), "backup-drill", {"backup": str(path)}):
            drill.run(found.settings(), path, manifest.read(path), key.absolute() if key else None)
    except Unavailable as error:
        fault = str(error)
    except Failure as failure:
        fault = failure.lines[0]
    _run(found, "What came of the drill was not noted.", "drilled", name, fault)
    if fault:
        raise Failure(fault, "The running stack was not changed.")
    say(f"The backup {name} can be restored.")


def _run(found: Environment, consequence: str, *arguments: str) -> str:
    """Run an action of `tradewire.backup` with the rights of the programs' user. Return its output.

    Args:
        found: The settings.
        consequence: What a failure means, as a sentence.
        arguments: The action and its arguments.

    Raises:
        Failure: The action has failed.
    """
    settings = found.settings()
    done = run_as_owner(
        settings.counters,
        [PYTHON, "-P", "-m", "tradewire.backup", *arguments],
        cwd=settings.home,
        env={**os.environ, **found.variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    if done.returncode:
        raise Failure(done.stderr.strip() or f"it ended with status {done.returncode}", consequence)
    return done.stdout


def _parser() -> CommandParser:
    parser = CommandParser(prog="deploy/backup", allow_abbrev=False)
    parser.add_argument("folder", nargs="?", type=Path, metavar="DIR", help="the folder for backups")
    parser.add_argument("--verify", action="store_true", help="restore the newest backup for a trial, or that in DIR")
    parser.add_argument("--key", type=Path, metavar="FILE", help="with --verify: the private key of the backup")
    return parser


if __name__ == "__main__":
    sys.exit(console.run("deploy/backup", backup))
