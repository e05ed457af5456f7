"""The ring: the newest events, by offset."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class Ring:
    """The newest events: at most `size` of them, and of `max_bytes` together, but always the newest.

    An event's offset is one higher than that of the one before; the first has 1. Events come and go by the
    thousand, so they are moved in slices and never one by one.
    """

    def __init__(self, size: int, max_bytes: int) -> None:
        self.size = size
        self.offset = 0
        """Of the newest event; 0 before the first."""
        self._max_bytes = max_bytes
        self._first = 1
        """Offset of the oldest event still here."""
        self._held_bytes = 0
        self._slots = [b""] * size

    def extend(self, lines: Sequence[bytes]) -> None:
        """Add events, `size` at most, in the place of the oldest."""
        offset = self.offset + len(lines)
        self._drop_before(offset - self.size + 1)
        self._place(self.offset + 1, lines)
        self.offset = offset
        self._held_bytes += sum(map(len, lines))
        while self._held_bytes > self._max_bytes and self._first < offset:
            self._drop_before(self._first + 1)

    def holds_all_after(self, cursor: int) -> bool:
        """Tell whether nothing behind the cursor has left, and the cursor is none that is yet to come."""
        return self._first - 1 <= cursor <= self.offset

    def after(self, cursor: int, max_bytes: int) -> list[bytes]:
        """Give the events behind the cursor, in order: at least one, then as many as fit."""
        lines = self._slice(cursor + 1, self.offset)
        size = 0
        for count, line in enumerate(lines):
            size += len(line) + 1
            if size > max_bytes:
                return lines[: max(1, count)]
        return lines

    def _drop_before(self, first: int) -> None:
        """Forget all events before an offset."""
        gone = self._slice(self._first, min(first - 1, self.offset))
        if gone:
            self._held_bytes -= sum(map(len, gone))
            self._place(self._first, [b""] * len(gone))
        self._first = max(self._first, first)

    def _slice(self, first: int, last: int) -> list[bytes]:
        """Give the events from one offset to another; the ring's end may lie between them."""
        if last < first:
            return []
        begin, end = first % self.size, last % self.size + 1
        return self._slots[begin:end] if begin < end else self._slots[begin:] + self._slots[:end]

    def _place(self, first: int, lines: Sequence[bytes]) -> None:
        """Put events into the slots from an offset on."""
        begin = first % self.size
        fitting = self.size - begin
        self._slots[begin : begin + len(lines)] = lines[:fitting]
        self._slots[: max(0, len(lines) - fitting)] = lines[fitting:]
