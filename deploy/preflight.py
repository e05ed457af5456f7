"""Checks of this machine before the stack starts: limits, folders, user, disk space."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

from deploy import ca_files, layout, self_signed, tls
from deploy.capacity import OTHER_FILES, raise_file_limit
from deploy.checkout import PYTHON, ROOT
from deploy.console import Failure, say, warn
from deploy.privileges import account, program_user, run_as
from tradewire.errors import SettingsError
from tradewire.settings import PREFIX

if TYPE_CHECKING:
    from pathlib import Path

    from deploy.privileges import Account
    from tradewire.settings import Settings

FREE_MB_MIN = 200
"""Space that the queue's log needs to begin with."""


def check_settings(settings: Settings) -> None:
    """Raise SettingsError with every setting that this machine can't satisfy."""
    faults = []
    if not re.fullmatch(r"[\w./+@-]+", str(ROOT), re.ASCII):
        faults.append(f"the project's path, {ROOT}, may contain only letters, digits and ./_+@-: move the project")
    allowed = raise_file_limit(settings.max_browsers + settings.max_posts)
    needed = settings.max_browsers + OTHER_FILES
    if needed > allowed:
        faults.append(
            f"{PREFIX}MAX_BROWSERS={settings.max_browsers} needs {needed} file descriptors, and this machine "
            f"allows {allowed}: raise that (ulimit -Hn; LimitNOFILE= in systemd), or allow fewer browsers"
        )
    faults += layout.faults(settings)
    if settings.has_tls and not self_signed.is_chosen(settings):
        try:
            warn(*tls.warnings(tls.read(settings)))
        except SettingsError as error:
            faults += error.faults
    if settings.client_ca:
        try:
            warn(*ca_files.read(settings).warnings)
        except SettingsError as error:
            faults += error.faults
    if faults:
        raise SettingsError(faults)


def prepare_user(settings: Settings) -> None:
    """Make the user that the programs run as if necessary, and check that it can reach the project's files."""
    name = program_user(settings)
    if name is None:
        return
    user = account(name) or _make_user(name)
    if settings.has_tls:
        tls.make_group()
    for folder in (ROOT, layout.existing(settings.home)):
        if not _can(user, "test", "-x", folder):
            raise Failure(
                f"user {name}, which the programs run as, can't reach {folder}",
                "Let everyone pass through its folders (chmod o+x), or move it to where everyone can, such as /srv or "
                "/opt.",
            )
    if not _can(user, PYTHON, "-c", ""):
        raise Failure(f"user {name}, which the programs run as, can't run {PYTHON}", f"Delete {ROOT}/.venv and retry.")
    if not _can(user, "test", "-r", ROOT / "tradewire/settings.py"):
        raise Failure(
            f"user {name}, which the programs run as, can't read the files in {ROOT}", f"Run: chmod -R o+rX {ROOT}"
        )


def unfinished_restore(settings: Settings) -> Path:
    """Return the path of the folder that is in the home while deploy/restore works on it."""
    return settings.home / "restoring"


def check_restored(settings: Settings) -> None:
    """Check that no restore was interrupted: the home would lack files. Raises Failure."""
    if unfinished_restore(settings).exists():
        raise Failure(
            f"deploy/restore was interrupted, so {settings.home} is incomplete; nothing was started",
            "Delete the home, and run deploy/restore again.",
        )


def check_space(settings: Settings) -> None:
    """Check that the disk has room for the queue's log."""
    free = shutil.disk_usage(layout.existing(settings.home)).free // 2**20
    if free < FREE_MB_MIN:
        raise Failure(
            f"only {free} MB are free in {settings.home}; the queue's log needs {FREE_MB_MIN} to begin with",
            f"Free some space there, or choose another {PREFIX}HOME.",
        )


def _make_user(name: str) -> Account:
    if shutil.which("useradd") is None:
        raise Failure(
            f"there is no user {name} to run the programs as, and no useradd to make it",
            f"Make a system user without a login, or name another one in {PREFIX}USER.",
        )
    say(f"Making the system user {name}, which the programs run as …")
    options = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    subprocess.run(["useradd", *options, "--shell", "/usr/sbin/nologin", name], check=False)
    made = account(name)
    if made is None:
        raise Failure(f"user {name}, to run the programs as, can't be made", "See the line above.")
    return made


def _can(user: Account, *command: str | Path) -> bool:
    return run_as(user, command, stderr=subprocess.DEVNULL).returncode == 0
