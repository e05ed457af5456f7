"""A file of records: JSON, replaced as a whole, so that a reader and a power cut find the old records or the new ones.

Example:
    users = RecordFile("users", encode, decode)
    with users.changing(settings.users, readers) as records:
        records.append(user)
"""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from tradewire.errors import Unavailable
from tradewire.whole_file import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_T = TypeVar("_T")


class RecordFile(Generic[_T]):
    """How a kind of records is read and written.

    Args:
        name: The name of the list in the file.
        encode: Returns a record as plain values.
        decode: Returns the record. Raises ValueError, KeyError or TypeError if the values are of no such record.
    """

    def __init__(
        self, name: str, encode: Callable[[_T], dict[str, Any]], decode: Callable[[dict[str, Any]], _T]
    ) -> None:
        self._name = name
        self._encode = encode
        self._decode = decode

    def read(self, path: Path) -> list[_T]:
        """Read the records. Without a file, there are none.

        Raises:
            Unavailable: The file can't be read, or is damaged.
        """
        try:
            return [self._decode(each) for each in json.loads(path.read_bytes())[self._name]]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise Unavailable(f"{path.name} can't be read: {error.strerror}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise Unavailable(f"{path.name} is damaged: {type(error).__name__}: {error}") from error

    @contextmanager
    def changing(self, path: Path, readers: int | None) -> Iterator[list[_T]]:
        """Read the records for a change. Write them at the end of the block, unless it raises an error.

        Only one process at a time can be in such a block, for all files of a folder: so none adds to one file what
        another is just adding to a second one.

        Args:
            path: The file. Its folder must exist, and only users who may change the records may write there.
            readers: As `whole_file.replace`.

        Raises:
            Unavailable: As `read`.
            OSError: The file can't be written. It holds what it held before.
        """
        with locked(path.parent):
            records = self.read(path)
            yield records
            text = json.dumps({self._name: [self._encode(each) for each in records]}, indent=1) + "\n"
            replace(path, text.encode(), readers)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes from changing the files of a folder during a block. Raises OSError."""
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the kernel releases it when the process ends
        yield
    finally:
        os.close(lock)
