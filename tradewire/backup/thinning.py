"""Removes the sets of a schedule that are not kept any more."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from tradewire.backup import making, manifest
from tradewire.backup.schedule import to_thin_out

if TYPE_CHECKING:
    from pathlib import Path


def thin_out(folder: Path, stack: str) -> list[str]:
    """Remove the sets of a stack that are neither the last of a day, a week or a month that counts.

    Args:
        folder: The folder of sets. Those of other stacks stay.
        stack: The id of the stack.

    Returns:
        The names of the removed sets.

    Raises:
        Unavailable: A manifest can't be read.
        OSError: A set can't be removed.
    """
    own = {manifest.begun_at(path): path for path in manifest.sets(folder) if manifest.read(path).stack == stack}
    removed = [own[time] for time in sorted(to_thin_out(own))]
    for path in removed:
        # Under the name of an unfinished set: if this process is killed, the next run removes the rest of it.
        left = path.rename(making.unfinished(folder, stack, path.name))
        shutil.rmtree(left)
    return [path.name for path in removed]
