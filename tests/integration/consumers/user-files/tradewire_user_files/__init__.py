"""A consumer that delivers each event as a file into the folder of its user."""

from __future__ import annotations

from pathlib import Path

from tradewire.consumer import Consumer, Outcome
from tradewire.setting import Setting


def _folder(text: str) -> Path:
    path = Path(text)
    if not path.is_absolute():
        raise ValueError("expected an absolute path")
    return path


CONSUMER = Consumer(
    name="user-files",
    sink="tradewire_user_files.sink:UserFilesSink",
    title="User files",
    away="No processor writes the users' files. Trades wait in the queue.",
    outcomes=(Outcome("delivered", "Delivered", "as a file to its user"),),
    processors_max=2,
    max_age_seconds=86_400,
    settings=(Setting("FOLDER", None, _folder),),
)
