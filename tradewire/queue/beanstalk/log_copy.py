"""Reads the files of beanstalkd's log while beanstalkd writes them.

The files that are read hold a beginning of what beanstalkd has ever written: every record up to one moment, and none
after it. So a beanstalkd that starts on them has the jobs that this one had at that moment, as after kill -9.
"""

from __future__ import annotations

import os
import struct
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Final

from tradewire import unix_socket
from tradewire.errors import QueueUnavailable
from tradewire.queue.beanstalk.connection import ANSWER_SECONDS, Connection
from tradewire.queue.tube_bytes import TubeBytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from greenstalk import Stats

_ATTEMPTS: Final = 100
"""beanstalkd deletes a file at most once for ten megabytes of jobs."""
_VERSION: Final = struct.pack("=i", 7)
"""The first bytes of a file, in all versions of beanstalkd since 1.5."""
_INT: Final = struct.Struct("=i")
_RECORD: Final = struct.Struct("=Q24xi44x")
"""Of a job's record: its id, which is never 0, and the size of its body with the line end. A name of its tube precedes
it, and its body follows, if it is the first record of the job in this file. Otherwise the name's length is 0."""


def read(folder: Path, socket: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the content of each file, oldest first. They have all jobs that were put before the call.

    Args:
        folder: The folder of the log.
        socket: The socket of the beanstalkd that writes it. It may have ended.

    Raises:
        QueueUnavailable: beanstalkd does not answer, or the log lacks a file.
        OSError: A file can't be read.
    """
    try:
        connected = unix_socket.connect(socket, ANSWER_SECONDS)
    except (FileNotFoundError, ConnectionRefusedError):
        yield from _read_unwritten(folder)
        return
    with closing(Connection(connected, TubeBytes(folder))) as connection, ExitStack() as files:
        if not _stats(connection)["binlog-oldest-index"]:  # it has stopped writing its log after an error
            yield from _read_unwritten(folder)
            return
        numbers, opened = _open_all(folder, connection, files)
        for number, file in zip(numbers, opened, strict=True):
            yield f"binlog.{number}", _read(file, connection) if number == numbers[-1] else _content(file)


def _read_unwritten(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a log that no process writes."""
    for number in sorted(int(path.suffix[1:]) for path in folder.glob("binlog.[0-9]*")):
        yield f"binlog.{number}", (folder / f"binlog.{number}").read_bytes()


def _open_all(folder: Path, connection: Connection, files: ExitStack) -> tuple[Sequence[int], Sequence[int]]:
    """Open the files from the oldest to the present one. While they are open, deleting them takes nothing away.

    beanstalkd deletes a file when its jobs are deleted, or are written to the present file. So the set is whole if the
    oldest and the present file are the same after all were opened.
    """
    for _ in range(_ATTEMPTS):
        before = _stats(connection)
        numbers = range(before["binlog-oldest-index"], before["binlog-current-index"] + 1)
        try:
            opened = [_open(folder / f"binlog.{number}", files) for number in numbers]
        except FileNotFoundError as error:
            if _stats(connection)["binlog-oldest-index"] == before["binlog-oldest-index"]:
                raise QueueUnavailable(f"{error.filename} is missing, and beanstalkd has not deleted it") from error
            continue
        if _indices(_stats(connection)) == _indices(before):
            return numbers, opened
    raise QueueUnavailable(f"beanstalkd began or deleted a file of its log at each of {_ATTEMPTS} looks")


def _indices(stats: Stats) -> tuple[int, int]:
    return stats["binlog-oldest-index"], stats["binlog-current-index"]


def _stats(connection: Connection) -> Stats:
    try:
        return connection.stats()
    except OSError as error:
        raise QueueUnavailable(f"beanstalkd does not answer: {error}") from error


def _open(path: Path, files: ExitStack) -> int:
    file = os.open(path, os.O_RDONLY)
    files.callback(os.close, file)
    return file


def _content(file: int) -> bytes:
    return os.pread(file, os.fstat(file).st_size, 0)


def _read(file: int, connection: Connection) -> bytes:
    """Return the whole records of the file that beanstalkd may be writing.

    The kernel may copy parts of a record that is just written. Once beanstalkd has answered a command, it has written
    every record that it had begun before. So a second look finds these whole.
    """
    length = whole_bytes(_content(file))
    _stats(connection)
    return os.pread(file, length, 0)


def whole_bytes(content: bytes) -> int:
    """Return where the last whole record of a file ends. Zeros follow it in a file that is being written.

    Args:
        content: The content of the file.

    Raises:
        QueueUnavailable: It is not of the format that this module knows.
    """
    if not content.startswith(_VERSION):
        raise QueueUnavailable("beanstalkd's log has a format that is not known here")
    end = len(_VERSION)
    while end + _INT.size + _RECORD.size <= len(content):
        (name_bytes,) = _INT.unpack_from(content, end)
        start = end + _INT.size + name_bytes
        if name_bytes < 0 or start + _RECORD.size > len(content):
            break
        number, body_bytes = _RECORD.unpack_from(content, start)
        next_end = start + _RECORD.size + (body_bytes if name_bytes else 0)
        is_whole = not name_bytes or (body_bytes > 0 and content[next_end - 2 : next_end] == b"\r\n")
        if not number or not is_whole:
            break
        end = next_end
    return end
