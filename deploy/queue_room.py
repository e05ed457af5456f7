"""Run beanstalkd, after making sure that it has room for a new file of its log. It needs one whenever it starts.

    queue_room.py COMMAND…

It works in TRADEWIRE_HOME. While the disk has room, it keeps a reserve beside the log. If the disk is full when
beanstalkd starts, it gives the reserve up: otherwise no job could leave the queue until someone makes room.

As deploy/supervise.py, it imports little and replaces itself with the command.
"""

from __future__ import annotations

import errno
import os
import sys

RESERVE = "queue/reserve"
_TRIAL = "queue/trial"
RESERVE_BYTES = 20 * 2**20
"""Two files of beanstalkd's log."""
_AMPLE_BYTES = 200 * 10**6
"""Free space at which a reserve is made: then /readyz does not report the disk as nearly full."""


def main(command: list[str]) -> None:
    """Make or give up the reserve, then become the command."""
    try:
        _tend_reserve()
    except OSError as error:
        sys.stderr.write(f"queue_room: {error}\n")  # beanstalkd may start all the same
    os.execvp(command[0], command)


def _tend_reserve() -> None:
    has_reserve = os.path.exists(RESERVE)
    if has_reserve and not _has_room():
        sys.stderr.write("queue_room: the disk is full; giving up the reserve for beanstalkd's log\n")
        os.unlink(RESERVE)
        os.sync()  # some file systems count a deleted file against a quota until then
    elif not has_reserve and _free_bytes() > _AMPLE_BYTES:
        _make(RESERVE, RESERVE_BYTES)


def _has_room() -> bool:
    """Return whether the disk takes a new file of the log. Its free space does not tell: there may be a quota."""
    try:
        _make(_TRIAL, RESERVE_BYTES // 2)
    except OSError as error:
        return error.errno not in {errno.ENOSPC, errno.EDQUOT}
    os.unlink(_TRIAL)
    return True


def _free_bytes() -> int:
    disk = os.statvfs("queue")
    return disk.f_bavail * disk.f_frsize


def _make(path: str, size: int) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.posix_fallocate(file, 0, size)
    except OSError:
        os.unlink(path)
        raise
    finally:
        os.close(file)


if __name__ == "__main__":
    main(sys.argv[1:])
