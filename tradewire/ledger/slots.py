"""Slots: files in which an ingest process records its requests, so that the reconciler can follow each of them.

A slot holds the requests that one process received within half a second (`slot_writer`). It is final when no further
request can come into it and each of its requests is settled. The reconciler reads it then, and deletes it when every
tube has been reconciled.

The name of a slot's file is `<label>.<process>.<number>`: the label is a time before its first request was received,
in microseconds since 1970. Numbers of one process grow by one.

How a slot becomes final without a lock that ingest would have to wait for: ingest enters requests only within the first
half second, and looks at the time again after it has entered one. If a further quarter has passed by then (the process
was stopped in between), the request leaves the slot and enters another. So one second after its beginning, a slot whose
requests are all settled stays as it is. The kernel unlocks the slot of a process that dies; its unsettled requests got
no answer.
"""

from __future__ import annotations

import fcntl
import os
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from tradewire.ledger.slot_file import ACCEPTED, FOLDER, HEADER, RECORD, STARTED, STATES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_FINAL_NS: Final = 1_000_000_000
_RECORD_WORDS: Final = RECORD.size // 8


class SlotName(NamedTuple):
    """What the name of a slot's file tells."""

    label: int
    """A time before its first request was received, in microseconds since 1970."""
    process: int
    number: int

    def is_passed(self, numbers: Mapping[int, int]) -> bool:
        """Return whether the slot is among those up to some numbers.

        Args:
            numbers: The number of the last slot, by process.
        """
        return self.number <= numbers.get(self.process, 0)


class RecordedRequest(NamedTuple):
    """A settled request."""

    received_at: int
    messages: int
    is_accepted: bool
    """Whether the queue had confirmed the messages. Otherwise they were put at most in part, and were not promised."""
    first_id: str


class FinalSlot(NamedTuple):
    """The content of a slot to which nothing will be added."""

    tubes: tuple[str, ...]
    records: bytes

    def has_requests(self) -> bool:
        """Return whether a request has put messages."""
        return any(word & STATES != STARTED for word in self._words()[1::_RECORD_WORDS])

    def accepted(self) -> dict[int, int]:
        """Return the number of messages of each accepted request, by its time of receipt."""
        words = self._words()
        states = zip(words[::_RECORD_WORDS], words[1::_RECORD_WORDS], strict=True)
        return {received_at: word & ~STATES for received_at, word in states if word & STATES == ACCEPTED}

    def requests(self) -> list[RecordedRequest]:
        """Return the requests that put messages, in order of their times."""
        unpacked = [
            RecordedRequest(received_at, word & ~STATES, word & STATES == ACCEPTED, _to_id(high, low))
            for received_at, word, high, low in RECORD.iter_unpack(self.records)
            if word & STATES != STARTED
        ]
        return sorted(unpacked)

    def _words(self) -> list[int]:
        return memoryview(self.records).cast("Q").tolist()


def names(folder: Path) -> list[SlotName]:
    """Return the slots of all processes, oldest first.

    Args:
        folder: The folder of the counters.

    Raises:
        OSError: The folder can't be read.
    """
    try:
        found = os.listdir(folder / FOLDER)  # noqa: PTH208 - names are enough, and this is done often
    except FileNotFoundError:
        return []
    return sorted(SlotName(*map(int, name.split("."))) for name in found if name[0].isdecimal())


def path_of(folder: Path, name: SlotName) -> Path:
    """Return the path of a slot's file. `folder` is that of the counters."""
    return folder / FOLDER / ".".join(map(str, name))


def read_final(path: Path) -> FinalSlot | None:
    """Read a slot. Return None if it is not final yet, or is gone.

    Raises:
        OSError: The file can't be read.
    """
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        is_left = _is_left(file)
        content = os.pread(file, os.fstat(file).st_size, 0)
        began, entered, settled, tubes_length = HEADER.unpack_from(content)
        if not is_left:
            again = os.pread(file, HEADER.size, 0)  # the kernel may have copied the numbers at different moments
            if time.monotonic_ns() - began < _FINAL_NS or entered != settled or again != content[: HEADER.size]:
                return None
    finally:
        os.close(file)
    records = content[HEADER.size : HEADER.size + entered * RECORD.size]
    return FinalSlot(tuple(content[len(content) - tubes_length :].decode().split()), records)


def oldest_in_flight(folder: Path) -> int | None:
    """Return a time before which no request is in flight any more. None if no request is in flight.

    Args:
        folder: The folder of the counters.

    Returns:
        Microseconds since 1970.

    Raises:
        OSError: A slot can't be read.
    """
    for name in names(folder):
        try:
            file = os.open(path_of(folder, name), os.O_RDONLY)
        except FileNotFoundError:
            continue
        try:
            _, _, settled, _ = HEADER.unpack(os.pread(file, HEADER.size, 0))
            _, entered, _, _ = HEADER.unpack(os.pread(file, HEADER.size, 0))
            if entered != settled and not _is_left(file):
                return name.label
        finally:
            os.close(file)
    return None


def _is_left(file: int) -> bool:
    """Return whether the process that wrote a slot has closed it, or has ended."""
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def merge(folder: Path, slots: Sequence[tuple[SlotName, FinalSlot]]) -> SlotName:
    """Make one slot of several, so that a backlog does not become a great number of files.

    Args:
        folder: The folder of the counters.
        slots: Final slots of one process, with the same tubes.

    Returns:
        The name of the slot that takes their place.

    Raises:
        OSError: It can't be written. Nothing was changed.
    """
    names = [name for name, _ in slots]
    merged = SlotName(min(name.label for name in names), names[0].process, max(name.number for name in names))
    records = b"".join([slot.records for _, slot in slots])
    text = " ".join(slots[0][1].tubes).encode()
    requests = len(records) // RECORD.size
    new = folder / FOLDER / "merged"
    new.touch(mode=0o600)
    new.write_bytes(HEADER.pack(0, requests, requests, len(text)) + records + text)
    new.rename(path_of(folder, merged))
    for name in names:
        if name != merged:
            path_of(folder, name).unlink(missing_ok=True)
    return merged


def _to_id(high: int, low: int) -> str:
    digits = f"{high << 64 | low:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
