"""The ring: the newest events, by offset."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class Ring:
    """The newest events. The oldest are dropped when there are too many or they take too many bytes.

    An event's offset is one higher than that of the event before it; the first event has offset 1. Thousands of events
    are added and dropped at a time, so they are moved in slices, never one by one.

    Args:
        size: The largest number of events held, at least 1.
        max_bytes: The largest total size of the events held. The newest event is kept even if it alone is larger.
    """

    def __init__(self, size: int, max_bytes: int) -> None:
        self.size = size
        self.offset = 0
        """Offset of the newest event, 0 before the first."""
        self._max_bytes = max_bytes
        self._first = 1
        """Offset of the oldest event held."""
        self._held_bytes = 0
        self._slots = [b""] * size

    def extend(self, lines: Sequence[bytes]) -> None:
        """Add events and drop the oldest.

        Args:
            lines: Encoded events in order, at most `size` of them.
        """
        offset = self.offset + len(lines)
        self._drop_before(offset - self.size + 1)
        self._store(self.offset + 1, lines)
        self.offset = offset
        self._held_bytes += sum(map(len, lines))
        while self._held_bytes > self._max_bytes and self._first < offset:
            self._drop_before(self._first + 1)

    def holds_all_after(self, cursor: int) -> bool:
        """Return whether every event after the cursor is still here and the cursor is not in the future.

        Args:
            cursor: Any integer, such as an offset that a browser names.
        """
        return self._first - 1 <= cursor <= self.offset

    def after(self, cursor: int, max_bytes: int) -> list[bytes]:
        """Return the events after the cursor, in order, until the next would exceed the size.

        Args:
            cursor: An offset for which `holds_all_after` is true.
            max_bytes: The largest total size of the events, plus one byte for each. The first event is returned even if
                it alone is larger.
        """
        lines = self._slice(cursor + 1, self.offset)
        size = 0
        for count, line in enumerate(lines):
            size += len(line) + 1
            if size > max_bytes:
                return lines[: max(1, count)]
        return lines

    def _drop_before(self, first: int) -> None:
        """Drop all events before an offset."""
        dropped = self._slice(self._first, min(first - 1, self.offset))
        if dropped:
            self._held_bytes -= sum(map(len, dropped))
            self._store(self._first, [b""] * len(dropped))
        self._first = max(self._first, first)

    def _slice(self, first: int, last: int) -> list[bytes]:
        """Return the events from one offset to another, both included. They may wrap around the end of the list."""
        if last < first:
            return []
        begin, end = first % self.size, last % self.size + 1
        return self._slots[begin:end] if begin < end else self._slots[begin:] + self._slots[:end]

    def _store(self, first: int, lines: Sequence[bytes]) -> None:
        """Write events into the slots, starting at an offset. They may wrap around the end of the list."""
        begin = first % self.size
        fitting = self.size - begin
        self._slots[begin : begin + len(lines)] = lines[:fitting]
        self._slots[: max(0, len(lines) - fitting)] = lines[fitting:]
