"""Write supervisord's state of each program to a file: one JSON object, `{"nginx":"running",…}`.

supervisord runs this as an event listener. The file tells processes that may not control supervisord which programs it
has given up. The file lacks a program until its state changes for the first time.

beanstalkd tells only its output that it could not read all of its log when it started. Its state is `damaged` then.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

from tradewire.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


DAMAGE = "Errors reading one or more WAL files"


def main() -> None:
    """Handle events until supervisord ends; http://supervisord.org/events.html describes the protocol."""
    path = Settings.from_env(os.environ).supervisor_states
    states, damaged = _read(path), set[str]()
    while True:
        sys.stdout.write("READY\n")
        sys.stdout.flush()
        header = _fields(sys.stdin.buffer.readline().decode())
        if not header:
            return
        head, _, output = sys.stdin.buffer.read(int(header["len"])).decode(errors="replace").partition("\n")
        event = _fields(head)
        group, name = event["groupname"], event["processname"]
        program = name if group == name else f"{group}:{name}"
        state = header["eventname"].removeprefix("PROCESS_STATE_")
        if header["eventname"].startswith("PROCESS_LOG"):
            if DAMAGE in output:
                damaged.add(program)
        elif (event["from_state"], state) != ("BACKOFF", "STARTING"):  # another attempt is not a recovery
            states[program] = "damaged" if state == "RUNNING" and program in damaged else state.lower()
            _write(path, states)
        if state == "STARTING":
            damaged.discard(program)
        sys.stdout.write("RESULT 2\nOK")
        sys.stdout.flush()


def _fields(line: str) -> dict[str, str]:
    return dict(field.split(":", 1) for field in line.split())


def _read(path: Path) -> dict[str, str]:
    """Read what this listener wrote before it was restarted. deploy/up deletes the file of an earlier stack."""
    try:
        states: dict[str, str] = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return states


def _write(path: Path, states: dict[str, str]) -> None:
    """Replace the file as a whole. If the disk is full, keep the old one."""
    new = path.with_suffix(".new")
    try:
        new.write_text(json.dumps(states))
        new.replace(path)
    except OSError as error:
        sys.stderr.write(f"{path} can't be written: {error.strerror}\n")


if __name__ == "__main__":
    main()
