"""The folders of TRADEWIRE_HOME: their owners and modes, and the files written before the stack starts."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING, NamedTuple

from deploy.console import Failure
from deploy.privileges import Account, account, is_root, own_account, program_user, run_as, user_name
from deploy.stack import RECORDS
from tradewire.access import record_file
from tradewire.audit.chain import KEY_BYTES
from tradewire.errors import SettingsError
from tradewire.settings import PREFIX
from tradewire.whole_file import replace

if TYPE_CHECKING:
    from pathlib import Path

    from tradewire.settings import Settings


class Folder(NamedTuple):
    """One folder of TRADEWIRE_HOME."""

    name: str
    mode: int
    of_programs: bool = False
    """Whether it belongs to the user that the programs run as, and not to the user who starts the stack."""
    is_copied: bool = True
    """Whether a copy of the home has it. What is in the others means nothing to the next start."""


FOLDERS = (
    Folder(".", 0o755, is_copied=False),
    Folder("conf", 0o755),
    Folder("log", 0o750, is_copied=False),
    Folder("access", 0o711),  # API keys and users: the programs may read them, and not change them
    Folder("tls", 0o711),  # nginx's certificate, which the programs may read, and its key, which they may not
    Folder("acme", 0o755, is_copied=False),  # the answers to ACME's challenges, which nginx serves
    # the records of nginx and supervisord, and supervisord's control socket: a way to root
    Folder("run", 0o711, is_copied=False),
    Folder("tmp", 0o711, is_copied=False),  # for nginx, which makes a folder for its workers there
    Folder("copies", 0o711, is_copied=False),  # of the home, made before upgrades
    Folder("queue", 0o700, of_programs=True),
    Folder("store", 0o700, of_programs=True),
    Folder("audit", 0o700, of_programs=True),
    Folder("ledger", 0o700, of_programs=True),
    Folder("sessions", 0o700, of_programs=True),
    Folder("metrics", 0o700, of_programs=True, is_copied=False),
    Folder("sock", 0o700, of_programs=True, is_copied=False),
)


def existing(path: Path) -> Path:
    """Return the path, or the closest parent that exists."""
    while not os.path.exists(path):  # noqa: PTH110 - Path.exists() raises where a parent may not be entered
        path = path.parent
    return path


def faults(settings: Settings) -> list[str]:
    """Return why existing folders can't be used. A folder of another user never changes its owner."""
    start = existing(settings.home)
    if not os.access(start, os.W_OK | os.X_OK):
        me = user_name(own_account().uid)
        return [f"{settings.home} can't be used: {me} may not write in {start}; choose another {PREFIX}HOME"]
    return [fault for folder in FOLDERS for fault in _folder_faults(settings, folder)]


def make_folders(settings: Settings) -> None:
    """Make the folders, with their owners and modes."""
    for folder in FOLDERS:
        path = settings.home / folder.name
        path.mkdir(parents=True, exist_ok=True)
        if path != settings.home:  # the operator may restrict or open the home itself
            path.chmod(folder.mode)
        os.chown(path, *_required_owner(settings, folder))
    # root writes nothing in a folder of an unprivileged user: a name there could be a link to anywhere.
    command = ["mkdir", "-p", "-m", "700", str(settings.worker_socket.parent), RECORDS]
    if run_as(program_account(settings), command, cwd=settings.home).returncode:
        raise Failure(f"the folders in {settings.home}/sock can't be made; nothing was started", "See the line above.")


def make_backup_folder(settings: Settings, folder: Path) -> None:
    """Make a folder for backups, for the programs' user, unless it exists."""
    if not folder.exists():
        folder.mkdir(mode=0o700, parents=True)
        os.chown(folder, *program_account(settings))


def make_token(settings: Settings) -> None:
    """Make the operator's token, unless there is one: a token that operators have noted down stays valid."""
    if not settings.operator_token.exists():
        write(settings.operator_token, secrets.token_urlsafe(32) + "\n")
    os.chown(settings.operator_token, *program_account(settings), follow_symlinks=False)


def make_audit_key(settings: Settings) -> None:
    """Make the secret of the audit trail's HMACs, unless there is one: with another one, the trail would not verify.

    Raises:
        Failure: The secret is missing, but the trail is there.
    """
    if not settings.audit_key.exists():
        if settings.audit.exists():
            raise Failure(
                f"{settings.audit_key} is missing, and {settings.audit} can't be continued without it",
                "Nothing was started. Restore the key; or move the trail elsewhere, and a new one begins.",
            )
        write(settings.audit_key, secrets.token_hex(KEY_BYTES) + "\n")
    os.chown(settings.audit_key, *program_account(settings), follow_symlinks=False)


def check_may_change_principals(settings: Settings) -> None:
    """Check that this process may change keys and users.

    Raises:
        Failure: There are none, or they belong to another user: the programs could not read what this one writes.
    """
    folder = settings.keys.parent
    if not folder.is_dir():
        raise Failure(f"no stack was ever started in {settings.home}", "Run deploy/up first.")
    owner = user_name(folder.stat().st_uid)
    if owner != user_name(own_account().uid):
        raise Failure(f"the keys and users in {folder} belong to {owner}", f"Run the command as {owner}.")


def protect_principals(settings: Settings) -> None:
    """Let root alone write the files of keys and users, and the programs read them.

    Earlier versions gave the files to the programs' user. They are replaced, since a program may have them open.
    """
    readers = program_group(settings)
    with record_file.locked(settings.keys.parent):
        for path in (settings.keys, settings.users):
            if readers is not None and path.exists():
                found = path.lstat()
                if (found.st_uid, found.st_gid, found.st_mode & 0o777) != (0, readers, 0o640):
                    replace(path, path.read_bytes(), readers)


def write(path: Path, text: str) -> None:
    """Replace a file as a whole, readable by its owner alone: a URL in it may hold a password."""
    replace(path, text.encode())


def _folder_faults(settings: Settings, folder: Folder) -> list[str]:
    path = settings.home / folder.name
    if not os.path.lexists(path):
        return []
    if not path.is_dir() or (path.is_symlink() and path != settings.home):
        return [f"{path} must be a folder, and is something else: move it elsewhere"]
    found = path.stat().st_uid
    owner = _owner(settings, folder)
    if owner and owner.uid == found:
        return []
    # If the programs' user does not exist yet, owner is None, and the name comes from the settings.
    wanted = (folder.of_programs and program_user(settings)) or user_name(own_account().uid)
    fault = (
        f"{path} belongs to {user_name(found)}, and must belong to {wanted}: start the stack as the user who started "
        f"it before, choose another {PREFIX}HOME, or, with the stack down, run: chown -R {wanted} {path}"
    )
    return [fault]


def _owner(settings: Settings, folder: Folder) -> Account | None:
    """Return the account that a folder must belong to; None if there is no such user yet."""
    user = program_user(settings) if folder.of_programs else None
    return account(user) if user else own_account()


def _required_owner(settings: Settings, folder: Folder) -> Account:
    owner = _owner(settings, folder)
    if owner is None:
        raise SettingsError([f"{PREFIX}USER={settings.user!r} can't be used: there is no such user"])
    return owner


def program_account(settings: Settings) -> Account:
    """Return the account that the programs run as. Raises SettingsError if there is no such user."""
    return _required_owner(settings, FOLDERS[-1])


def program_group(settings: Settings) -> int | None:
    """Return the group with which the programs read what only root may write. None: they run as this user."""
    return program_account(settings).gid if is_root() else None
