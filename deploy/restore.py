"""Restore a backup into an empty home, with the owners that deploy/up expects there."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from deploy import console, environment, layout, preflight
from deploy.audit_trail import recorded
from deploy.console import Failure, say
from tradewire.backup import manifest, restoring
from tradewire.errors import Unavailable
from tradewire.event import format_time, from_microseconds
from tradewire.store import engine

if TYPE_CHECKING:
    from tradewire.settings import Settings

_USAGE = "Usage: deploy/restore DIR"


def restore() -> None:
    """Do what the arguments say."""
    match sys.argv[1:]:
        case [folder] if not folder.startswith("-"):
            try:
                _restore(Path(folder).absolute())
            except Unavailable as error:
                raise Failure(str(error)) from error
        case _:
            raise Failure("expected a backup, or the folder of backups", _USAGE)


def _restore(folder: Path) -> None:
    settings = environment.read(os.environ).settings()
    home = settings.home
    if home.exists() and any(home.iterdir()):
        raise Failure(f"{home} is not empty", "Nothing was changed. Move it elsewhere first.")
    path = manifest.newest(folder)
    found = manifest.read(path)
    restoring.check(settings, found)
    restoring.check_space(layout.existing(home), found)
    manifest.check(path, found)
    preflight.prepare_user(settings)
    home.mkdir(parents=True, exist_ok=True)
    os.umask(0o077)  # below the home, no other user may look while files and folders have no owners yet
    preflight.unfinished_restore(settings).touch()
    span = restoring.unpack(path, found, settings)
    _give_to_programs(settings)
    details = {"backup": str(path), "completeUpTo": found.complete_up_to}
    with recorded(settings, "restore", details):
        preflight.unfinished_restore(settings).unlink()
    until = format_time(from_microseconds(span.until))
    say(
        f"Restored {path} into {home}: {found.archived} messages in the archive, and those of the queue.",
        f"Messages received from {found.complete_up_to} to {until} may be lost: the ledger names this span.",
        "Keys, users and sessions are those of the backup: revoke again what was revoked since.",
        "Run deploy/up to start the stack.",
    )


def _give_to_programs(settings: Settings) -> None:
    """Give the folders and files their owners and modes. Until now, only this user could reach them."""
    account = layout.program_account(settings)
    for folder in layout.FOLDERS:
        if folder.of_programs:
            for parent, folders, files in os.walk(settings.home / folder.name):
                for name in (*folders, *files):
                    os.chown(Path(parent) / name, *account, follow_symlinks=False)
    if file := engine.sqlite_file(settings.store):  # it may be outside the home
        os.chown(file, *account)
    layout.make_folders(settings)
    layout.protect_principals(settings)
    layout.make_token(settings)
    layout.make_audit_key(settings)


if __name__ == "__main__":
    sys.exit(console.run("deploy/restore", restore))
