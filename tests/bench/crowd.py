"""A crowd of browsers in a process of its own: `python -m tests.bench.crowd PORT PIPE`, told what to do over a pipe.

It counts what passes and looks no deeper, over plain sockets in one epoll, so that the server is measured and not its
clients. `tests.bench.browsers` is the other end of the pipe.
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

from tests.bench.counts import Counts

_MARK: Final = b'"id":"'
_ID: Final = re.compile(rb'"id":"([0-9a-f-]{36})"')
_ID_BYTES: Final = len('"id":""') + 36
_GAP: Final = b'"gap":true'
_HELLO: Final = re.compile(rb'"hello":\{"epoch":"([^"]+)","offset":(\d+),"resumed":(true|false)')
_PING: Final = re.compile(rb"\x89([\0-\x20])")
"""The server's question whether anyone is there. What only looks like it is answered for nothing."""
_PONG: Final = b"\x8a%c\0\0\0\0"
"""A pong's head, with a mask that changes nothing."""

_READ_BYTES: Final = 2**16
_UNSEEN_BYTES: Final = 2**23
_QUIET_SECONDS: Final = 0.002
"""What has been read is looked at when nothing more comes for so long, or when it is so much: whoever is next to read
is not kept waiting by what is found in what another has read."""
_ADDRESSES: Final = 8
"""127.0.0.2 and those after it: one address alone has too few ports for tens of thousands of connections."""
_BIND_ADDRESS_NO_PORT: Final = 24
"""IP_BIND_ADDRESS_NO_PORT of Linux: the port is chosen by `connect`, so that it need only be free for that peer."""
_AT_ONCE: Final = 200
"""Browsers on their way in at a time, unless all are to come at once."""


class _Browser:
    """One connection: what it was shown, and where the server said that it stands."""

    __slots__ = ("hello", "shown", "socket", "tail")

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self.shown = 0
        self.tail = b""
        """The end of what came last: the stream is cut anywhere, in the middle of an id too."""
        self.hello: tuple[str, int, bool] | None = None
        """Epoch, offset, and whether the server resumed from where this browser was."""


class Crowd:
    """All browsers of one process. Its public methods are what can be asked for over the pipe."""

    def __init__(self, port: int, pipe: Connection) -> None:
        self._port = port
        self._pipe = pipe
        self._epoll = select.epoll()
        self._browsers: dict[int, _Browser] = {}
        self._unseen: list[tuple[_Browser, bytes, int]] = []
        """What has been read, by whom, and when."""
        self._unseen_bytes = 0
        self._arrivals: dict[bytes, array[int]] | None = None
        self._is_reading = True
        self._forget()

    def serve(self) -> None:
        """Do what is asked for, and read meanwhile, until the other end closes the pipe."""
        self._epoll.register(self._pipe.fileno(), select.EPOLLIN)
        while True:
            if not self._is_reading or self._step(_QUIET_SECONDS if self._unseen else -1):
                self._look()
                try:
                    name, arguments = self._pipe.recv()
                except EOFError:
                    return
                try:
                    answer = getattr(self, name)(*arguments)
                except (AssertionError, OSError) as fault:
                    answer = fault
                self._pipe.send(answer)

    def connect(self, count: int, places: list[tuple[str, int]] | None = None) -> Counts:
        """Connect so many browsers; wait until the server has welcomed each.

        With `places`, epoch and offset of each, all come at once and say where they were.
        """
        expected = len(self._browsers) + count
        self._begun_ns = time.monotonic_ns()
        for number in range(count):
            self._open(number, places[number] if places else None)
            while not places and len(self._browsers) - self._welcomed > _AT_ONCE:
                self._step(0.01)
                self._look()
        while self._welcomed < expected and not self._dropped:
            self._step(0.01)
            self._look()
        assert not self._dropped, f"the server sent {self._dropped} of {expected} browsers away: {self._last_words!r}"
        return self.counts()

    def counts(self) -> Counts:
        """Count."""
        shown = [browser.shown for browser in self._browsers.values()] or [0]
        moments = self._begun_ns, self._welcomed_ns, self._first_ns, self._last_ns
        return Counts(self._welcomed, self._dropped, min(shown), max(shown), self._gaps, *moments)

    def note(self) -> None:
        """From now on, note when each id comes to each browser."""
        self._arrivals = defaultdict(lambda: array("q"))

    def arrivals(self) -> dict[bytes, array[int]]:
        """Give the moments at which each id came, in ns, one for each browser that it came to."""
        assert self._arrivals is not None, "arrivals are not noted"
        return dict(self._arrivals)

    def stop_reading(self) -> None:
        """Leave everything that comes in the kernel's hands."""
        self._is_reading = False

    def go_on(self) -> None:
        """Read again."""
        self._is_reading = True

    def leave(self) -> list[tuple[str, int]]:
        """Close all connections; give where the server had said that each of them stood when it came."""
        self._look()
        places = [browser.hello[:2] for browser in self._browsers.values() if browser.hello]
        for browser in self._browsers.values():
            browser.socket.close()
        self._browsers.clear()
        self._forget()
        return places

    def resumed(self) -> int:
        """Count the browsers whom the server could give all that they had missed."""
        return sum(bool(browser.hello and browser.hello[2]) for browser in self._browsers.values())

    def _forget(self) -> None:
        self._welcomed = self._dropped = self._gaps = 0
        self._begun_ns = self._welcomed_ns = self._first_ns = self._last_ns = 0
        self._last_words = b""
        """The end of what the server sent to whom it left last."""

    def _open(self, number: int, place: tuple[str, int] | None) -> None:
        sock = socket.socket()
        sock.setsockopt(socket.SOL_IP, _BIND_ADDRESS_NO_PORT, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # leave at once, by a reset
        sock.bind((f"127.0.0.{2 + number % _ADDRESSES}", 0))
        sock.connect(("127.0.0.1", self._port))
        sock.settimeout(0)
        query = f"?epoch={place[0]}&offset={place[1]}" if place else ""
        key = base64.b64encode(os.urandom(16)).decode()
        sock.send(
            f"GET /ws{query} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nConnection: Upgrade\r\n"
            f"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        self._browsers[sock.fileno()] = _Browser(sock)
        self._epoll.register(sock.fileno(), select.EPOLLIN)

    def _step(self, timeout_seconds: float) -> bool:
        """Read where something has come; tell whether the pipe has something, too."""
        is_asked = False
        events = self._epoll.poll(timeout_seconds)
        for descriptor, _ in events:
            browser = self._browsers.get(descriptor)
            if browser:
                self._read(browser)
            else:
                is_asked = True
        if not events or self._unseen_bytes > _UNSEEN_BYTES:
            self._look()
        return is_asked

    def _read(self, browser: _Browser) -> None:
        try:
            data = browser.socket.recv(_READ_BYTES)
        except ConnectionResetError:
            data = b""
        if data:
            self._unseen.append((browser, data, time.monotonic_ns()))
            self._unseen_bytes += len(data)
        else:
            self._look()
            self._drop(browser)

    def _look(self) -> None:
        """Look at what has been read."""
        for browser, data, moment in self._unseen:
            self._look_at(browser, data, moment)
        self._unseen.clear()
        self._unseen_bytes = 0

    def _look_at(self, browser: _Browser, data: bytes, moment: int) -> None:
        start = len(browser.tail)
        stream = browser.tail + data
        if browser.hello is None:
            self._welcome(browser, stream, moment)
        if b"\x89" in stream:
            self._answer_pings(browser, stream)
        if self._arrivals is None:
            # No more of the tail than can't hold a whole mark: what is in there was counted.
            came = stream.count(_MARK, max(0, start - len(_MARK) + 1))
        else:
            ids = _ID.findall(stream)
            for event_id in ids:
                self._arrivals[event_id].append(moment)
            came = len(ids)
        if came:
            browser.shown += came
            self._last_ns = moment
            self._first_ns = self._first_ns or moment
        self._gaps += stream.count(_GAP, max(0, start - len(_GAP) + 1))
        browser.tail = stream[1 - _ID_BYTES :]

    def _welcome(self, browser: _Browser, stream: bytes, moment: int) -> None:
        found = _HELLO.search(stream)
        if found:
            browser.hello = found[1].decode(), int(found[2]), found[3] == b"true"
            self._welcomed += 1
            self._welcomed_ns = moment

    def _answer_pings(self, browser: _Browser, stream: bytes) -> None:
        for ping in _PING.finditer(stream):
            size = ping[1][0]
            if ping.end() + size <= len(stream):
                with suppress(OSError):  # it is gone by now
                    browser.socket.send(_PONG % (0x80 | size) + stream[ping.end() : ping.end() + size])

    def _drop(self, browser: _Browser) -> None:
        del self._browsers[browser.socket.fileno()]
        browser.socket.close()
        self._dropped += 1
        self._last_words = browser.tail
        self._welcomed -= browser.hello is not None


def main() -> None:
    """Be a crowd until the pipe is closed."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    port, descriptor = map(int, sys.argv[1:])
    pipe: Connection[Any, Any] = Connection(descriptor)
    Crowd(port, pipe).serve()


if __name__ == "__main__":
    main()
