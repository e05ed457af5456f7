"""Decide what deploy/up has to do: read the settings, and set up what is missing unless the stack runs.

Then hand over to deploy/start.py, which needs the packages in .venv. This module and its imports need none, so they run
on any Python from 3.11 on, and find faults in the settings before anything is set up.
"""

from __future__ import annotations

import os
import subprocess
import sys

from deploy import console, environment, home_version, hosts, self_signed
from deploy.checkout import PYTHON, SETUP
from deploy.console import Failure, say, warn
from deploy.stack import Stack
from tradewire.version import VERSION

_FOREGROUND, _SELF_SIGNED, _WITHOUT_COPY, _VERSION = "--foreground", "--self-signed", "--without-copy", "--version"
_OPTIONS = (_FOREGROUND, _SELF_SIGNED, _WITHOUT_COPY, _VERSION)


def up() -> None:
    """Decide, set up, and hand over."""
    arguments = sys.argv[1:]
    for argument in arguments:
        if argument not in _OPTIONS:
            usage = " ".join(f"[{option}]" for option in _OPTIONS)
            raise Failure(f"{argument} is not an option", f"Usage: deploy/up {usage}")
    if _VERSION in arguments:
        say(f"Tradewire {VERSION}")
        return
    found = environment.read(os.environ)
    if _SELF_SIGNED in arguments:
        _choose_self_signed(found)
    warn(*found.warnings)
    warn(*hosts.warnings(found.settings()))
    if Stack(found.home).runs_as_own():
        home_version.check_same(found.home)
        if not _setup("--check"):
            raise Failure(
                "Tradewire runs, but not as this checkout would start it: its packages or page have changed",
                "Nothing was changed. Run deploy/down, then deploy/up.",
            )
    elif not _setup():
        sys.exit(1)  # deploy/setup has said why
    os.execve(PYTHON, [str(PYTHON), "-P", "-m", "deploy.start", *arguments], {**os.environ, **found.variables})


def _choose_self_signed(found: environment.Environment) -> None:
    """Set the settings of TLS to the stack's own certificate."""
    own = self_signed.variables(found.home)
    if given := [name for name in own if found.variables.get(name, own[name]).strip() not in {"", own[name]}]:
        raise Failure(f"{_SELF_SIGNED} makes a certificate, and {given[0]} names another", "Leave out one of them.")
    found.variables.update(own)


def _setup(*arguments: str) -> bool:
    return subprocess.run([SETUP, *arguments], check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(console.run("deploy/up", up))
