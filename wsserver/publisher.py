"""The publisher: decides when staged events are sent, and writes frames to the browsers."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from websockets.frames import Frame, Opcode

from tradewire import event
from tradewire.errors import InvalidEvent
from wsserver.hub import FRAME_CACHE_SIZE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wsserver.connection import Connection
    from wsserver.hub import Browser, Hub

PAUSE_SECONDS_MIN: Final = 0.005
"""Shortest pause after a tick. Events that arrive during the pause share a frame."""
PAUSE_SECONDS_MAX: Final = 0.05
"""Longest pause after a tick."""
PAUSE_COST_FACTOR: Final = 1.0
"""Within these limits, the pause after a tick is its CPU time times this factor. nginx needs about as much CPU time for
the same frames, perhaps on the same cores, and so may the browsers."""


def pause_after(cost_seconds: float) -> float:
    """Return the seconds to wait after a tick, given the CPU seconds that it took."""
    return min(max(PAUSE_SECONDS_MIN, PAUSE_COST_FACTOR * cost_seconds), PAUSE_SECONDS_MAX)


@lru_cache(maxsize=FRAME_CACHE_SIZE)
def text_frame(text: bytes) -> bytes:
    """Return a server's WebSocket text frame with this payload. Browsers at the same cursor share its bytes."""
    return Frame(Opcode.TEXT, text).serialize(mask=False)


class Publisher:
    """Sends workers' events to browsers, and replies to the workers.

    Events are sent on ticks. The first event after a quiet period causes a tick at once. Under load, events are
    collected until the next tick is due.

    Args:
        hub: Holds the events and each browser's cursor. Browsers must join and leave it through this publisher.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._connections: dict[Browser, Connection] = {}
        self._awaiting_reply: list[Connection] = []
        """Workers whose events are staged. The next tick replies to them."""
        self._awaiting_ready: set[Connection] = set()
        """Workers that got WAIT. They get READY as soon as a browser can take events."""
        self._next_tick = 0.0
        self._timer: asyncio.TimerHandle | None = None
        """Runs the next tick. None if no tick is due."""

    def publish(self, worker: Connection, lines: Sequence[bytes]) -> None:
        """Stage a worker's events. The next tick shows or drops them, and replies to the worker.

        The reply is one of these:

        - `OK n`: The events are shown, and n browsers keep up.
        - `WAIT`: The events are dropped, because no browser keeps up. `READY` follows when one does.
        - `BAD reason`: A line is not an event. Sent at once; nothing is staged.

        If all events were shown before, `OK 0` is sent at once.

        Args:
            worker: The worker that sent the events.
            lines: Encoded events, one each.
        """
        try:
            has_new = self._hub.stage(lines)
        except InvalidEvent as error:
            worker.send(f"BAD {error}")
            return
        if not has_new:
            worker.send("OK 0")
            return
        self._awaiting_reply.append(worker)
        if self._timer is None:
            loop = asyncio.get_running_loop()
            if loop.time() < self._next_tick:
                self._timer = loop.call_at(self._next_tick, self.tick)
            else:
                self.tick()

    def announce_gap(self, worker: Connection) -> None:
        """Tell every browser that it misses events, and reply with `OK n`, n being the number of browsers.

        Args:
            worker: The worker that announces the gap.
        """
        self._hub.add_gap()
        self._send_all_missing()
        worker.send(f"OK {len(self._hub.browsers)}")

    def cancel_ready(self, worker: Connection) -> None:
        """Send no READY to a worker that has disconnected. May be called again."""
        self._awaiting_ready.discard(worker)

    def replay_bytes(self, epoch: str, offset: int) -> int:
        """Return the size of the events that a browser would be sent to resume: see `Hub.replay_bytes`."""
        return self._hub.replay_bytes(epoch, offset)

    def join(self, connection: Connection, epoch: str, offset: int) -> Browser:
        """Add a browser and send its hello. It gets no events before `resume` is called.

        Events need a separate call: sending them can fill the connection's write buffer, and the caller then needs the
        returned browser to pause it.

        Args:
            connection: The browser's open connection.
            epoch: The epoch that the browser names; empty if none.
            offset: The offset that the browser names; -1 if none.
        """
        browser, hello = self._hub.join(epoch, offset, event.format_time(datetime.now(UTC)))
        self._connections[browser] = connection
        connection.transport.write(Frame(Opcode.TEXT, hello).serialize(mask=False))
        return browser

    def leave(self, browser: Browser) -> None:
        """Remove a browser. Must be called once for each browser."""
        self._hub.leave(browser)
        del self._connections[browser]

    def send_heartbeat(self, browser: Browser) -> None:
        """Send a frame without events. Skip a paused browser: it still has data to read."""
        if not browser.paused:
            heartbeat = b'{"offset":%d,"events":[]}' % browser.cursor
            self._connections[browser].transport.write(text_frame(heartbeat))

    def pause(self, browser: Browser) -> None:
        """Stop sending to a browser: its write buffer is full."""
        self._hub.pause(browser)

    def resume(self, browser: Browser) -> None:
        """Start or continue sending to a browser: it has joined, or its write buffer has drained."""
        self._hub.resume(browser)
        self._send_missing(browser)
        self._wake_workers()

    def tick(self) -> None:
        """Show or drop the staged events now, and reply to the workers that sent them."""
        begun = time.thread_time()  # elapsed time would include other processes' work, no reason for a longer pause
        if self._timer:
            self._timer.cancel()
            self._timer = None
        ready = self._commit_and_send()
        while self._hub.has_staged:
            ready = self._commit_and_send()
        workers, self._awaiting_reply = self._awaiting_reply, []
        for worker in workers:
            worker.send(f"OK {ready}" if ready else "WAIT")
        if not ready:
            self._awaiting_ready.update(worker for worker in workers if worker.open)
        self._next_tick = asyncio.get_running_loop().time() + pause_after(time.thread_time() - begun)

    def _commit_and_send(self) -> int:
        ready = self._hub.commit()
        self._send_all_missing()
        return ready

    def _send_all_missing(self) -> None:
        for browser in self._hub.browsers:
            if not browser.paused:
                self._send_missing(browser)

    def _send_missing(self, browser: Browser) -> None:
        """Send the events after the browser's cursor, until it has all of them or its write buffer is full.

        This writes to the transport, past the connection's protocol. Each write is a whole frame, so frames from the
        protocol, such as pings, can only come between them.
        """
        transport = self._connections[browser].transport
        while not browser.paused:
            payload = self._hub.next_frame(browser)
            if payload is None:
                break
            transport.write(text_frame(payload))

    def _wake_workers(self) -> None:
        if self._awaiting_ready and self._hub.ready_count:
            workers, self._awaiting_ready = self._awaiting_ready, set()
            for worker in workers:
                worker.send("READY")
