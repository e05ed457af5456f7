"""Whose rights a step needs. root acts with another user's rights wherever that user can write."""

from __future__ import annotations

import grp
import os
import pwd
import subprocess
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tradewire.settings import Settings


class Account(NamedTuple):
    """A user's id and group."""

    uid: int
    gid: int


def own_account() -> Account:
    """Return the account that runs this process."""
    return Account(os.geteuid(), os.getegid())


def is_root() -> bool:
    """Return True if this process runs as root."""
    return os.geteuid() == 0


def program_user(settings: Settings) -> str | None:
    """Name the unprivileged user that the programs run as; None if that is the user who starts the stack."""
    return settings.user if is_root() else None


def account(user: str) -> Account | None:
    """Look up a user; None if there is no such user."""
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        return None
    return Account(entry.pw_uid, entry.pw_gid)


def group_of(user: str) -> str | None:
    """Name a user's primary group; None if there is no such user or group yet."""
    try:
        return grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_name
    except KeyError:
        return None


def user_name(uid: int) -> str:
    """Return a user's name, or the number if it has none, as in a container that is started with a bare number."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def run_as(who: Account, command: Sequence[str | Path], **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a command with an account's rights. The command is looked up in PATH with the same rights."""
    own_input: dict[str, Any] = {} if "input" in options else {"stdin": subprocess.DEVNULL}
    return subprocess.run(command, text=True, check=False, **own_input, **_rights(who), **options)


def run_as_owner(folder: Path, command: Sequence[str | Path], **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a command with the rights of a folder's owner: root never acts on what other users have written."""
    return run_as(_owner(folder), command, **options)


def rights_of_owner(folder: Path) -> dict[str, Any]:
    """Return the arguments with which subprocess runs a command with the rights of a folder's owner."""
    return _rights(_owner(folder))


def _owner(folder: Path) -> Account:
    found = folder.lstat()  # not of a link's target: another user could have made the link to lead root elsewhere
    return Account(found.st_uid, found.st_gid)


def _rights(who: Account) -> dict[str, Any]:
    return {} if who.uid == os.geteuid() else {"user": who.uid, "group": who.gid, "extra_groups": []}
