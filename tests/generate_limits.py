"""Generate web/src/server/limits.ts: the limits of the server that the page relies on.

Run `.venv/bin/python -m tests.generate_limits` after changing one. A test fails if the file is stale.
"""

from __future__ import annotations

from pathlib import Path

from tradewire.store.reading_stats import STEPS_MAX

TARGET = Path(__file__).parents[1] / "web/src/server/limits.ts"

_TEXT = """\
/** Limits of the server, written by tests/generate_limits.py; not to be edited by hand. */

/** The archive's series have no more steps, from the first trade on, unless these are days. */
export const SERIES_STEPS_MAX = {steps_max};
"""


def page_limits() -> str:
    """Return the content of the file."""
    return _TEXT.format(steps_max=STEPS_MAX)


if __name__ == "__main__":
    TARGET.write_text(page_limits())
