"""The file of the audit trail: processes append records to it, one at a time.

A record is on the disk when `append` returns. kill -9 or a power cut can tear the last line only. The next append
leaves its bytes where they are, ends the line, and writes a record with their number and digest. So the chain goes on,
and the walk can tell torn bytes from changed ones. If only the end of the line is missing, nothing is torn.
"""

from __future__ import annotations

import fcntl
import os
import re
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from tradewire.audit import chain
from tradewire.audit.chain import START, Head, Keys
from tradewire.claimed_file import give_to_owner_of, make_folder
from tradewire.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

TORN: Final = "torn"
"""The action of a record about torn bytes before it."""
_BLOCK_BYTES: Final = 64 * 1024
_LINES: Final = re.compile(rb"[^\n]*\n|[^\n]+")
_LOCK_SECONDS: Final = 5.0
"""How long an append waits for others. One takes milliseconds, unless a process was stopped in the middle of it."""
_POLL_SECONDS: Final = 0.01


@dataclass(frozen=True)
class Entry:
    """What a record tells, without its place in the chain and its time."""

    action: str
    """Such as `key-added`: docs/audit.md lists them all."""
    result: str
    """`begun`: it was about to be done. `done`, `failed` or `refused`: what came of it."""
    actor: str = ""
    """The principal's name. Empty if it has none."""
    role: str = ""
    """The roles that allowed it, separated by commas."""
    client: str = ""
    """The client's address, or `local` for a command on this machine."""
    request_id: str = ""
    """The request's id in all logs. Empty for a command."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """What it was about. A user's id stands in it as a pseudonym."""


class Trail:
    """The audit trail of a host. Threads and processes may append at the same time.

    Args:
        path: The file. It is made if it is missing, and so is its folder.
        key_path: The file with the host's secret. deploy/up makes it.
    """

    def __init__(self, path: Path, key_path: Path) -> None:
        self.path = path
        self._key_path = key_path

    @cached_property
    def keys(self) -> Keys:
        """The host's keys. Raises Unavailable if they can't be read."""
        try:
            return Keys.of(self._key_path.read_bytes().strip())
        except OSError as error:
            raise Unavailable(f"{self._key_path.name} can't be read: {error.strerror}; deploy/up creates it") from error
        except ValueError as error:
            raise Unavailable(str(error)) from error

    def check_key(self) -> None:
        """Check that the host's key can be read. Raises Unavailable."""
        _ = self.keys

    def append(self, entry: Entry) -> int:
        """Append a record.

        Returns:
            Its number.

        Raises:
            Unavailable: It can't be written. The file has no part of it, or a torn one that the next append marks.
        """
        keys = self.keys
        try:
            make_folder(self.path.parent)
            with self._locked() as file:
                return _append(file, entry, keys)
        except OSError as error:
            raise Unavailable(f"the audit trail can't be written: {error.strerror}") from error

    def head(self) -> Head:
        """Return the last record's number and HMAC, unchecked.

        Raises:
            Unavailable: The file can't be read.
        """
        try:
            with self.path.open("rb") as file:
                return _last(file.fileno(), os.fstat(file.fileno()).st_size)[0]
        except FileNotFoundError:
            return START
        except OSError as error:
            raise Unavailable(f"the audit trail can't be read: {error.strerror}") from error

    def size(self) -> int:
        """Return the size of the file in bytes; 0 without a file. Raises OSError."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    def lines(self, position: int, length: int) -> list[bytes]:
        """Return the whole lines in a part of the file.

        Args:
            position: Where the first of them begins, in bytes.
            length: The length of the part in bytes. One line may be longer.

        Raises:
            OSError: The file can't be read.
        """
        if self.size() <= position:
            return []
        with self.path.open("rb") as file:
            file.seek(position)
            return [line for line in file.readlines(length) if line.endswith(b"\n")]

    def pseudonym(self, user_id: str) -> str:
        """Return the name that stands for a user's id. Raises Unavailable if the host's key can't be read."""
        return chain.pseudonym(user_id, self.keys)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep all processes from appending during a block. Raises Unavailable if one does not let go."""
        try:
            with self._locked():
                yield
        except OSError as error:
            raise Unavailable(f"the audit trail can't be locked: {error.strerror}") from error

    @contextmanager
    def _locked(self) -> Iterator[int]:
        file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            give_to_owner_of(self.path.parent, file)
            _lock(file)
            if not os.fstat(file).st_size:
                _sync_folder(self.path.parent)
            yield file
        finally:
            os.close(file)


def _lock(file: int) -> None:
    """Wait for the other processes' appends. The kernel releases the lock when the file is closed."""
    end = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                raise TimeoutError(None, f"another process has locked it for {_LOCK_SECONDS:.0f} s") from None
            time.sleep(_POLL_SECONDS)
        else:
            return


def _append(file: int, entry: Entry, keys: Keys) -> int:
    size = os.fstat(file).st_size
    head, end = _last(file, size)
    lines = b"\n" if size and os.pread(file, 1, size - 1) != b"\n" else b""
    if end < size:
        mark = Entry(TORN, "done", client="local", details=torn_details(os.pread(file, size - end, end) + lines))
        line, head = chain.append_to(head, _fields(mark), keys)
        lines += line
    line, head = chain.append_to(head, _fields(entry), keys)
    try:
        rest = lines + line
        while rest:
            rest = rest[os.write(file, rest) :]
        os.fsync(file)
    except OSError:
        with suppress(OSError):  # then the next append marks what is left
            os.ftruncate(file, size)
        raise
    return head.count


def torn_details(torn: bytes) -> dict[str, Any]:
    """Return the details of the record that marks torn bytes."""
    return {"bytes": len(torn), "sha256": sha256(torn).hexdigest()}


def _fields(entry: Entry) -> dict[str, Any]:
    return {
        "at": datetime.now(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z",
        "action": entry.action,
        "actor": entry.actor,
        "role": entry.role,
        "from": entry.client,
        "requestId": entry.request_id,
        "result": entry.result,
        "details": dict(entry.details),
    }


def _last(file: int, size: int) -> tuple[Head, int]:
    """Return the head that the last whole record makes, and where it ends. Torn bytes or its line end may follow."""
    length = 0
    while length < size:
        length = min(size, max(_BLOCK_BYTES, 2 * length))
        end = size
        for line in reversed(_LINES.findall(os.pread(file, length, size - length))):
            if head := chain.head_of(line if line.endswith(b"\n") else line + b"\n"):
                return head, end
            end -= len(line)
    return START, 0


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
