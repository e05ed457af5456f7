"""The publisher: when staged events are sent, and how frames are written to the browsers."""

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

TICK_SECONDS: Final = 0.005
"""Shortest time between two ticks. Events that arrive within it share a frame."""
TICK_SECONDS_MAX: Final = 0.05
"""Longest time between two ticks."""
TICK_COST_FACTOR: Final = 1.0
"""After a tick that took t seconds of CPU time, the next one waits for TICK_COST_FACTOR × t. nginx has about as much
work with the frame, perhaps on the same cores, and so may the browsers."""


def pause_after(cost_seconds: float) -> float:
    """Return the seconds to wait after a tick, given the CPU seconds that it took."""
    return min(max(TICK_SECONDS, TICK_COST_FACTOR * cost_seconds), TICK_SECONDS_MAX)


@lru_cache(maxsize=FRAME_CACHE_SIZE)
def text_frame(text: bytes) -> bytes:
    """Return a server's WebSocket text frame with this payload. Browsers at the same cursor share its bytes."""
    return Frame(Opcode.TEXT, text).serialize(mask=False)


class Publisher:
    """Sends workers' events to browsers, and replies to the workers.

    Events are sent on ticks. The first event after a quiet period causes a tick at once. Under load, events are
    collected until the next tick is due.

    Args:
        hub: Knows what each browser needs. Browsers must join and leave it through this publisher.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._connections: dict[Browser, Connection] = {}
        self._awaiting_reply: list[Connection] = []
        """Workers whose events are staged. The next tick replies to them."""
        self._awaiting_ready: set[Connection] = set()
        """Workers that got WAIT. They get READY as soon as a browser can take events."""
        self._next_tick = 0.0
        self._tick: asyncio.TimerHandle | None = None

    def publish(self, worker: Connection, lines: Sequence[bytes]) -> None:
        """Stage a worker's events. The tick that sends them replies to the worker.

        The reply is `OK` and the number of browsers that keep up, `WAIT` if there is no such browser, or `BAD` and the
        reason if a line is not an event. `BAD`, and `OK 0` for events that were all shown before, are sent at once.

        Args:
            worker: Gets the reply.
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
        if self._tick is None:
            loop = asyncio.get_running_loop()
            if loop.time() < self._next_tick:
                self._tick = loop.call_at(self._next_tick, self.flush)
            else:
                self.flush()

    def forget(self, worker: Connection) -> None:
        """Send no READY to a worker that has disconnected. May be called again."""
        self._awaiting_ready.discard(worker)

    def join(self, connection: Connection, epoch: str, offset: int) -> Browser:
        """Add a browser and send its hello. It gets no events before `resume` is called.

        The caller needs the returned browser to pause it, and sending events can make that necessary.

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
        """Send a frame without events. A paused browser is skipped, since unread data is waiting for it."""
        if not browser.paused:
            heartbeat = b'{"offset":%d,"events":[]}' % browser.cursor
            self._connections[browser].transport.write(text_frame(heartbeat))

    def pause(self, browser: Browser) -> None:
        """Stop sending to a browser: its write buffer is full."""
        self._hub.pause(browser)

    def resume(self, browser: Browser) -> None:
        """Send a browser everything after its cursor: it has just joined, or its write buffer has drained."""
        self._hub.resume(browser)
        self._send_missing(browser)
        self._wake_workers()

    def flush(self) -> None:
        """Run a tick now: send the staged events, and reply to the workers that sent them."""
        begun = time.thread_time()  # CPU time: work of other processes is no reason to wait longer
        if self._tick:
            self._tick.cancel()
            self._tick = None
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
        for browser in self._hub.browsers:
            if not browser.paused:
                self._send_missing(browser)
        return ready

    def _send_missing(self, browser: Browser) -> None:
        """Send the events after the browser's cursor, until it has all of them or its write buffer is full.

        Whole frames are written to the transport directly, so they never mix with frames that the connection's protocol
        writes.
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
