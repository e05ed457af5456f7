"""Stop the stack in TRADEWIRE_HOME, and end what a killed supervisord left of it. Needs no setting but that one."""

from __future__ import annotations

import os
import sys

from deploy import console, environment
from deploy.checkout import ROOT
from deploy.console import Failure, say, warn
from deploy.privileges import is_root, own_account, user_name
from deploy.stack import Stack


def down() -> None:
    """Stop the stack. nginx stops first, so requests in progress get their answer."""
    if sys.argv[1:]:
        usage = f"Usage: deploy/down, with TRADEWIRE_HOME set for a stack other than the one in {ROOT}/var"
        raise Failure(f"{sys.argv[1]} is not an option", usage)
    found = environment.read(os.environ)
    warn(*found.faults)
    home, stack = found.home, Stack(found.home)
    run = home / "run"
    if not run.is_dir():
        say(f"Nothing to stop: no stack was ever started in {home}.")
        return
    owner = run.stat().st_uid
    if owner != own_account().uid and not is_root():
        raise Failure(f"the stack in {home} was started by {user_name(owner)}", "Run deploy/down as that user.")
    with stack.lock():
        if stack.runs():
            say(f"Stopping Tradewire in {home} …")
        elif stack.has_remaining():
            say(f"supervisord was killed; ending what it left in {home} …")
        else:
            say(f"Nothing to stop: Tradewire does not run in {home}.")
            return
        stack.end()
        say("Stopped.")


if __name__ == "__main__":
    sys.exit(console.run("deploy/down", down))
