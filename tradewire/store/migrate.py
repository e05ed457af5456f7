"""Migrate the archive, if there is one, and print each step: `python -m tradewire.store.migrate`, for deploy/up.

The archive's processor does the same when it starts, without a word.
"""

from __future__ import annotations

import os
import sys

from tradewire.errors import SettingsError, StoreUnavailable
from tradewire.settings import Settings
from tradewire.store.engine import sqlite_file
from tradewire.store.writing import StoreWriter


def main() -> int:
    """Migrate. Return the exit status: 0, 1 if it is impossible now, 2 if settings are invalid."""
    try:
        settings = Settings.from_env(os.environ)
    except SettingsError as error:
        _warn(*error.faults)
        return 2
    file = sqlite_file(settings.store)
    if file and not file.exists():
        return 0
    writer = StoreWriter(settings.store, "")
    try:
        writer.migrate(_say)
    except StoreUnavailable as error:
        _warn(str(error))
        return 1
    finally:
        writer.close()
    return 0


def _say(step: str) -> None:
    sys.stdout.write(f"Migrating the archive: {step}\n")
    sys.stdout.flush()


def _warn(*lines: str) -> None:
    sys.stderr.writelines(f"{line}\n" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
