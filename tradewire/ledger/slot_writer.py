"""Records the requests of an ingest process in slots. See `tradewire.ledger.slots`.

A slot takes requests for half a second, and at most 1,024 of them. Each is written through memory, so it outlives
kill -9.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import time
from typing import TYPE_CHECKING, Final

from tradewire.errors import Unavailable
from tradewire.ledger.counters import clock_microseconds, translate_errors
from tradewire.ledger.slot_file import ACCEPTED, BEGUN, FOLDER, HEADER, RECORD

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tradewire.ledger.counters import Counter

REQUESTS_MAX: Final = 1024
"""Most requests in a slot."""
_ENTER_NS: Final = 500_000_000
_ENTERED_NS: Final = 750_000_000

_ENTERED, _SETTLED = 1, 2
_RECORD_WORDS: Final = RECORD.size // 8
_HALF: Final = 2**64 - 1


class Request:
    """A request that is being handled. Made by `SlotWriter.start`."""

    __slots__ = ("_counter", "_place", "_slot", "received_at")

    def __init__(self, slot: _OpenSlot, place: int, received_at: int, counter: Counter) -> None:
        self._slot = slot
        self._place = place
        self._counter = counter
        self.received_at = received_at
        """The time of receipt in microseconds since 1970. It identifies the request."""

    def begin(self, messages: int, first_id: str) -> None:
        """Record that the messages are about to be put into the queue.

        Args:
            messages: Their number.
            first_id: The id of the first one.
        """
        number = int(first_id.replace("-", ""), 16)
        words, place = self._slot.words, self._place
        words[place + 2] = number >> 64
        words[place + 3] = number & _HALF
        words[place + 1] = messages | BEGUN
        self._counter.count_begun(messages)

    def accept(self, messages: int) -> None:
        """Record that the queue has confirmed the messages. Call this before the producer gets the response."""
        self._slot.words[self._place + 1] = messages | ACCEPTED
        self._counter.count_accepted(messages)

    def end(self) -> None:
        """Record that the request is settled, whether it was accepted or not."""
        self._slot.settle()


class _OpenSlot:
    """A slot of this process."""

    def __init__(self, folder: Path, counter: Counter, tubes: Sequence[str]) -> None:
        self.process = counter.number
        self.label = clock_microseconds()
        self.began = time.monotonic_ns()
        self._is_sealed = False
        text = " ".join(tubes).encode()
        new = folder / f"new-{counter.number}"
        self._file = os.open(new, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            end = HEADER.size + REQUESTS_MAX * RECORD.size
            os.posix_fallocate(self._file, 0, end + len(text))  # on a full disk, writing to the map would be fatal
            self._map = mmap.mmap(self._file, end + len(text))
            self._map[end:] = text
            self._map[: HEADER.size] = HEADER.pack(self.began, 0, 0, len(text))
            # Under its own name only when it is locked and complete: the reconciler takes an unlocked slot for final.
            new.rename(folder / f"{self.label}.{counter.number}.{counter.next_slot()}")
        except OSError:
            os.close(self._file)
            raise
        self.words = memoryview(self._map)[:end].cast("Q")

    def takes(self) -> bool:
        """Return whether the slot takes a further request."""
        return self.words[_ENTERED] < REQUESTS_MAX and time.monotonic_ns() - self.began < _ENTER_NS

    def enter(self, counter: Counter) -> Request | None:
        """Enter a request. Return None if the slot can't take it after all."""
        words = self.words
        number = words[_ENTERED]
        words[_ENTERED] = number + 1  # before the clock is read: see `oldest_in_flight`
        try:
            received_at = counter.next_time()
        except Unavailable:
            self.settle()
            raise
        is_late = time.monotonic_ns() - self.began > _ENTERED_NS
        if is_late or received_at < self.label or self.process != counter.number:
            self.settle()
            return None
        place = HEADER.size // 8 + number * _RECORD_WORDS
        words[place] = received_at
        return Request(self, place, received_at, counter)

    def settle(self) -> None:
        """Record that a request is settled."""
        self.words[_SETTLED] += 1
        if self._is_sealed:
            self.seal()

    def seal(self) -> None:
        """Enter no further requests. Close the file once all are settled."""
        self._is_sealed = True
        if self.words[_ENTERED] == self.words[_SETTLED]:
            self.words.release()
            self._map.close()
            os.close(self._file)


class SlotWriter:
    """Records the requests of this process. Use it from one thread only.

    Example:
        request = writer.start()
        try:
            request.begin(1, message_id)
            queue.put(body, tubes)
            request.accept(1)
        finally:
            request.end()

    Args:
        folder: The folder of the counters.
        counter: The counter of this process.
        tubes: The tubes that the messages are put into.
    """

    def __init__(self, folder: Path, counter: Counter, tubes: Sequence[str]) -> None:
        self._folder = folder / FOLDER
        self._counter = counter
        self._tubes = tubes
        self._slot: _OpenSlot | None = None

    def start(self) -> Request:
        """Record that a request has arrived, and give it a time of receipt.

        Raises:
            Unavailable: The disk has no room for a new slot, or the counter is: see `Counter.next_time`.
        """
        while True:
            slot = self._slot or self._open()
            request = slot.enter(self._counter) if slot.takes() else None
            if request:
                return request
            slot.seal()
            self._slot = None

    def close(self) -> None:
        """Seal the open slot."""
        if self._slot:
            self._slot.seal()
            self._slot = None

    def _open(self) -> _OpenSlot:
        with translate_errors(self._folder):
            self._folder.mkdir(mode=0o700, exist_ok=True)
            self._slot = _OpenSlot(self._folder, self._counter, self._tubes)
        return self._slot
