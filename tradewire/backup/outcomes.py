"""What came of the last backup that the keeper made, and of the last drill: one small file for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tradewire import whole_file
from tradewire.errors import Unavailable

if TYPE_CHECKING:
    from pathlib import Path


class Outcome(msgspec.Struct, frozen=True):
    """What came of a backup or a drill."""

    at: str
    """When it ended, ISO 8601 in UTC with a `Z`."""
    backup: str
    """The name of the set. Empty if none was made."""
    fault: str = ""
    """Why it failed. Empty if it succeeded."""


def note(path: Path, outcome: Outcome) -> None:
    """Note an outcome in place of the one before. Raises OSError."""
    whole_file.replace(path, msgspec.json.encode(outcome))


def read(path: Path) -> Outcome | None:
    """Return the noted outcome. None without a file.

    Raises:
        Unavailable: It can't be read.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Outcome)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Unavailable(f"{path} can't be read: {error}") from error
