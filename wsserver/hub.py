"""The hub: which browsers are connected, the recent events, and what each browser still needs. No I/O, no clock.

When an event is shown, it gets an offset, one higher than that of the event before it. A gap, where events were given
up, gets an offset, too. The newest events are kept in a ring. Each browser has a cursor: the offset of the last event
it was sent. It needs the events after its cursor, no matter whether it was away, is slow, or just waits for the next
event.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

import msgspec

from tradewire import event
from tradewire.version import VERSION
from wsserver.dedup_window import DedupWindow
from wsserver.ring import Ring

if TYPE_CHECKING:
    from collections.abc import Sequence

RING_BYTES: Final = 64 * 1024 * 1024
"""The ring drops its oldest events when it holds more than this."""
FRAME_BYTES: Final = 256 * 1024
"""Events share a frame up to this size, so that a browser's buffer is never far above its high-water mark."""
_GAP: Final = b""
"""Stands in the ring for events that were given up."""
FRAME_CACHE_SIZE: Final = 8
"""Frames kept for other browsers at the same cursor."""


@dataclass(eq=False, slots=True)
class Browser:
    """A browser, as the hub sees it."""

    cursor: int
    """Offset of the last event it was sent."""
    paused: bool = False
    """True while its write buffer is full. It gets nothing until the buffer has drained. Only Hub.pause and Hub.resume
    change this."""


class Hub:
    """Keeps the stream of events and each browser's place in it.

    Events are shown in two steps. `stage` collects them. `commit` adds them to the stream, or drops them if no browser
    can take them. Nothing is promised before `commit`: workers still hold dropped events and send them again.

    Example:
        >>> hub = Hub("e1", ring_events=20_000)
        >>> browser, hello = hub.join("", -1, "2026-01-01T00:00:00.000000Z")
        >>> hub.stage([line])
        True
        >>> hub.commit()
        1
        >>> hub.next_frame(browser)
        b'{"offset":1,"events":[...]}'

    Args:
        epoch: Identifies this run of the server. Offsets of another epoch mean nothing here.
        ring_events: How many events are kept for browsers that were away.
    """

    def __init__(self, epoch: str, ring_events: int) -> None:
        self.epoch = epoch
        self.browsers: set[Browser] = set()
        self.dedup = DedupWindow()
        self._lagging = 0
        self._ring = Ring(ring_events, RING_BYTES)
        self._staged: dict[bytes, bytes] = {}
        """Events by id."""
        self._frames: dict[int, tuple[bytes, int]] = {}
        """By cursor: the frame for a browser there, and the browser's cursor after it."""

    @property
    def offset(self) -> int:
        """Offset of the newest event shown, 0 before the first."""
        return self._ring.offset

    @property
    def ready_count(self) -> int:
        """Number of browsers that keep up: their write buffers can take the next frame."""
        return len(self.browsers) - self._lagging

    def join(self, epoch: str, offset: int, now: str) -> tuple[Browser, bytes]:
        """Add a browser. It resumes at its offset if every event after it is still here.

        Args:
            epoch: The epoch that the browser names; empty if none.
            offset: The offset that the browser names; -1 if none.
            now: The time of day for the hello, as ISO 8601.

        Returns:
            The browser, and the payload of its first frame, the hello.
        """
        resumed = self._can_resume(epoch, offset)
        browser = Browser(offset if resumed else self.offset)
        self.browsers.add(browser)
        hello = {"epoch": self.epoch, "offset": browser.cursor, "resumed": resumed, "now": now, "version": VERSION}
        return browser, msgspec.json.encode({"hello": hello})

    def replay_bytes(self, epoch: str, offset: int) -> int:
        """Return the size of the events that a browser would be sent to resume; 0 if it can't resume.

        Args:
            epoch: The epoch that the browser names; empty if none.
            offset: The offset that the browser names; -1 if none.
        """
        return self._ring.bytes_after(offset) if self._can_resume(epoch, offset) else 0

    def leave(self, browser: Browser) -> None:
        """Remove a browser. May be called again."""
        self.resume(browser)
        self.browsers.discard(browser)

    def pause(self, browser: Browser) -> None:
        """Mark a browser as lagging: its write buffer is full. May be called again."""
        self._lagging += not browser.paused
        browser.paused = True

    def resume(self, browser: Browser) -> None:
        """Mark a browser as keeping up: its write buffer has drained. May be called again."""
        self._lagging -= browser.paused
        browser.paused = False

    def stage(self, lines: Sequence[bytes]) -> bool:
        """Collect events for the next `commit`. Events that were shown or staged before are skipped.

        Args:
            lines: Encoded events, one each.

        Returns:
            False if every event was shown before, so that there is nothing to wait for.

        Raises:
            InvalidEvent: A line is not exactly one event. Nothing was staged.
        """
        new = dict(zip(event.packed_ids(lines), lines, strict=True))
        for key in self.dedup.seen(new):
            del new[key]
        self._staged |= new
        return bool(new)

    @property
    def has_staged(self) -> bool:
        """True if `commit` has anything to do."""
        return bool(self._staged)

    def commit(self) -> int:
        """Add staged events to the stream, as many as the ring holds. Repeat while `has_staged`.

        Returns:
            The number of browsers that can take the events. If it is 0, all staged events were dropped.
        """
        ready = self.ready_count
        if not ready:
            self._staged = {}
            return 0
        # A larger step could push browsers that keep up past the end of the ring.
        shown = dict(islice(self._staged.items(), self._ring.size))
        self._staged = dict(islice(self._staged.items(), self._ring.size, None))
        self._ring.extend([*shown.values()])
        self.dedup.add(shown)
        self._frames.clear()
        return ready

    def add_gap(self) -> None:
        """Note that events were given up which browsers would have been sent next."""
        self._ring.extend([_GAP])
        self._frames.clear()

    def next_frame(self, browser: Browser) -> bytes | None:
        """Return the next frame for a browser and move its cursor past it.

        Browsers at the same cursor share one frame.

        Args:
            browser: A browser that has joined and is not paused.

        Returns:
            The frame's payload: events, or the news of a gap if the next events were given up or have left the ring.
            None if the browser has everything.
        """
        if browser.cursor == self._ring.offset:
            return None
        frame, browser.cursor = self._frames.get(browser.cursor) or self._build(browser.cursor)
        return frame

    def _can_resume(self, epoch: str, offset: int) -> bool:
        return epoch == self.epoch and self._ring.holds_all_after(offset)

    def _build(self, cursor: int) -> tuple[bytes, int]:
        if self._ring.holds_all_after(cursor):
            lines = self._ring.after(cursor, FRAME_BYTES)
            events = lines[: lines.index(_GAP)] if _GAP in lines else lines
            reached = cursor + max(1, len(events))
        else:
            events, reached = [], self.offset
        if events:
            frame = b'{"offset":%d,"events":[%b]}' % (reached, b",".join(events))
        else:
            frame = b'{"gap":true,"offset":%d}' % reached
        if len(self._frames) == FRAME_CACHE_SIZE:
            del self._frames[next(iter(self._frames))]
        self._frames[cursor] = frame, reached
        return frame, reached
