"""Writes the files of a set into an empty home."""

from __future__ import annotations

import os
import shutil
import tarfile
import time
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Final

from tradewire.backup import encryption
from tradewire.backup.manifest import HOME_FILES
from tradewire.errors import Unavailable
from tradewire.event import format_time, to_microseconds
from tradewire.ledger import losses
from tradewire.ledger.losses import Span
from tradewire.store import copying

if TYPE_CHECKING:
    from pathlib import Path

    from tradewire.backup.manifest import Manifest
    from tradewire.settings import Settings

_SPARE_BYTES: Final = 200 * 10**6


def check(settings: Settings, manifest: Manifest) -> None:
    """Check that a set can be restored with these settings. Nothing is changed.

    Args:
        settings: The settings of the stack that will run in the home.
        manifest: The set's manifest.

    Raises:
        Unavailable: It can't; the message says why.
    """
    if not settings.own_queue:
        raise Unavailable(
            "TRADEWIRE_QUEUE_URL is set, and the messages in the set's queue would stay out of that queue"
        )
    copying.check_target(settings.store, manifest.store, manifest.schema)


def check_space(folder: Path, manifest: Manifest) -> None:
    """Check that a disk has room for the files of a set. Raises Unavailable."""
    parts = 2 if manifest.is_encrypted else 1  # it is decrypted first
    needed = parts * sum(file.bytes for file in manifest.files) + _SPARE_BYTES
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise Unavailable(f"{folder} has {free // 2**20} MiB free, and the set needs {needed // 2**20} MiB")


def unpack(path: Path, manifest: Manifest, settings: Settings, key: Path | None, work: Path) -> Span:
    """Write the files of a set, for the user who runs this process. Nothing but their owners is left to change.

    Args:
        path: The set. Its sums were checked.
        manifest: Its manifest.
        settings: They name the home, which must exist and be empty, and the archive.
        key: The file with private keys, if the set is encrypted.
        work: An empty folder for files that are needed meanwhile.

    Returns:
        The span that the ledger of the home names.

    Raises:
        Unavailable: A file can't be decrypted, or the ledger or the archive can't be written.
        OSError: A file can't be read or written.
    """
    source = _decrypted(path, manifest, key, work) if manifest.is_encrypted else path
    with tarfile.open(source / HOME_FILES) as tar:
        for member in tar:
            content = tar.extractfile(member)
            if content is None or ".." in member.name.split("/") or member.name.startswith("/"):
                raise Unavailable(f"{path / HOME_FILES} has {member.name}, which is no file below a home")
            _write(settings.home / member.name, content)
            os.utime(settings.home / member.name, (member.mtime, member.mtime))  # of a session: its last use
    copying.restore(settings.store, source)
    since = to_microseconds(datetime.fromisoformat(manifest.complete_up_to))
    now = datetime.fromtimestamp(time.time(), UTC)
    span = Span(since, to_microseconds(now), path.name, format_time(now))
    losses.name_span(settings.counters, span)
    return span


def _decrypted(path: Path, manifest: Manifest, key: Path | None, work: Path) -> Path:
    if key is None:
        raise Unavailable(f"{path} is encrypted, and needs a private key")
    keys = encryption.identities(key)
    for file in manifest.files:
        encryption.decrypt(path / file.name, work, keys)
    return work


def _write(path: Path, content: IO[bytes]) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("xb") as file:
        path.chmod(0o600)
        shutil.copyfileobj(content, file, 2**20)
        file.flush()
        os.fsync(file.fileno())
