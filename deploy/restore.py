"""Restore a backup into an empty home, with the owners that deploy/up expects there."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from deploy import console, environment, home_version, layout, preflight
from deploy.audit_trail import recorded
from deploy.console import CommandParser, Failure, say
from tradewire.backup import encryption, manifest, restoring
from tradewire.errors import Unavailable
from tradewire.event import format_time, from_microseconds
from tradewire.store import engine
from tradewire.version import VERSION

if TYPE_CHECKING:
    from tradewire.ledger.losses import Span
    from tradewire.settings import Settings


def restore() -> None:
    """Do what the arguments say."""
    parser = CommandParser(prog="deploy/restore", allow_abbrev=False)
    parser.add_argument("folder", type=Path, metavar="DIR", help="a backup, or the folder of backups: then the newest")
    parser.add_argument("--key", type=Path, metavar="FILE", help="the private key, as age-keygen makes it")
    arguments = parser.parse_args()
    settings = environment.read(os.environ).settings()
    try:
        path = manifest.newest(arguments.folder.absolute())
        span = restore_into(settings, path, arguments.key)
    except Unavailable as error:
        raise Failure(str(error)) from error
    since, until = (format_time(from_microseconds(time)) for time in (span.since, span.until))
    say(
        f"Restored {path} into {settings.home}.",
        f"Messages received from {since} to {until} may be lost: the ledger names this span.",
        "Keys, users and sessions are those of the backup: revoke again what was revoked since.",
        "Run deploy/up to start the stack.",
    )


def restore_into(settings: Settings, path: Path, key: Path | None) -> Span:
    """Restore a set.

    Args:
        settings: Those of the stack that is to run in the home.
        path: The set.
        key: The file with its private key, if it is encrypted.

    Returns:
        The span that the ledger names.

    Raises:
        Failure: It can't be restored. The home may be incomplete, and then deploy/up refuses to start it.
        Unavailable: The same.
    """
    home = settings.home
    if home.exists() and any(home.iterdir()):
        raise Failure(f"{home} is not empty", "Nothing was changed. Move it elsewhere first.")
    found = manifest.read(path)
    if home_version.is_newer(found.version):
        raise Failure(
            f"Tradewire {found.version} made {path}, and this is the older version {VERSION}",
            f"Nothing was changed. Use version {found.version} or a newer one.",
        )
    restoring.check(settings, found)
    restoring.check_space(layout.existing(home), found)
    manifest.check(path, found)
    if found.is_encrypted and key is None:
        raise Failure(f"{path} is encrypted", "Name the file of its private key: --key FILE")
    if key:
        encryption.identities(key)
    preflight.prepare_user(settings)
    home.mkdir(parents=True, exist_ok=True)
    work = preflight.unfinished_restore(settings)
    before = os.umask(0o077)  # below the home, no other user may look while files and folders have no owners yet
    work.mkdir()
    span = restoring.unpack(path, found, settings, key, work)
    os.umask(before)
    _give_to_programs(settings)
    home_version.write(home, found.version)  # deploy/up upgrades the home if that was an older one
    details = {"backup": str(path), "completeUpTo": found.complete_up_to}
    with recorded(settings, "restore", details):
        shutil.rmtree(work)
    return span


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
