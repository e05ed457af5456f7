"""What the commands in deploy/ do with the rights of the programs' user.

python -m tradewire.audit append FILE KEY                        append the record that standard input has as JSON
python -m tradewire.audit verify FILE KEY [--count N --head H]   walk the chain
python -m tradewire.audit pseudonym FILE KEY                     print the pseudonym of each line of standard input

Exit status: 0 done, and the chain is whole; 1 failed, or it is not.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from tradewire.audit.chain import Head
from tradewire.audit.trail import Entry, Trail
from tradewire.audit.walk import Walk
from tradewire.errors import Unavailable


def _verify(trail: Trail, seen: Head | None) -> str:
    """Walk the chain. Return the fault; empty if there is none."""
    walk = Walk(trail, seen)
    walk.advance()
    if walk.is_torn:  # or a process is writing it: a second look, when that is done
        with trail.held():
            walk.advance()
    walk.check_seen()
    for number in walk.torn:
        sys.stdout.write(f"Line {number} was torn, as by a crash. The record behind it marks it.\n")
    if walk.is_torn and not walk.fault:
        sys.stdout.write("The last line was torn, as by a crash. The next record will mark it.\n")
    if walk.fault:
        return f"line {walk.fault.line}: {walk.fault.reason}"
    sys.stdout.write(f"The chain is whole. Count: {walk.head.count}. Head: {walk.head.mac}\n")
    return ""


def main() -> int:
    """Do what the arguments say. Return the exit status."""
    parser = argparse.ArgumentParser(prog="tradewire.audit")
    parser.add_argument("action", choices=["append", "verify", "pseudonym"])
    parser.add_argument("file", type=Path)
    parser.add_argument("key", type=Path)
    parser.add_argument("--count", type=int)
    parser.add_argument("--head", default="")
    arguments = parser.parse_args()
    trail, fault = Trail(arguments.file, arguments.key), ""
    try:
        match arguments.action:
            case "append":
                trail.append(Entry(**json.load(sys.stdin)))
            case "verify":
                fault = _verify(trail, None if arguments.count is None else Head(arguments.count, arguments.head))
            case _:
                for line in sys.stdin:
                    sys.stdout.write(f"{trail.pseudonym(line.rstrip(chr(10)))}\n")
    except Unavailable as error:
        fault = str(error)
    if fault:
        sys.stderr.write(f"{fault}\n")
    return 1 if fault else 0


if __name__ == "__main__":
    sys.exit(main())
