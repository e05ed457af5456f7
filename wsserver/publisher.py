"""The publisher: when what the hub has collected goes out, and how it gets onto the browsers' sockets."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from websockets.asyncio.server import ServerConnection, broadcast
from websockets.frames import Frame, Opcode
from websockets.protocol import State

from tradewire import update

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wsserver.hub import Browser, Hub

TICK_SECONDS: Final = 0.005
"""What comes within this time after a frame shares the next one."""


def text_frame(text: bytes) -> bytes:
    """Give the bytes of a WebSocket text frame as a server sends it, the same for every browser."""
    return Frame(Opcode.TEXT, text).serialize(mask=False)


def _takes(connection: ServerConnection) -> bool:
    """Tell whether what is written to a connection now would go out."""
    return not connection.paused and connection.state is State.OPEN


class Publisher:
    """Shows what workers offer, on ticks: at once after a quiet moment, together under load."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._connections: dict[Browser, ServerConnection] = {}
        self._waiting: set[ServerConnection] = set()
        self._next_tick = 0.0
        self._tick: asyncio.Future[int] | None = None
        self._frame: tuple[bytes, bytes] = b"", b""

    async def publish(self, lines: Sequence[bytes]) -> str:
        """Show updates; give the answer for their worker. Raises BadUpdate."""
        if not self._hub.offer(lines):
            return "OK 0"
        takers = await self._ticked()
        return f"OK {takers}" if takers else "WAIT"

    def waits(self, worker: ServerConnection) -> None:
        """Note a worker that was told to wait: it gets READY as soon as a browser can take updates."""
        self._waiting.add(worker)
        self._wake_workers()

    def forget(self, worker: ServerConnection) -> None:
        """Forget a worker that has left."""
        self._waiting.discard(worker)

    def join(self, connection: ServerConnection, epoch: str, offset: int) -> Browser:
        """Let a browser in: it gets its hello, then what it missed, then what comes."""
        browser, hello = self._hub.join(epoch, offset, update.utc(datetime.now(UTC)))
        self._connections[browser] = connection
        connection.transport.write(text_frame(hello))
        self.pump(browser)
        return browser

    def leave(self, browser: Browser) -> None:
        """Let a browser go."""
        self._hub.leave(browser)
        del self._connections[browser]

    def pump(self, browser: Browser) -> None:
        """Write what the browser lacks, until it has all or its buffer is full.

        Frames go to the transport as they are, past the library's `send`, which would build them again for
        each browser. They are whole, so what the library itself writes never mixes with them.
        """
        connection = self._connections[browser]
        while _takes(connection):
            text = self._hub.next_frame(browser)
            if text is None:
                break
            connection.transport.write(self._framed(text))
        browser.paused = not _takes(connection)
        self._wake_workers()

    def flush(self) -> None:
        """Show now what was collected."""
        tick, self._tick = self._tick, None
        self._next_tick = asyncio.get_running_loop().time() + TICK_SECONDS
        for browser, connection in self._connections.items():
            browser.paused = not _takes(connection)  # one that is on its way out takes nothing any more
        takers = self._show()
        while self._hub.collected:
            takers = self._show()
        if tick:
            tick.set_result(takers)

    def _show(self) -> int:
        takers = self._hub.show()
        for browser in self._hub.browsers:
            if not browser.paused:
                self.pump(browser)
        return takers

    async def _ticked(self) -> int:
        """Wait for the next tick, which is now after a quiet moment; give how many browsers took it."""
        if self._tick is None:
            loop = asyncio.get_running_loop()
            self._tick = loop.create_future()
            if loop.time() < self._next_tick:
                loop.call_at(self._next_tick, self.flush)
            else:
                tick = self._tick
                self.flush()
                return tick.result()
        return await asyncio.shield(self._tick)

    def _framed(self, text: bytes) -> bytes:
        if self._frame[0] is not text:
            self._frame = text, text_frame(text)
        return self._frame[1]

    def _wake_workers(self) -> None:
        if self._waiting and self._hub.takers:
            broadcast(self._waiting, "READY")
            self._waiting.clear()
