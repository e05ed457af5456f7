"""Empty the tube of a consumer that is switched off: deliver the jobs in it, or give them up."""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext

from deploy import console, environment, leftover, own_queue
from deploy.audit_trail import recorded
from deploy.console import Failure, say
from deploy.stack import Stack
from tradewire.settings import PREFIX, Settings

_USAGE = "Usage: deploy/consumer drain|drop NAME"
_CONSUMERS = f"{PREFIX}CONSUMERS"


def consumer() -> None:
    """Do what the arguments say."""
    match sys.argv[1:]:
        case ["drain" | "drop" as action, name]:
            _empty(action, name)
        case _:
            raise Failure("expected an action and the name of a consumer", _USAGE)


def _empty(action: str, name: str) -> None:
    found = environment.read(os.environ)
    names = found.variables.get(_CONSUMERS, "").strip() or ",".join(each.name for each in Settings.consumers)
    if name in [each.strip() for each in names.split(",")]:
        raise Failure(f"{name} is switched on", f"Leave it out of {_CONSUMERS}, and run deploy/down.")
    if action == "drain":  # its processor needs its settings
        found.variables[_CONSUMERS] = f"{names},{name}"
    settings, environ = found.settings(), {**os.environ, **found.variables}
    stack = Stack(settings.home)
    if not (settings.home / "run").is_dir():
        raise Failure(f"no stack was ever started in {settings.home}")
    with stack.lock(), nullcontext() if stack.runs() else own_queue.serve(settings):
        before = leftover.count(settings, environ, [name])
        if not before:
            say(f"The tube of {name} is empty.")
            return
        say(f"There are {before[0]}.")
        details = {"consumer": name, "jobs": before[0].jobs, "deadLetters": before[0].dead_letters}
        with recorded(settings, f"consumer-{action}", details):
            command = (
                ["processor", name, "--until-empty"] if action == "drain" else ["processor.leftover", "drop", name]
            )
            has_failed = leftover.run_module(settings, environ, *command).returncode != 0
            if after := leftover.count(settings, environ, [name]):
                hint = "See the lines above." if has_failed else f"To give them up, run deploy/consumer drop {name}."
                raise Failure(f"there are still {after[0]}", hint)
    say(f"The tube of {name} is empty now.")


if __name__ == "__main__":
    sys.exit(console.run("deploy/consumer", consumer))
