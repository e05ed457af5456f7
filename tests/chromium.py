"""Options to launch the Chromium of the Linux distribution, for tests, benchmarks and screenshots."""

from __future__ import annotations

import os
from typing import Any, Final

from tests.support import require_program

_ARGUMENTS: Final = (
    "--disable-gpu",
    "--disable-background-networking",  # tests contact nothing outside loopback
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


def launch_options() -> dict[str, Any]:
    """Return keyword arguments for Playwright's `launch`."""
    sandbox = ("--no-sandbox",) if os.geteuid() == 0 else ()
    return {"executable_path": require_program("chromium"), "args": [*_ARGUMENTS, *sandbox]}
