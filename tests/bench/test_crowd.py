"""The browsers of the benchmarks count what comes, however the stream is cut."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest

from tests.bench.browsers import Browsers
from tests.support import wait_until
from wsserver.publisher import text_frame

if TYPE_CHECKING:
    from collections.abc import Iterator

IDS = [f"019abcde-0000-7000-8000-{number:012d}" for number in range(3)]
HELLO = b'{"hello":{"epoch":"e1","offset":7,"resumed":false,"now":"2026-01-01T00:00:00Z"}}'
PING = b"\x89\x04\x01\x02\x03\x04"
PONG = b"\x8a\x84\0\0\0\0\x01\x02\x03\x04"


class Server:
    """Takes one browser after the other, and sends each what the test says."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.requests: list[bytes] = []
        self.connections: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()
        for connection in self.connections:
            connection.close()

    def send_each_byte_alone(self, text: bytes, crowd: Browsers) -> None:
        for byte in text:
            self.connections[-1].send(bytes([byte]))
            crowd.counts()  # is answered when the byte has been read

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections.append(connection)
            self.requests.append(connection.recv(4096))
            connection.send(b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + text_frame(HELLO))


@pytest.fixture
def server() -> Iterator[Server]:
    """Run a server."""
    running = Server()
    yield running
    running.close()


def events(*ids: str) -> bytes:
    """Give a frame with events of these ids."""
    return text_frame(
        b'{"offset":9,"events":[%b]}' % b",".join(b'{"id":"%b","userId":"7"}' % id_.encode() for id_ in ids)
    )


@pytest.mark.parametrize("noting", [False, True])
def test_an_event_is_counted_once_wherever_the_stream_is_cut(server: Server, *, noting: bool) -> None:
    with Browsers(server.port, 1) as crowd:
        if noting:
            crowd.note()
        server.send_each_byte_alone(events(*IDS) + PING + events(IDS[0]), crowd)
        counts = crowd.await_shown(4)
        assert (counts.least, counts.most) == (4, 4)
        if noting:
            came = {event_id.decode(): len(moments) for event_id, moments in crowd.arrivals().items()}
            assert came == {IDS[0]: 2, IDS[1]: 1, IDS[2]: 1}


def test_a_ping_is_answered_with_its_own_words(server: Server) -> None:
    with Browsers(server.port, 1):
        server.connections[0].send(events(IDS[0]) + PING + events(IDS[1]))
        server.connections[0].settimeout(10)
        assert server.connections[0].recv(100) == PONG


def test_what_comes_twice_is_no_clean_count(server: Server) -> None:
    with Browsers(server.port, 1) as crowd:
        server.connections[0].send(events(IDS[0], IDS[0]))
        crowd.await_shown(2)
        with pytest.raises(AssertionError, match="some twice"):
            crowd.check(1)


def test_a_browser_that_the_server_leaves_is_missed(server: Server) -> None:
    with Browsers(server.port, 1) as crowd:
        server.connections[0].close()
        wait_until(lambda: crowd.counts().dropped == 1, "the browser is missed")
        with pytest.raises(AssertionError, match="left 1 of 1"):
            crowd.check(0)


def test_whoever_comes_back_says_where_it_was(server: Server) -> None:
    with Browsers(server.port, 1) as crowd:
        places = crowd.leave()
        assert places == [("e1", 7)]
        with pytest.raises(AssertionError, match="0 of 1 browsers were resumed"):
            crowd.come_back(places)
    assert server.requests[1].startswith(b"GET /ws?epoch=e1&offset=7 HTTP/1.1\r\n")
