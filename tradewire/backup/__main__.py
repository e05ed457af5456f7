"""Works on backups, with the settings of the stack in the environment.

python -m tradewire.backup make FOLDER [--thin-out]   make a set, and print its path
python -m tradewire.backup drilled NAME FAULT         note what came of a drill; an empty FAULT means that it succeeded
python -m tradewire.backup count                      print the number of messages in the archive

Exit status: 0 done; 1 failed, and standard error says why.
"""

from __future__ import annotations

import argparse
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tradewire.backup import making, outcomes, thinning
from tradewire.backup.outcomes import Outcome
from tradewire.errors import TradewireError, Unavailable
from tradewire.event import format_time
from tradewire.ledger.counters import stack_id
from tradewire.settings import Settings
from tradewire.store import copying

_NICE: Final = 10
"""The stack's programs come first, the consumers at nice 5, too."""


def main() -> int:
    """Do what the arguments say. Return the exit status."""
    parser = argparse.ArgumentParser(prog="tradewire.backup")
    actions = parser.add_subparsers(dest="action", required=True)
    make = actions.add_parser("make")
    make.add_argument("folder", type=Path)
    make.add_argument("--thin-out", action="store_true")
    drilled = actions.add_parser("drilled")
    drilled.add_argument("name")
    drilled.add_argument("fault")
    actions.add_parser("count")
    arguments = parser.parse_args()
    os.umask(0o077)
    os.nice(_NICE)
    try:
        settings = Settings.from_env(os.environ)
        match arguments.action:
            case "make":
                path = making.make(settings, arguments.folder)
                sys.stdout.write(f"{path}\n")
                if arguments.thin_out:
                    _thin_out(settings, path)
            case "drilled":
                now = format_time(datetime.now(UTC))
                outcomes.note(settings.last_drill, Outcome(now, arguments.name, arguments.fault))
            case _:
                sys.stdout.write(f"{copying.count(settings.store)}\n")
    except (TradewireError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _thin_out(settings: Settings, made: Path) -> None:
    """Remove the older sets that are not kept. A failure says that the new set exists all the same."""
    try:
        thinning.thin_out(made.parent, stack_id(settings.counters))
    except (TradewireError, OSError) as error:
        raise Unavailable(f"{made.name} was made, but older backups can't be removed: {error}") from error


if __name__ == "__main__":
    sys.exit(main())
