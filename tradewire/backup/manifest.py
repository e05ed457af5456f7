"""The manifest of a set, and the sets in a folder."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec

from tradewire.errors import Unavailable
from tradewire.whole_file import replace

if TYPE_CHECKING:
    from pathlib import Path

NAME: Final = "manifest.json"
HOME_FILES: Final = "home.tar"
"""The file of a set with the files of the home."""
FORMAT: Final = 1
"""Raised when an older version could not restore a set any more."""
_NAME_FORMAT: Final = "%Y-%m-%dT%H-%M-%SZ"
_SET: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ")
_CHUNK_BYTES: Final = 2**20


class SetFile(msgspec.Struct, frozen=True):
    """A file of a set."""

    name: str
    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What a set has. Times are ISO 8601 in UTC with a `Z`."""

    format: int
    stack: str
    """The id of the stack that the set is of."""
    version: str
    """The version of Tradewire that made the set."""
    begun_at: str
    finished_at: str
    complete_up_to: str
    """Every message received before this time and answered 201 is in the set, or was lost before."""
    store: str
    """The kind of the archive: `sqlite` or `postgresql`."""
    schema: str
    """The newest migration of the archive."""
    accepted: int
    """The messages that the set's ledger knows as accepted."""
    archived: int
    """The messages in the set's archive. Others are in its queue."""
    files: list[SetFile]

    @property
    def is_encrypted(self) -> bool:
        """Whether a private key is needed to restore the set."""
        return any(file.name.endswith(".age") for file in self.files)


def set_name(now: float) -> str:
    """Return the name of a set that is begun at a time, in seconds since 1970."""
    return datetime.fromtimestamp(now, UTC).strftime(_NAME_FORMAT)


def begun_at(path: Path) -> datetime:
    """Return the time in the name of a set."""
    return datetime.strptime(path.name, _NAME_FORMAT).replace(tzinfo=UTC)


def sets(folder: Path) -> list[Path]:
    """Return the complete sets in a folder, oldest first.

    Raises:
        OSError: The folder can't be read.
    """
    return sorted(path for path in folder.iterdir() if _SET.fullmatch(path.name) and (path / NAME).exists())


def newest(folder: Path) -> Path:
    """Return the folder if it is a set, else the newest set in it.

    Raises:
        Unavailable: It has no complete set.
    """
    if (folder / NAME).exists():
        return folder
    try:
        found = sets(folder)
    except OSError as error:
        raise Unavailable(f"{folder} can't be read: {error.strerror}") from error
    if not found:
        raise Unavailable(f"{folder} has no complete set")
    return found[-1]


def read(path: Path) -> Manifest:
    """Read the manifest of a set.

    Args:
        path: The set.

    Raises:
        Unavailable: It can't be read, or a newer version wrote it.
    """
    try:
        content = (path / NAME).read_bytes()
    except OSError as error:
        raise Unavailable(f"{path / NAME} can't be read: {error.strerror}") from error
    try:
        found = msgspec.json.decode(content)["format"]
        if found != FORMAT:
            raise Unavailable(f"{path} has the format {found}, and this version knows {FORMAT}")
        return msgspec.json.decode(content, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError, LookupError, TypeError) as error:
        raise Unavailable(f"{path / NAME} is damaged: {error}") from error


def write(path: Path, manifest: Manifest) -> None:
    """Write the manifest of a set. It is on the disk when this returns. Raises OSError."""
    replace(path / NAME, msgspec.json.format(msgspec.json.encode(manifest)) + b"\n")


def summed(path: Path) -> SetFile:
    """Return the size and the sum of a file. Raises OSError."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
    return SetFile(path.name, size, digest.hexdigest())


def check(path: Path, manifest: Manifest) -> None:
    """Compare the files of a set with its manifest.

    Raises:
        Unavailable: A file is missing, can't be read, or is not as it was written.
    """
    for expected in manifest.files:
        try:
            found = summed(path / expected.name)
        except OSError as error:
            raise Unavailable(f"{path / expected.name} can't be read: {error.strerror}") from error
        if found != expected:
            raise Unavailable(f"{path / expected.name} is damaged: it is not as it was written")
