"""Makes a set while the stack runs.

Everything that was answered 201 before the set was begun is in it, in the queue or in the archive:

1. The ledger's slots and counts. All messages that they call accepted were in the queue, so they are
2. in the files of the queue, unless they have been archived by then. In that case they are
3. in the archive. A message that is in both is a redelivery, as after kill -9.
4. The last times and slots of the counters. So no later request takes a time or a slot of the queue or the archive.

In any other order, a message could be on its way from one part to the next while both are copied, and be in neither.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tarfile
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from tradewire.backup import encryption, home_files, manifest
from tradewire.backup.home_files import HomeArchive
from tradewire.backup.manifest import HOME_FILES, Manifest
from tradewire.errors import Unavailable
from tradewire.event import format_time, from_microseconds
from tradewire.ledger import counters
from tradewire.ledger.watermark import settled_up_to
from tradewire.queue import factory
from tradewire.store import copying, engine
from tradewire.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tradewire.settings import Settings
    from tradewire.store.copying import Copied

_NEW: Final = ".new-"
"""The name of a set that is being made begins with this, and the id of its stack."""
_PLAIN: Final = "backup"
"""A folder beside the archive, for files that are not encrypted yet: they never come into the folder of sets."""
_SPARE_BYTES: Final = 200 * 10**6
"""Space that a set leaves free: below it, /readyz may report the disk as nearly full."""


class _Contents(NamedTuple):
    """What the files of a set have."""

    complete_up_to: int
    accepted: int
    store: Copied


def make(settings: Settings, folder: Path) -> Path:
    """Make a set.

    Args:
        settings: The settings of the stack.
        folder: The folder for sets.

    Returns:
        The set.

    Raises:
        Unavailable: A part can't be copied, or the set can't be written. Nothing is left of it.
        OSError: The same.
    """
    if not settings.own_queue:
        raise Unavailable("the queue of TRADEWIRE_QUEUE_URL is outside the home, so a set would lack its messages")
    stack = counters.stack_id(settings.counters)
    plain = settings.home / "store" / _PLAIN
    with _locked(settings):
        for left in (plain, *folder.glob(unfinished(folder, stack, "*").name)):  # by a run that was killed
            if left.exists():
                shutil.rmtree(left)
        _check_space(settings, folder)
        while (path := folder / manifest.set_name(begun := time.time())).exists():
            time.sleep(0.1)
        new = unfinished(folder, stack, path.name)
        new.mkdir(mode=0o700)
        try:
            if settings.backups.recipient:
                plain.mkdir(mode=0o700)
                contents = _copy(settings, plain)
                _encrypt(plain, new, settings.backups.recipient)
            else:
                contents = _copy(settings, new)
            _finish(settings, new, begun, contents)
            new.rename(path)
            _sync(folder)
        except BaseException:
            shutil.rmtree(new, ignore_errors=True)
            raise
        finally:
            shutil.rmtree(plain, ignore_errors=True)
    return path


def unfinished(folder: Path, stack: str, name: str) -> Path:
    """Return the path of a set that is not complete: the next run of the stack removes it."""
    return folder / f"{_NEW}{stack}-{name}"


def _copy(settings: Settings, folder: Path) -> _Contents:
    """Copy everything, in the order that makes the set consistent."""
    complete_up_to = settled_up_to(settings.counters)
    with tarfile.open(folder / HOME_FILES, "w", format=tarfile.PAX_FORMAT) as tar:
        archive = HomeArchive(tar, settings.home)
        home_files.add_ledger(archive, settings)
        counted = counters.read_files(settings.counters)
        for name, content in factory.own_log(settings.home):
            archive.put(f"queue/{name}", content)
        for name in home_files.LATE:
            archive.add_folder(settings.counters / name)
        store = copying.copy(settings.store, folder)
        later = counters.continued(counted, counters.read_files(settings.counters))
        for name, content in later.items():
            archive.put(f"{settings.counters.name}/{name}", content)
        home_files.add_principals(archive, settings)
    return _Contents(complete_up_to, counters.sum_up(counted).accepted, store)


def _encrypt(plain: Path, new: Path, recipient: str) -> None:
    for path in sorted(plain.iterdir()):
        encryption.encrypt(path, new, recipient)
        path.unlink()


def _finish(settings: Settings, new: Path, begun: float, contents: _Contents) -> None:
    """Write the manifest, when all other files are on the disk."""
    for path in (*new.iterdir(), new):
        _sync(path)
    manifest.write(
        new,
        Manifest(
            format=manifest.FORMAT,
            stack=counters.stack_id(settings.counters),
            version=VERSION,
            begun_at=_text(begun),
            finished_at=_text(time.time()),
            complete_up_to=format_time(from_microseconds(contents.complete_up_to)),
            store=copying.kind_of(settings.store),
            schema=contents.store.schema,
            accepted=contents.accepted,
            archived=contents.store.messages,
            files=[manifest.summed(path) for path in sorted(new.iterdir())],
        ),
    )


@contextmanager
def _locked(settings: Settings) -> Iterator[None]:
    """Lock the home against other runs."""
    file = os.open(settings.counters, os.O_RDONLY)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise Unavailable("another backup of this stack is being made") from error
    finally:
        os.close(file)


def _check_space(settings: Settings, folder: Path) -> None:
    """Check that the disk has room for a set. Otherwise it might fill up the disk of the stack."""
    file = engine.sqlite_file(settings.store)
    paths = [*(settings.home / "queue").iterdir(), *([file] if file and file.exists() else ())]
    needed = sum(map(_size, paths)) + _SPARE_BYTES
    places = [folder, *([settings.home / "store"] if settings.backups.recipient else ())]
    shared = len(places) // len({place.stat().st_dev for place in places})  # how many of them are on one disk
    for place in places:
        free = shutil.disk_usage(place).free // shared
        if free < needed:
            raise Unavailable(f"{place} has {free // 2**20} MiB free for a set, which needs {needed // 2**20} MiB")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # the queue has deleted it
        return 0


def _text(seconds: float) -> str:
    return format_time(datetime.fromtimestamp(seconds, UTC))


def _sync(path: Path) -> None:
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
