"""Audit records of commands: who ran them, and what came of it. root writes them with the rights of the programs' user.

Example:
    with recorded(settings, "key-revoked", {"name": name}):
        revoke(name)
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from deploy.console import Failure
from deploy.privileges import run_as_owner, user_name
from tradewire.audit.trail import Entry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tradewire.settings import Settings

_NO_LOGIN: Final = 2**32 - 1
"""In /proc/self/loginuid: no one has logged in, as in a container or at boot."""


@contextmanager
def recorded(settings: Settings, action: str, details: Mapping[str, Any]) -> Iterator[None]:
    """Record that an action begins, and after the block that it is done, or has failed.

    Args:
        settings: They name the home.
        action: The action.
        details: What it is about. No secrets, and no user's id but as a pseudonym.

    Raises:
        Failure: The beginning can't be recorded, so the action must not happen; or its end can't.
    """
    _append(settings, action, "begun", details)
    try:
        yield
    except BaseException:
        _append(settings, action, "failed", details)
        raise
    _append(settings, action, "done", details)


def run_tool(settings: Settings, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run an action of `tradewire.audit` on the trail, with the rights of the programs' user.

    Raises:
        Failure: No stack was ever started in the home.
    """
    if not (settings.audit.parent.is_dir() and settings.audit_key.exists()):
        raise Failure(f"{settings.home} has no audit trail", "Run deploy/up first, which makes its folder and its key.")
    action, *rest = arguments
    files = [str(settings.audit), str(settings.audit_key)]
    command = [sys.executable, "-P", "-m", "tradewire.audit", action, *files, *rest]
    return run_as_owner(settings.audit.parent, command, cwd=settings.audit.parent, **options)


def _append(settings: Settings, action: str, result: str, details: Mapping[str, Any]) -> None:
    entry = Entry(action, result, actor=_actor(), role="local", client="local", details=details)
    done = run_tool(settings, "append", input=json.dumps(asdict(entry)), stderr=subprocess.PIPE)
    if done.returncode:
        reason = done.stderr.strip().rpartition("\n")[2]
        if result == "begun":
            raise Failure(f"{action} can't be recorded in the audit trail, so nothing was changed", reason)
        raise Failure(f"{action} is {result}, and the audit trail can't record that; it has the beginning", reason)


def _actor() -> str:
    """Return the user who logged in, even if sudo or su made this process another user's. Else, this process's user."""
    with suppress(OSError, ValueError):
        logged_in = int(Path("/proc/self/loginuid").read_text())
        if logged_in != _NO_LOGIN:
            return user_name(logged_in)
    return user_name(os.getuid())
