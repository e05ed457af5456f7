"""Makes a set while the stack runs.

Everything that was answered 201 before the set was begun is in it, in the queue's log or in the archive:

1. The ledger's slots and counts. All messages that they call accepted were in the queue, so they are
2. in the queue's log, unless they have been archived by then. In that case they are
3. in the archive. A message that is in both is a redelivery, as after kill -9.
4. The last times and slots of the counters. So no later request takes one that the log or the archive knows.

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
from typing import TYPE_CHECKING, Final

from tradewire.backup import home_files, manifest
from tradewire.backup.home_files import HomeArchive
from tradewire.backup.manifest import HOME_FILES, Manifest
from tradewire.errors import Unavailable
from tradewire.event import format_time, from_microseconds
from tradewire.ledger import counters
from tradewire.ledger.watermark import settled_up_to
from tradewire.queue import factory
from tradewire.store import copying, engine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tradewire.settings import Settings
    from tradewire.store.copying import Copied

_NEW: Final = ".new-"
"""A set that is being made has a name with this before it."""
_SPARE_BYTES: Final = 200 * 10**6
"""Space that a set leaves free: below it, /readyz may report the disk as nearly full."""
STORE_FILE: Final = "store.db"


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
    with _locked(folder):
        _remove_unfinished(folder)
        _check_space(settings, folder)
        while (path := folder / manifest.set_name(begun := time.time())).exists():
            time.sleep(0.1)
        new = folder / f"{_NEW}{path.name}"
        new.mkdir(mode=0o700)
        try:
            _fill(settings, new, begun)
            new.rename(path)
            _sync(folder)
        except BaseException:
            shutil.rmtree(new, ignore_errors=True)
            raise
    return path


def _fill(settings: Settings, new: Path, begun: float) -> None:
    complete_up_to = settled_up_to(settings.counters)
    with tarfile.open(new / HOME_FILES, "w", format=tarfile.PAX_FORMAT) as tar:
        archive = HomeArchive(tar, settings.home)
        home_files.add_ledger(archive, settings)
        counted = counters.read_files(settings.counters)
        for name, content in factory.own_log(settings.home):
            archive.put(f"queue/{name}", content)
        for name in home_files.LATE:
            archive.add_folder(settings.counters / name)
        copied = _copy_store(settings, new)
        later = counters.continued(counted, counters.read_files(settings.counters))
        for name, content in later.items():
            archive.put(f"{settings.counters.name}/{name}", content)
        home_files.add_principals(archive, settings)
    _sync(new / HOME_FILES)
    _sync(new)
    manifest.write(
        new,
        Manifest(
            format=manifest.FORMAT,
            stack=counters.stack_id(settings.counters),
            begun_at=_text(begun),
            finished_at=_text(time.time()),
            complete_up_to=format_time(from_microseconds(complete_up_to)),
            store="sqlite",
            schema=copied.schema,
            accepted=counters.sum_up(counted).accepted,
            archived=copied.messages,
            files=[manifest.summed(path) for path in sorted(new.iterdir())],
        ),
    )


def _copy_store(settings: Settings, new: Path) -> Copied:
    return copying.copy_sqlite(settings.store, new / STORE_FILE)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Lock the folder against other runs."""
    file = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise Unavailable(f"another backup is being made in {folder}") from error
    finally:
        os.close(file)


def _remove_unfinished(folder: Path) -> None:
    """Remove what a run that was killed has left."""
    for path in folder.glob(f"{_NEW}*"):
        shutil.rmtree(path)


def _check_space(settings: Settings, folder: Path) -> None:
    """Check that the disk has room for a set. Otherwise it might fill up the disk of the stack."""
    file = engine.sqlite_file(settings.store)
    paths = [*(settings.home / "queue").glob("binlog.*"), *([file] if file and file.exists() else ())]
    needed = sum(path.stat().st_size for path in paths) + _SPARE_BYTES
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise Unavailable(f"{folder} has {free // 2**20} MiB free, and a set needs {needed // 2**20} MiB")


def _text(seconds: float) -> str:
    return format_time(datetime.fromtimestamp(seconds, UTC))


def _sync(path: Path) -> None:
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
