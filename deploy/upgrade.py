"""Upgrade a home that an older version ran last: copy it, then migrate its archive. The stack is down, its home locked.

The copy is a home itself, so to go back is to move it where the home was, and to start the older version.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy import home_version
from deploy.audit_trail import recorded
from deploy.checkout import PYTHON
from deploy.console import Failure, say, warn
from deploy.layout import FOLDERS
from deploy.preflight import FREE_MB_MIN
from deploy.privileges import rights_of_owner
from tradewire.store import engine
from tradewire.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tradewire.settings import Settings

WITHOUT_COPY = "--without-copy"
"""The option of deploy/up that leaves the copy to the operator."""
_FOLDERS = [folder.name for folder in FOLDERS if folder.is_copied]
_PARTIAL = ".partial"
"""What the name of a copy ends in until it is complete."""
_PROGRESS_SECONDS = 5.0


def copy(settings: Settings, before: str) -> None:
    """Copy all of the home that the next start needs into a folder of its own in the home.

    Args:
        settings: They name the home.
        before: The version that ran it last.

    Raises:
        Failure: No copy can be made. Nothing has changed.
    """
    _check_archive(settings, before)
    copies = settings.home / "copies"
    copies.mkdir(exist_ok=True)
    copies.chmod(0o711)  # the programs' user copies its own folders
    for left in copies.glob(f"*{_PARTIAL}"):  # of a copy that was interrupted
        shutil.rmtree(left)
    files = [path for path in (settings.operator_token, settings.audit_key, settings.home / "version") if path.exists()]
    folders = [path for name in _FOLDERS if (path := settings.home / name).is_dir()]
    size_mb = _mb([*files, *folders])
    _check_room(settings.home, size_mb)
    finished = copies / f"{before}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
    partial = finished.with_name(finished.name + _PARTIAL)
    partial.mkdir()
    partial.chmod(0o755)
    say(f"Copying the home, {size_mb} MB, to {finished} …")
    try:
        _copy([*files, *folders], partial, lambda: f"  {_mb([partial])} of {size_mb} MB")
    except BaseException:
        shutil.rmtree(partial)
        raise
    partial.rename(finished)
    say("Copied. Delete the copy when you are sure that you won't go back.")


def migrate(settings: Settings, before: str) -> None:
    """Migrate the archive, if it needs that, and note that this version runs the home.

    An archive elsewhere may be away; its processor then migrates it later, as it does in any outage.

    Args:
        settings: They name home and archive.
        before: The version that ran the home last.

    Raises:
        Failure: The archive in the home can't be migrated. It is as it was.
    """
    with recorded(settings, "upgraded", {"before": before, "now": VERSION}):
        begun = time.monotonic()
        status = _run(
            [PYTHON, "-P", "-m", "tradewire.store.migrate"],
            settings.home / "sock",
            lambda: f"  at work for {time.monotonic() - begun:.0f} s",
            cwd=settings.home,
        )
        if status and _is_in_home(settings):
            raise Failure(
                "the archive can't be migrated; nothing was started",
                f"See the line above. The archive is as Tradewire {before} left it.",
            )
        if status:
            warn("The archive can't be migrated now; see the line above. Its processor does so as soon as it can.")
        home_version.write(settings.home)


def _check_archive(settings: Settings, before: str) -> None:
    if not _is_in_home(settings):
        raise Failure(
            f"Tradewire {before} ran {settings.home} last, and before the upgrade to {VERSION} a copy is due. But the "
            f"archive is at {engine.address(settings.store)}, where deploy/up can't copy it",
            f"Nothing was changed. Copy it, and {settings.home}, then run deploy/up {WITHOUT_COPY}.",
        )


def _is_in_home(settings: Settings) -> bool:
    file = engine.sqlite_file(settings.store)
    return file is not None and file.is_relative_to(settings.home / "store")


def _check_room(home: Path, size_mb: int) -> None:
    free_mb = shutil.disk_usage(home).free // 2**20
    if size_mb + FREE_MB_MIN > free_mb:
        raise Failure(
            f"the copy that is due before the upgrade needs {size_mb} MB, and only {free_mb} MB are free in {home}, of "
            f"which the queue's log needs {FREE_MB_MIN}",
            "Nothing was changed. Make room: are there older copies in the home's folder copies? Or copy the home "
            f"elsewhere yourself, then run deploy/up {WITHOUT_COPY}.",
        )


def _copy(sources: Iterable[Path], target: Path, progress: Callable[[], str]) -> None:
    """Copy files and folders with their owners and modes, each folder with the rights of its owner."""
    for source in sources:
        if source.is_dir():
            into, rights = target / source.name, source
            into.mkdir(mode=0o700)
            found = source.lstat()
            os.chown(into, found.st_uid, found.st_gid)
            names = [f"{source}/.", str(into)]
        else:
            rights, names = target, [str(source), str(target)]
        if _run(["cp", "-a", "--reflink=auto", "--", *names], rights, progress):
            raise Failure(f"{source} can't be copied", "See the line above. Nothing was changed.")
    if subprocess.run(["sync", "-f", target], check=False).returncode:
        raise Failure("the copy can't be written to the disk", "See the line above. Nothing was changed.")


def _run(command: Sequence[str | Path], folder: Path, progress: Callable[[], str], **options: Any) -> int:
    """Run a command with the rights of a folder's owner, and say every few seconds how far it is. Return its status.

    It ends with this process.
    """
    bound = ["setpriv", "--pdeathsig", "KILL", "--", *command]
    with subprocess.Popen(bound, stdin=subprocess.DEVNULL, **rights_of_owner(folder), **options) as process:
        while True:
            try:
                return process.wait(_PROGRESS_SECONDS)
            except subprocess.TimeoutExpired:
                say(progress())


def _mb(paths: Iterable[Path]) -> int:
    """Return the space that files and folders take, in MiB, rounded up."""
    blocks = 0
    for path in paths:
        blocks += path.lstat().st_blocks
        for parent, folders, files in os.walk(path):
            blocks += sum(_blocks(Path(parent, name)) for name in (*folders, *files))
    return -(-blocks * 512 // 2**20)


def _blocks(path: Path) -> int:
    try:
        return path.lstat().st_blocks
    except FileNotFoundError:  # as cp renames or removes it
        return 0
