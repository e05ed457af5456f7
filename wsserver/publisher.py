"""The publisher: when what the hub has collected goes out, and how it gets onto the browsers' sockets."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from websockets.frames import Frame, Opcode

from tradewire import event
from tradewire.errors import InvalidEvent
from wsserver.hub import FRAMES_KEPT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wsserver.connection import Connection
    from wsserver.hub import Browser, Hub

TICK_SECONDS: Final = 0.005
"""What comes within this time after a frame shares the next one, at least."""
TICK_SECONDS_MAX: Final = 0.05
TICK_COSTS: Final = 1.0
"""The next frame waits for so many times what the last one took here: nginx has about as much work with it, and may
have to do it on the same cores, as may the browsers."""


def pause_after(cost_seconds: float) -> float:
    """Give how many seconds after a frame the next may follow, by the processor's time that writing it took."""
    return min(max(TICK_SECONDS, TICK_COSTS * cost_seconds), TICK_SECONDS_MAX)


@lru_cache(maxsize=FRAMES_KEPT)
def text_frame(text: bytes) -> bytes:
    """Give the bytes of a WebSocket text frame as a server sends it, the same for every browser."""
    return Frame(Opcode.TEXT, text).serialize(mask=False)


class Publisher:
    """Shows what workers offer, on ticks: at once after a quiet moment, together under load."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._connections: dict[Browser, Connection] = {}
        self._asking: list[Connection] = []
        """Workers that get their answer with the next tick."""
        self._waiting: set[Connection] = set()
        """Workers that were told to wait: they get READY as soon as a browser can take events."""
        self._next_tick = 0.0
        self._tick: asyncio.TimerHandle | None = None

    def publish(self, worker: Connection, lines: Sequence[bytes]) -> None:
        """Show a worker's events on the next tick, which is now after a quiet moment, and answer it then."""
        try:
            fresh = self._hub.stage(lines)
        except InvalidEvent as error:
            worker.send(f"BAD {error}")
            return
        if not fresh:
            worker.send("OK 0")
            return
        self._asking.append(worker)
        if self._tick is None:
            loop = asyncio.get_running_loop()
            if loop.time() < self._next_tick:
                self._tick = loop.call_at(self._next_tick, self.flush)
            else:
                self.flush()

    def forget(self, worker: Connection) -> None:
        """Forget a worker that has left."""
        self._waiting.discard(worker)

    def join(self, connection: Connection, epoch: str, offset: int) -> Browser:
        """Let a browser in with its hello. It gets nothing more before `resume`, since only now can it be paused."""
        browser, hello = self._hub.join(epoch, offset, event.format_time(datetime.now(UTC)))
        self._connections[browser] = connection
        connection.transport.write(Frame(Opcode.TEXT, hello).serialize(mask=False))
        return browser

    def leave(self, browser: Browser) -> None:
        """Let a browser go."""
        self._hub.leave(browser)
        del self._connections[browser]

    def send_heartbeat(self, browser: Browser) -> None:
        """Tell a browser that keeps up that there is nothing new. One that does not has more to read than it can."""
        if not browser.paused:
            nothing = b'{"offset":%d,"events":[]}' % browser.cursor
            self._connections[browser].transport.write(text_frame(nothing))

    def pause(self, browser: Browser) -> None:
        """Give a browser nothing more: its buffer is full."""
        self._hub.pause(browser)

    def resume(self, browser: Browser) -> None:
        """Go on with a browser that is new, or whose buffer has drained, from where it stands."""
        self._hub.resume(browser)
        self._pump(browser)
        self._wake_workers()

    def flush(self) -> None:
        """Show now what was collected, and answer those whose it is."""
        begun = time.thread_time()  # of the processor: what others have to do meanwhile is no reason to wait longer
        if self._tick:
            self._tick.cancel()
            self._tick = None
        ready = self._show()
        while self._hub.has_staged:
            ready = self._show()
        asking, self._asking = self._asking, []
        for worker in asking:
            worker.send(f"OK {ready}" if ready else "WAIT")
        if not ready:
            self._waiting.update(worker for worker in asking if worker.open)
        self._next_tick = asyncio.get_running_loop().time() + pause_after(time.thread_time() - begun)

    def _show(self) -> int:
        ready = self._hub.commit()
        for browser in self._hub.browsers:
            if not browser.paused:
                self._pump(browser)
        return ready

    def _pump(self, browser: Browser) -> None:
        """Write what the browser lacks, until it has all or its buffer is full.

        Frames go to the transport as they are. They are whole, so what the connection itself writes never mixes with
        them.
        """
        transport = self._connections[browser].transport
        while not browser.paused:
            text = self._hub.next_frame(browser)
            if text is None:
                break
            transport.write(text_frame(text))

    def _wake_workers(self) -> None:
        if self._waiting and self._hub.ready_count:
            waiting, self._waiting = self._waiting, set()
            for worker in waiting:
                worker.send("READY")
