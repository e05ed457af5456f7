"""Run beanstalkd, after making sure that it has room for a new file of its log. It needs one whenever it starts.

    queue_room.py COMMAND…

It works in TRADEWIRE_HOME. While the disk has room, it keeps a reserve beside the log. If the disk is full when
beanstalkd starts, it gives the reserve up: otherwise no job could leave the queue until someone makes room.

As deploy/supervise.py, it imports little and replaces itself with the command.
"""

from __future__ import annotations

import os
import sys

RESERVE = "queue/reserve"
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
    disk = os.statvfs("queue")
    free = disk.f_bavail * disk.f_frsize
    has_reserve = os.path.exists(RESERVE)
    if has_reserve and (free < RESERVE_BYTES or not disk.f_favail):
        sys.stderr.write("queue_room: the disk is full; giving up the reserve for beanstalkd's log\n")
        os.unlink(RESERVE)
    elif not has_reserve and free > _AMPLE_BYTES:
        file = os.open(RESERVE, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.posix_fallocate(file, 0, RESERVE_BYTES)
        except OSError:
            os.unlink(RESERVE)
            raise
        finally:
            os.close(file)


if __name__ == "__main__":
    main(sys.argv[1:])
