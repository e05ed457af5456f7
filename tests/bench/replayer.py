"""Resumes on /ws again and again from one address, in a process of its own, to take as many replays as it gets.

It ends when its standard input is closed, and prints: attempts, replays, bytes received.
"""

from __future__ import annotations

import asyncio
import re
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ADDRESS: Final = "127.0.1.9"
"""Where the attempts come from: no limit of an address concerns others."""
ATTEMPTS_PER_SECOND: Final = 100
CONNECTIONS: Final = 16
_READ_BYTES: Final = 2**18
_TIMEOUT_SECONDS: Final = 20
_EVENT: Final = b'"userId":'
_OFFSET: Final = re.compile(rb'"offset":(\d+)[,}]')
_EPOCH: Final = re.compile(rb'"epoch":"(\w+)"')
_UPGRADE: Final = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)


class Replayer:
    """One address that attacks.

    Args:
        port: The port of the stack.
        missed: How many events each attempt asks for.
    """

    def __init__(self, port: int, missed: int) -> None:
        self._port = port
        self._missed = missed
        self._epoch = ""
        self._newest = 0
        """The offset of the newest event."""
        self.attempts = self.replays = self.received_bytes = 0

    async def attack(self) -> None:
        """Follow the feed, and attempt again and again on several connections, evenly."""
        async with self._connected("") as (reader, hello):
            [epoch], [newest, *_] = _EPOCH.findall(hello), _OFFSET.findall(hello)
            self._epoch, self._newest = epoch.decode(), int(newest)
            attempts = (self._attempt_again_and_again(number) for number in range(CONNECTIONS))
            await asyncio.gather(self._follow(reader), *attempts)

    async def _follow(self, reader: asyncio.StreamReader) -> None:
        while data := await reader.read(_READ_BYTES):
            if offsets := _OFFSET.findall(data):
                self._newest = int(offsets[-1])

    async def _attempt_again_and_again(self, number: int) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + number / ATTEMPTS_PER_SECOND
        while True:
            await asyncio.sleep(due - loop.time())
            due = max(due, loop.time() - 1) + CONNECTIONS / ATTEMPTS_PER_SECOND
            self.attempts += 1
            try:
                async with asyncio.timeout(_TIMEOUT_SECONDS):
                    is_replayed = await self._attempt()
            except (OSError, TimeoutError, asyncio.IncompleteReadError):  # refused, with 429
                continue
            self.replays += is_replayed

    async def _attempt(self) -> bool:
        """Resume, and read the replay to its end. Return whether there was one."""
        query = f"?epoch={self._epoch}&offset={self._newest - self._missed}"
        async with self._connected(query) as (reader, hello):
            if b'"resumed":true' not in hello:
                return False
            events, tail = 0, b""
            while events < self._missed:
                data = await reader.read(_READ_BYTES)
                if not data:
                    return False
                self.received_bytes += len(data)
                events += (tail + data).count(_EVENT)
                tail = data[1 - len(_EVENT) :]  # too short for a whole name
            return True

    @asynccontextmanager
    async def _connected(self, query: str) -> AsyncIterator[tuple[asyncio.StreamReader, bytes]]:
        """Connect. Give the rest of the stream, and the hello. Raises IncompleteReadError if the stack refuses."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port, local_addr=(ADDRESS, 0))
        try:
            writer.write(f"GET /ws{query} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n{_UPGRADE}\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 101"):
                raise asyncio.IncompleteReadError(head, None)
            hello = await reader.readuntil(b"}}")
            self.received_bytes += len(head) + len(hello)
            yield reader, hello
        finally:
            writer.close()


async def main(port: int, missed: int) -> None:
    """Attack until standard input is closed."""
    replayer = Replayer(port, missed)
    attack = asyncio.create_task(replayer.attack())
    await asyncio.to_thread(sys.stdin.read)
    assert not attack.done(), attack
    attack.cancel()
    print(replayer.attempts, replayer.replays, replayer.received_bytes)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
