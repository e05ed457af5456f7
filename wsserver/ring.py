"""The ring: the newest events, by offset."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


class Ring:
    """The newest events. The oldest are dropped when there are too many or they take too many bytes.

    An event's offset is one higher than that of the event before it; the first event has offset 1. Thousands of events
    are added and dropped at a time, so they are moved in slices, never one by one. Browsers ask about thousands at a
    time, so the sizes are kept as running totals: a look-up takes as long for many events as for few.

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
        self._slots = [b""] * size
        self._starts = array("Q", [0] * size)
        """For each slot: the total size of all events that were ever added before its event."""
        self._added_bytes = 0
        """Total size of all events that were ever added."""

    def extend(self, lines: Sequence[bytes]) -> None:
        """Add events and drop the oldest.

        Args:
            lines: Encoded events in order, at most `size` of them.
        """
        offset = self.offset + len(lines)
        self._drop_before(offset - self.size + 1)
        *starts, self._added_bytes = accumulate(map(len, lines), initial=self._added_bytes)
        self._store(self._slots, self.offset + 1, lines)
        self._store(self._starts, self.offset + 1, array("Q", starts))
        self.offset = offset
        while self.bytes_after(self._first - 1) > self._max_bytes and self._first < offset:
            self._drop_before(self._first + 1)

    def holds_all_after(self, cursor: int) -> bool:
        """Return whether every event after the cursor is still here and the cursor is not in the future.

        Args:
            cursor: Any integer, such as an offset that a browser names.
        """
        return self._first - 1 <= cursor <= self.offset

    def bytes_after(self, cursor: int) -> int:
        """Return the total size of the events after the cursor.

        Args:
            cursor: An offset for which `holds_all_after` is true.
        """
        return self._added_bytes - self._bytes_before(cursor + 1)

    def after(self, cursor: int, max_bytes: int) -> list[bytes]:
        """Return the events after the cursor, in order, until the next would exceed the size.

        Args:
            cursor: An offset for which `holds_all_after` is true.
            max_bytes: The largest total size of the events, plus one byte for each. The first event is returned even if
                it alone is larger.
        """
        first = cursor + 1
        limit = self._bytes_before(first) + first + max_bytes
        offsets = range(first, self.offset + 1)
        count = bisect_right(offsets, limit, key=lambda offset: self._bytes_before(offset + 1) + offset + 1)
        return self._slice(first, min(cursor + max(1, count), self.offset))

    def _bytes_before(self, offset: int) -> int:
        """Return the total size of all events that were ever added before an offset."""
        return self._starts[offset % self.size] if offset <= self.offset else self._added_bytes

    def _drop_before(self, first: int) -> None:
        """Drop all events before an offset."""
        dropped = min(first - 1, self.offset) - self._first + 1
        if dropped > 0:
            self._store(self._slots, self._first, [b""] * dropped)
        self._first = max(self._first, first)

    def _slice(self, first: int, last: int) -> list[bytes]:
        """Return the events from one offset to another, both included. They may wrap around the end of the list."""
        if last < first:
            return []
        begin, end = first % self.size, last % self.size + 1
        return self._slots[begin:end] if begin < end else self._slots[begin:] + self._slots[:end]

    def _store(self, slots: Any, first: int, values: Sequence[Any]) -> None:
        """Write values into the slots of events, starting at an offset. They may wrap around the end."""
        begin = first % self.size
        fitting = self.size - begin
        slots[begin : begin + len(values)] = values[:fitting]
        slots[: max(0, len(values) - fitting)] = values[fitting:]
