"""The process that runs the simulated browsers: `python -m tests.bench.client_pool PORT PIPE [TOKEN]`.

`tests.bench.clients` controls it over the pipe. The clients are plain sockets in one epoll, and count events without
decoding them, so that a benchmark measures the server and not its clients. An event is recognised by its `userId`,
which every stack hands on from the posted message. So the same clients count the events of Tradewire and of its peers.
"""

from __future__ import annotations

import base64
import os
import re
import resource
import select
import socket
import struct
import sys
import time
from array import array
from collections import defaultdict
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, Final

from tests.bench.client_counts import ClientCounts

_EVENT: Final = b'"userId":"'
_MARK: Final = re.compile(rb'"userId":"([0-9a-f-]{36})"')
_MARK_BYTES: Final = len('"userId":""') + 36
_GAP: Final = b'"gap":true'
_HELLO: Final = re.compile(rb'"hello":\{"epoch":"([^"]+)","offset":(\d+),"resumed":(true|false)')
_UPGRADED: Final = b"HTTP/1.1 101 "
_PING: Final = re.compile(rb"\x89([\0-\x20])")
"""The header of a ping frame. Other bytes that match it cause a pong too many, which does no harm."""
_PONG: Final = b"\x8a%c\0\0\0\0"
"""The header of a pong frame, with a mask of zeros, which leaves the payload as it is."""

_READ_BYTES: Final = 2**16
_MAX_PENDING_BYTES: Final = 2**23
_IDLE_SECONDS: Final = 0.002
"""Received data is parsed when none has arrived for _IDLE_SECONDS, or when _MAX_PENDING_BYTES are pending. Parsing in
between would delay the clients that are read next."""
_SOURCE_ADDRESSES: Final = 8
"""Clients connect from 127.0.0.2 and the next addresses: one alone has too few ports for tens of thousands of them."""
_BIND_ADDRESS_NO_PORT: Final = 24
"""IP_BIND_ADDRESS_NO_PORT of Linux: `connect` chooses the port, which then must be free only for that peer."""
_MAX_CONNECTING: Final = 200
"""Clients that connect at the same time, except on a reconnect, where all of them do."""


class _Client:
    """One connection."""

    __slots__ = ("events", "hello", "socket", "tail")

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self.events = 0
        """How many events it has received."""
        self.tail = b""
        """The end of the data parsed last, since a read may end anywhere, even within a mark."""
        self.hello: tuple[str, int, bool] | None = None
        """Epoch, offset, and whether the server resumed from this client's position."""


class ClientPool:
    """All clients of this process. `tests.bench.clients` calls the public methods over the pipe, by name."""

    def __init__(self, port: int, pipe: Connection, token: str) -> None:
        self._port = port
        self._credentials = f"X-API-Key: {token}\r\n" if token else ""
        self._pipe = pipe
        self._epoll = select.epoll()
        self._clients: dict[int, _Client] = {}
        """By file descriptor."""
        self._pending: list[tuple[_Client, bytes, int]] = []
        """Data that has been read but not parsed: by which client, the bytes, and when (ns)."""
        self._pending_bytes = 0
        self._arrivals: dict[bytes, array[int]] | None = None
        self._is_reading = True
        self._is_greeted = True
        self._reset_counts()

    def serve(self) -> None:
        """Read from the clients and handle calls until the other end closes the pipe."""
        self._epoll.register(self._pipe.fileno(), select.EPOLLIN)
        while True:
            if not self._is_reading or self._poll(_IDLE_SECONDS if self._pending else -1):
                self._parse_pending()
                try:
                    name, arguments, options = self._pipe.recv()
                except EOFError:
                    return
                try:
                    result = getattr(self, name)(*arguments, **options)
                except (AssertionError, OSError) as error:
                    result = error
                self._pipe.send(result)

    def connect(
        self, count: int, positions: list[tuple[str, int]] | None = None, *, is_greeted: bool = True
    ) -> ClientCounts:
        """Connect `count` clients and wait for the hello of each.

        With `positions` (an epoch and offset for each client), all connect at once and resume from there. A server that
        sends no hello does not greet: its clients count as connected once it has switched to WebSocket.
        """
        self._is_greeted = is_greeted
        expected = len(self._clients) + count
        self._connect_start_ns = time.monotonic_ns()
        for number in range(count):
            self._open(number, positions[number] if positions else None)
            while not positions and len(self._clients) - self._connected > _MAX_CONNECTING:
                self._poll(0.01)
                self._parse_pending()
        while self._connected < expected and not self._dropped:
            self._poll(0.01)
            self._parse_pending()
        assert not self._dropped, f"the server dropped {self._dropped} of {expected} clients: {self._dropped_tail!r}"
        return self.counts()

    def counts(self) -> ClientCounts:
        """Return the current counts."""
        events = [client.events for client in self._clients.values()] or [0]
        times = self._connect_start_ns, self._last_hello_ns, self._first_event_ns, self._last_event_ns
        return ClientCounts(self._connected, self._dropped, min(events), max(events), self._gaps, *times)

    def start_over(self) -> None:
        """Forget all events that the clients have received."""
        self._parse_pending()
        for client in self._clients.values():
            client.events = 0
        self._arrivals = None
        self._first_event_ns = self._last_event_ns = 0

    def record_arrivals(self) -> None:
        """From now on, record when each marked event reaches each client."""
        self._arrivals = defaultdict(lambda: array("q"))

    def arrivals(self) -> dict[bytes, array[int]]:
        """Return the arrival times of each marked event by its mark, one for each client (ns)."""
        assert self._arrivals is not None, "arrivals are not recorded"
        return dict(self._arrivals)

    def stop_reading(self) -> None:
        """Leave all further data in the kernel's buffers."""
        self._is_reading = False

    def disconnect(self) -> list[tuple[str, int]]:
        """Close all connections; return the epoch and offset of each client's hello."""
        self._parse_pending()
        positions = [client.hello[:2] for client in self._clients.values() if client.hello]
        for client in self._clients.values():
            client.socket.close()
        self._clients.clear()
        self._reset_counts()
        return positions

    def resumed(self) -> int:
        """Count the clients that the server resumed from their positions."""
        return sum(bool(client.hello and client.hello[2]) for client in self._clients.values())

    def _reset_counts(self) -> None:
        self._connected = self._dropped = self._gaps = 0
        self._connect_start_ns = self._last_hello_ns = self._first_event_ns = self._last_event_ns = 0
        self._dropped_tail = b""
        """The end of the data that the client dropped last had received."""

    def _open(self, number: int, position: tuple[str, int] | None) -> None:
        sock = socket.socket()
        sock.setsockopt(socket.SOL_IP, _BIND_ADDRESS_NO_PORT, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # `close` resets the connection
        sock.bind((f"127.0.0.{2 + number % _SOURCE_ADDRESSES}", 0))
        sock.connect(("127.0.0.1", self._port))
        sock.settimeout(0)
        query = f"?epoch={position[0]}&offset={position[1]}" if position else ""
        key = base64.b64encode(os.urandom(16)).decode()
        sock.send(
            f"GET /ws{query} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nConnection: Upgrade\r\n"
            f"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
            f"{self._credentials}\r\n".encode()
        )
        self._clients[sock.fileno()] = _Client(sock)
        self._epoll.register(sock.fileno(), select.EPOLLIN)

    def _poll(self, timeout_seconds: float) -> bool:
        """Read from all sockets that are ready; return whether a call is waiting in the pipe."""
        is_called = False
        ready = self._epoll.poll(timeout_seconds)
        for descriptor, _ in ready:
            client = self._clients.get(descriptor)
            if client:
                self._read(client)
            else:
                is_called = True
        if not ready or self._pending_bytes > _MAX_PENDING_BYTES:
            self._parse_pending()
        return is_called

    def _read(self, client: _Client) -> None:
        try:
            data = client.socket.recv(_READ_BYTES)
        except ConnectionResetError:
            data = b""
        if data:
            self._pending.append((client, data, time.monotonic_ns()))
            self._pending_bytes += len(data)
        else:
            self._parse_pending()
            self._drop(client)

    def _parse_pending(self) -> None:
        for client, data, received_ns in self._pending:
            self._parse(client, data, received_ns)
        self._pending.clear()
        self._pending_bytes = 0

    def _parse(self, client: _Client, data: bytes, received_ns: int) -> None:
        start = len(client.tail)
        stream = client.tail + data
        if client.hello is None:
            self._parse_hello(client, stream, received_ns)
        if b"\x89" in stream:
            self._answer_pings(client, stream)
        if self._arrivals is not None:
            for mark in _MARK.findall(stream):
                self._arrivals[mark].append(received_ns)
        # Include only the end of the tail, too short for a whole name: complete ones are already counted.
        events = stream.count(_EVENT, max(0, start - len(_EVENT) + 1))
        if events:
            client.events += events
            self._last_event_ns = received_ns
            self._first_event_ns = self._first_event_ns or received_ns
        self._gaps += stream.count(_GAP, max(0, start - len(_GAP) + 1))
        client.tail = stream[1 - _MARK_BYTES :]

    def _parse_hello(self, client: _Client, stream: bytes, received_ns: int) -> None:
        if self._is_greeted and (hello := _HELLO.search(stream)):
            client.hello = hello[1].decode(), int(hello[2]), hello[3] == b"true"
        elif not self._is_greeted and stream.startswith(_UPGRADED):
            client.hello = "", 0, False
        if client.hello:
            self._connected += 1
            self._last_hello_ns = received_ns

    def _answer_pings(self, client: _Client, stream: bytes) -> None:
        for ping in _PING.finditer(stream):
            size = ping[1][0]
            if ping.end() + size <= len(stream):
                with suppress(OSError):  # the server may have closed the connection
                    client.socket.send(_PONG % (0x80 | size) + stream[ping.end() : ping.end() + size])

    def _drop(self, client: _Client) -> None:
        del self._clients[client.socket.fileno()]
        client.socket.close()
        self._dropped += 1
        self._dropped_tail = client.tail
        self._connected -= client.hello is not None


def main() -> None:
    """Run a client pool until the pipe is closed."""
    _, hard_limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard_limit, hard_limit))
    port, descriptor, *tokens = sys.argv[1:]
    pipe: Connection[Any, Any] = Connection(int(descriptor))
    ClientPool(int(port), pipe, *tokens or [""]).serve()


if __name__ == "__main__":
    main()
