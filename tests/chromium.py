"""The distribution's Chromium, as tests, measurements and pictures start it."""

from __future__ import annotations

import os
from typing import Any, Final

from tests.support import need

_ARGUMENTS: Final = (
    "--disable-gpu",
    "--disable-background-networking",  # nothing outside loopback is ever contacted
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


def how_to_launch() -> dict[str, Any]:
    """Give the arguments of Playwright's `launch`."""
    sandbox = ("--no-sandbox",) if os.geteuid() == 0 else ()
    return {"executable_path": need("chromium"), "args": [*_ARGUMENTS, *sandbox]}
