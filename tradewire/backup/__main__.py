"""Makes a set: `python -m tradewire.backup FOLDER`, with the stack's settings in the environment.

It prints the path of the set. Exit status: 0 done; 1 failed, and standard error says why.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from tradewire.backup import making
from tradewire.errors import TradewireError
from tradewire.settings import Settings

_NICE: Final = 19
"""The stack's programs come first."""


def main() -> int:
    """Make a set. Return the exit status."""
    os.umask(0o077)
    os.nice(_NICE)
    try:
        made = making.make(Settings.from_env(os.environ), Path(sys.argv[1]))
    except (TradewireError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{made}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
