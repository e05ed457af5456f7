"""The hub: who is connected, the recent events, who needs what. No I/O, no clock.

An event gets an offset, one higher than the last, when it is shown. The newest are kept in a ring, and each
browser has a cursor, the offset of the last event that it was given: what it still needs is what lies
behind its cursor, whether it was away, slow, or is simply next.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

import msgspec

from tradewire import event
from wsserver.dedup_window import DedupWindow
from wsserver.ring import Ring

if TYPE_CHECKING:
    from collections.abc import Sequence

RING_BYTES: Final = 64 * 1024 * 1024
FRAME_BYTES: Final = 256 * 1024
"""Events are put into one frame up to this size, so that a browser's buffer is never far over its mark."""
FRAMES_KEPT: Final = 8
"""Frames kept for other browsers at the same place; each is of FRAME_BYTES at most."""


@dataclass(eq=False, slots=True)
class Browser:
    """A browser, as the hub sees it."""

    cursor: int
    """Offset of the last event that it was given."""
    paused: bool = False
    """Its buffer is full; it is given nothing until that has drained. Set by Hub.pause and Hub.resume alone."""


class Hub:
    """Takes events in two moves: `offer` collects them, `show` gives what was collected to browsers.

    In between nothing is promised, so that what nobody can take goes back to its worker.
    """

    def __init__(self, epoch: str, ring_events: int) -> None:
        self.epoch = epoch
        self.browsers: set[Browser] = set()
        self.dedup = DedupWindow()
        self._lagging = 0
        self._ring = Ring(ring_events, RING_BYTES)
        self._pending: dict[bytes, bytes] = {}
        self._frames: dict[int, tuple[bytes, int]] = {}

    @property
    def offset(self) -> int:
        """Offset of the newest event shown."""
        return self._ring.offset

    @property
    def ready_count(self) -> int:
        """How many browsers keep up, and so can take what comes next."""
        return len(self.browsers) - self._lagging

    def join(self, epoch: str, offset: int, now: str) -> tuple[Browser, bytes]:
        """Add a browser that says where it was; give it, and its first frame, which tells it the time."""
        resumed = epoch == self.epoch and self._ring.holds_all_after(offset)
        browser = Browser(offset if resumed else self.offset)
        self.browsers.add(browser)
        hello = {"epoch": self.epoch, "offset": browser.cursor, "resumed": resumed, "now": now}
        return browser, msgspec.json.encode({"hello": hello})

    def leave(self, browser: Browser) -> None:
        """Forget a browser. Harmless when forgotten."""
        self.resume(browser)
        self.browsers.discard(browser)

    def pause(self, browser: Browser) -> None:
        """Note that a browser's buffer is full."""
        self._lagging += not browser.paused
        browser.paused = True

    def resume(self, browser: Browser) -> None:
        """Note that a browser's buffer has drained."""
        self._lagging -= browser.paused
        browser.paused = False

    def stage(self, lines: Sequence[bytes]) -> bool:
        """Collect events to be shown next. False: all of them were shown before.

        Raises InvalidEvent, with nothing collected, where one of them is no event.
        """
        fresh = dict(zip(event.packed_ids(lines), lines, strict=True))
        for key in self.dedup.seen(fresh):
            del fresh[key]
        self._pending |= fresh
        return bool(fresh)

    @property
    def has_staged(self) -> bool:
        """Whether there is anything to show."""
        return bool(self._pending)

    def commit(self) -> int:
        """Move what was collected, as much as the ring holds, behind every browser's cursor.

        Gives how many browsers can take it. With none, all that was collected is let go: its workers still
        have it.
        """
        ready = self.ready_count
        if not ready:
            self._pending = {}
            return 0
        # No more at once, so that whoever keeps up can't be pushed past the ring by a single move.
        moved = dict(islice(self._pending.items(), self._ring.size))
        self._pending = dict(islice(self._pending.items(), self._ring.size, None))
        self._ring.extend([*moved.values()])
        self.dedup.add(moved)
        self._frames.clear()
        return ready

    def next_frame(self, browser: Browser) -> bytes | None:
        """Move the browser's cursor on; give the frame that brings it there, or None where it has all.

        A frame is built once for all browsers that stand at the same place.
        """
        if browser.cursor == self._ring.offset:
            return None
        frame, browser.cursor = self._frames.get(browser.cursor) or self._build(browser.cursor)
        return frame

    def _build(self, cursor: int) -> tuple[bytes, int]:
        if self._ring.holds_all_after(cursor):
            lines = self._ring.after(cursor, FRAME_BYTES)
            reached = cursor + len(lines)
            frame = b'{"offset":%d,"events":[%b]}' % (reached, b",".join(lines))
        else:
            reached = self.offset
            frame = b'{"gap":true,"offset":%d}' % reached
        if len(self._frames) == FRAMES_KEPT:
            del self._frames[next(iter(self._frames))]
        self._frames[cursor] = frame, reached
        return frame, reached
