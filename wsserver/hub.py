"""The hub: who is connected, the recent updates, who needs what. No I/O, no clock.

An update gets an offset, one higher than the last, when it is shown. The newest are kept in a ring, and each
browser has a cursor, the offset of the last update that it was given: what it still needs is what lies
behind its cursor, whether it was away, slow, or is simply next.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Final

import msgspec

from tradewire import update

if TYPE_CHECKING:
    from collections.abc import Sequence

RING_BYTES: Final = 64 * 1024 * 1024
FRAME_BYTES: Final = 256 * 1024
"""Updates are put into one frame up to this size, so that a browser's buffer is never far over its mark."""
LATELY_SHOWN: Final = 250_000
"""Ids remembered, at least: two TTRs (60 s) at 4,000 updates a second. At most twice as many, in 50 MB."""
FRAMES_KEPT: Final = 8
"""Frames kept for other browsers at the same place; each is of FRAME_BYTES at most."""


@dataclass(eq=False, slots=True)
class Browser:
    """A browser, as the hub sees it."""

    cursor: int
    """Offset of the last update that it was given."""
    paused: bool = False
    """Its buffer is full; it is given nothing until that has drained."""


@dataclass(slots=True)
class _Ring:
    """The newest updates, by offset: at most so many, and of so many bytes."""

    size: int
    max_bytes: int
    offset: int = 0
    """Of the newest update; 0 before the first."""
    first: int = 1
    """Offset of the oldest update still here."""
    held_bytes: int = 0
    slots: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.slots = [b""] * self.size

    def append(self, line: bytes) -> None:
        if self.offset - self.first + 1 == self.size:
            self._drop_oldest()
        self.offset += 1
        self.slots[self.offset % self.size] = line
        self.held_bytes += len(line)
        while self.held_bytes > self.max_bytes and self.first < self.offset:
            self._drop_oldest()

    def holds_all_after(self, cursor: int) -> bool:
        return self.first - 1 <= cursor <= self.offset

    def after(self, cursor: int, max_bytes: int) -> list[bytes]:
        """Give the updates behind the cursor, in order: at least one, then as many as fit."""
        lines: list[bytes] = []
        size = 0
        for offset in range(cursor + 1, self.offset + 1):
            line = self.slots[offset % self.size]
            size += len(line) + 1
            if lines and size > max_bytes:
                break
            lines.append(line)
        return lines

    def _drop_oldest(self) -> None:
        slot = self.first % self.size
        self.held_bytes -= len(self.slots[slot])
        self.slots[slot] = b""
        self.first += 1


class _LatelyShown:
    """A bounded set of ids: the newest `capacity`, and up to as many older ones, forgotten all at once."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._new: set[bytes] = set()
        self._old: set[bytes] = set()

    def __contains__(self, key: bytes) -> bool:
        return key in self._new or key in self._old

    def add(self, keys: Sequence[bytes]) -> None:
        self._new.update(keys)
        if len(self._new) >= self._capacity:
            self._old, self._new = self._new, set()


class Hub:
    """Takes updates in two moves: `offer` collects them, `show` gives what was collected to browsers.

    In between nothing is promised, so that what nobody can take goes back to its worker.
    """

    def __init__(self, epoch: str, ring_updates: int) -> None:
        self.epoch = epoch
        self.browsers: set[Browser] = set()
        self._ring = _Ring(ring_updates, RING_BYTES)
        self._shown = _LatelyShown(LATELY_SHOWN)
        self._pending: dict[bytes, bytes] = {}
        self._frames: dict[int, tuple[bytes, int]] = {}

    @property
    def offset(self) -> int:
        """Offset of the newest update shown."""
        return self._ring.offset

    @property
    def takers(self) -> int:
        """How many browsers keep up, and so can take what comes next."""
        return sum(not browser.paused for browser in self.browsers)

    def join(self, epoch: str, offset: int, now: str) -> tuple[Browser, bytes]:
        """Add a browser that says where it was; give it, and its first frame, which tells it the time."""
        resumed = epoch == self.epoch and self._ring.holds_all_after(offset)
        browser = Browser(offset if resumed else self.offset)
        self.browsers.add(browser)
        hello = {"epoch": self.epoch, "offset": browser.cursor, "resumed": resumed, "now": now}
        return browser, msgspec.json.encode({"hello": hello})

    def leave(self, browser: Browser) -> None:
        """Forget a browser."""
        self.browsers.discard(browser)

    def offer(self, lines: Sequence[bytes]) -> bool:
        """Collect updates to be shown next. False: all of them were shown before.

        Raises BadUpdate, with nothing collected, where one of them is no update.
        """
        fresh: dict[bytes, bytes] = {}
        pending = False
        for line in lines:
            key = bytes.fromhex(update.decode(line).id.replace("-", ""))
            if key in self._pending:
                pending = True
            elif key not in self._shown:
                fresh.setdefault(key, line)
        self._pending |= fresh
        return pending or bool(fresh)

    @property
    def collected(self) -> bool:
        """Whether there is anything to show."""
        return bool(self._pending)

    def show(self) -> int:
        """Move what was collected, as much as the ring holds, behind every browser's cursor.

        Gives how many browsers can take it. With none, all that was collected is let go: its workers still
        have it.
        """
        takers = self.takers
        if not takers:
            self._pending = {}
            return 0
        # No more at once, so that whoever keeps up can't be pushed past the ring by a single move.
        moved = [*islice(self._pending, self._ring.size)]
        for key in moved:
            self._ring.append(self._pending.pop(key))
        self._shown.add(moved)
        self._frames.clear()
        return takers

    def next_frame(self, browser: Browser) -> bytes | None:
        """Move the browser's cursor on; give the frame that brings it there, or None where it has all.

        A frame is built once for all browsers that stand at the same place.
        """
        if browser.cursor == self.offset:
            return None
        frame, cursor = self._frames.get(browser.cursor) or self._build(browser.cursor)
        browser.cursor = cursor
        return frame

    def _build(self, cursor: int) -> tuple[bytes, int]:
        if self._ring.holds_all_after(cursor):
            lines = self._ring.after(cursor, FRAME_BYTES)
            reached = cursor + len(lines)
            frame = b'{"offset":%d,"updates":[%b]}' % (reached, b",".join(lines))
        else:
            reached = self.offset
            frame = b'{"gap":true,"offset":%d}' % reached
        if len(self._frames) == FRAMES_KEPT:
            del self._frames[next(iter(self._frames))]
        self._frames[cursor] = frame, reached
        return frame, reached
