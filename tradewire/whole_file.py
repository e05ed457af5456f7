"""Replaces a file as a whole, so that a reader and a power cut find the old content or the new one.

It needs nothing but the standard library.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

EVERYONE: Final = -1
"""As readers: every user."""


def replace(path: Path, content: bytes, readers: int | None = None) -> None:
    """Replace a file as a whole, or make it. It belongs to the user who runs this process.

    It never has more readers than it shall have.

    Args:
        path: The file. No other process may write it at the same time.
        content: The content.
        readers: The number of the group whose members may read the file, too, or EVERYONE. None: its owner alone may.

    Raises:
        OSError: It can't be written. It holds what it held before.
    """
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)  # kill -9 may have left it
    file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(file, "wb") as writer:
        writer.write(content)
        writer.flush()
        if readers is not None:
            os.fchown(file, -1, readers)
            os.fchmod(file, 0o644 if readers == EVERYONE else 0o640)
        os.fsync(file)
    new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
