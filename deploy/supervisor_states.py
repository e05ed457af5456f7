"""Write supervisord's state of each program to a file: one JSON object, `{"nginx":"running",…}`.

supervisord runs this as an event listener. The file tells processes that may not control supervisord which programs it
has given up. The file lacks a program until its state changes for the first time.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

from tradewire.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


def main() -> None:
    """Handle events until supervisord ends; http://supervisord.org/events.html describes the protocol."""
    path = Settings.from_env(os.environ).supervisor_states
    states = _read(path)
    while True:
        sys.stdout.write("READY\n")
        sys.stdout.flush()
        header = _fields(sys.stdin.readline())
        if not header:
            return
        event = _fields(sys.stdin.read(int(header["len"])))
        group, name = event["groupname"], event["processname"]
        program = name if group == name else f"{group}:{name}"
        state = header["eventname"].removeprefix("PROCESS_STATE_")
        if (event["from_state"], state) != ("BACKOFF", "STARTING"):  # another attempt is not a recovery
            states[program] = state.lower()
            _write(path, states)
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
