"""Browsers for measuring: they count what arrives and look no deeper, so that they measure the server."""

from __future__ import annotations

import asyncio
import base64
import os
import re
import time
from typing import Final

_ID: Final = re.compile(rb'"id":"([0-9a-f-]{36})"')
_ID_BYTES: Final = len('"id":""') + 36
_PING: Final = re.compile(rb"\x89\x04(.{4})", re.DOTALL)
"""The server's question whether anyone is there. What only looks like it is answered for nothing."""
_PONG: Final = b"\x8a\x84\0\0\0\0"
"""A pong's head, with a mask that changes nothing."""


class CountingBrowser(asyncio.Protocol):
    """A WebSocket client over a plain socket; updates are recognised in the stream as they pass."""

    def __init__(self, port: int, arrivals: dict[bytes, list[int]] | None) -> None:
        self._port = port
        self._arrivals = arrivals
        self._tail = b""
        self.shown = 0
        self.first_shown_ns: int | None = None
        self.hello_ns: int | None = None
        self.welcomed = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the feed."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        request = (
            f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nConnection: Upgrade\r\n"
            f"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
        )
        transport.write(request.encode())

    def data_received(self, data: bytes) -> None:
        """Count, and where asked to, note when each id came."""
        now = time.monotonic_ns()
        if self.hello_ns is None and b'"hello"' in data:
            self.hello_ns = now
            self.welcomed.set()
        for payload in _PING.findall(self._tail + data):
            self._transport.write(_PONG + payload)
        ids = _ID.findall(self._tail + data)
        self._tail = (self._tail + data)[1 - _ID_BYTES :]  # the stream is cut anywhere, in the middle of an id too
        if ids and self.first_shown_ns is None:
            self.first_shown_ns = now
        self.shown += len(ids)
        if self._arrivals is not None:
            for update_id in ids:
                self._arrivals.setdefault(update_id, []).append(now)

    def close(self) -> None:
        """Leave."""
        self._transport.abort()


async def connect(port: int, count: int, arrivals: dict[bytes, list[int]] | None = None) -> list[CountingBrowser]:
    """Connect so many browsers, and wait for each one's hello."""
    loop = asyncio.get_running_loop()
    browsers = []
    for _ in range(count):
        _, browser = await loop.create_connection(lambda: CountingBrowser(port, arrivals), "127.0.0.1", port)
        browsers.append(browser)
    await asyncio.gather(*(browser.welcomed.wait() for browser in browsers))
    return browsers
