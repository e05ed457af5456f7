"""Write down the state in which supervisord sees each part: one JSON object, `{"nginx":"RUNNING",…}`.

A listener to supervisord's events, so that parts that may not command supervisord can know of a part that it has given
up. A state that is missing is not known yet.
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
    """Take event after event, until supervisord ends; http://supervisord.org/events.html says how."""
    path = Settings.from_env(os.environ).supervisor_states
    states = _known(path)
    while True:
        sys.stdout.write("READY\n")
        sys.stdout.flush()
        header = _fields(sys.stdin.readline())
        if not header:
            return
        event = _fields(sys.stdin.read(int(header["len"])))
        group, name = event["groupname"], event["processname"]
        part = name if group == name else f"{group}:{name}"
        state = header["eventname"].removeprefix("PROCESS_STATE_").lower()
        if (event["from_state"], state) != ("BACKOFF", "starting"):  # a part that is tried again has not come back
            states[part] = state
            _write(path, states)
        sys.stdout.write("RESULT 2\nOK")
        sys.stdout.flush()


def _fields(line: str) -> dict[str, str]:
    return dict(field.split(":", 1) for field in line.split())


def _known(path: Path) -> dict[str, str]:
    """Give what a predecessor has written; deploy/up deletes what is of an earlier stack."""
    try:
        states: dict[str, str] = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return states


def _write(path: Path, states: dict[str, str]) -> None:
    """Replace the file as a whole, where the disk has room for it."""
    fresh = path.with_suffix(".new")
    try:
        fresh.write_text(json.dumps(states))
        fresh.replace(path)
    except OSError as error:
        sys.stderr.write(f"{path} can't be written: {error.strerror}\n")


if __name__ == "__main__":
    main()
