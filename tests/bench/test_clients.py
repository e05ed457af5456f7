"""The simulated browsers of the benchmarks: their counts, pings and reconnects."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest

from tests.bench.clients import Clients
from tests.support import wait_until
from wsserver.publisher import text_frame

if TYPE_CHECKING:
    from collections.abc import Iterator

MARKS = [f"019abcde-0000-7000-8000-{number:012d}" for number in range(3)]
HELLO = b'{"hello":{"epoch":"e1","offset":7,"resumed":false,"now":"2026-01-01T00:00:00Z"}}'
PING = b"\x89\x04\x01\x02\x03\x04"
PONG = b"\x8a\x84\0\0\0\0\x01\x02\x03\x04"


class Server:
    """A WebSocket server that greets each client, perhaps with a hello, and then sends only what the test sends."""

    def __init__(self, hello: bytes) -> None:
        self._hello = hello
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.requests: list[bytes] = []
        self.connections: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()
        for connection in self.connections:
            connection.close()

    def send_byte_by_byte(self, text: bytes, clients: Clients) -> None:
        for byte in text:
            self.connections[-1].send(bytes([byte]))
            clients.counts()  # returns after the byte has been read

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections.append(connection)
            self.requests.append(connection.recv(4096))
            connection.send(b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + self._hello)


@pytest.fixture
def server() -> Iterator[Server]:
    """Run a server for one test."""
    running = Server(text_frame(HELLO))
    yield running
    running.close()


@pytest.fixture
def ungreeting() -> Iterator[Server]:
    """Run a server that sends no hello."""
    running = Server(b"")
    yield running
    running.close()


def events(*marks: str) -> bytes:
    """Return a frame with one event for each mark."""
    return text_frame(
        b'{"offset":9,"events":[%b]}' % b",".join(b'{"id":"1","userId":"%b"}' % mark.encode() for mark in marks)
    )


@pytest.mark.parametrize("recording", [False, True])
def test_an_event_is_counted_once_even_if_reads_split_it(server: Server, *, recording: bool) -> None:
    with Clients(server.port, 1) as clients:
        if recording:
            clients.record_arrivals()
        server.send_byte_by_byte(events(*MARKS) + PING + events(MARKS[0]), clients)
        counts = clients.wait_received(4)
        assert (counts.min_events, counts.max_events) == (4, 4)
        if recording:
            arrivals = {mark.decode(): len(times) for mark, times in clients.arrivals().items()}
            assert arrivals == {MARKS[0]: 2, MARKS[1]: 1, MARKS[2]: 1}


def test_an_event_without_a_mark_is_counted_while_arrivals_are_recorded(server: Server) -> None:
    with Clients(server.port, 1) as clients:
        clients.record_arrivals()
        server.send_byte_by_byte(events("7", MARKS[0], "8"), clients)
        assert clients.wait_received(3).max_events == 3
        assert list(clients.arrivals()) == [MARKS[0].encode()]


def test_events_from_before_a_new_start_are_not_counted(server: Server) -> None:
    with Clients(server.port, 1) as clients:
        server.connections[0].send(events(*MARKS))
        clients.wait_received(3)
        clients.start_over()
        server.connections[0].send(events("7"))
        assert clients.wait_received(1).max_events == 1


def test_a_client_of_a_server_without_hello_is_connected_once_upgraded(ungreeting: Server) -> None:
    with Clients(ungreeting.port, 1, is_greeted=False) as clients:
        assert clients.initial_counts.connected == 1
        ungreeting.connections[0].send(events(MARKS[0]))
        clients.check_received(1)


def test_a_pong_repeats_the_payload_of_its_ping(server: Server) -> None:
    with Clients(server.port, 1):
        server.connections[0].send(events(MARKS[0]) + PING + events(MARKS[1]))
        server.connections[0].settimeout(10)
        assert server.connections[0].recv(100) == PONG


def test_a_duplicate_event_fails_the_check(server: Server) -> None:
    with Clients(server.port, 1) as clients:
        server.connections[0].send(events(MARKS[0], MARKS[0]))
        clients.wait_received(2)
        with pytest.raises(AssertionError, match="duplicates"):
            clients.check_received(1)


def test_a_client_dropped_by_the_server_fails_the_check(server: Server) -> None:
    with Clients(server.port, 1) as clients:
        server.connections[0].close()
        wait_until(lambda: clients.counts().dropped == 1, "the drop is counted")
        with pytest.raises(AssertionError, match="dropped 1 of 1"):
            clients.check_received(0)


def test_a_client_reconnects_with_its_epoch_and_offset(server: Server) -> None:
    with Clients(server.port, 1) as clients:
        positions = clients.disconnect()
        assert positions == [("e1", 7)]
        with pytest.raises(AssertionError, match="0 of 1 clients were resumed"):
            clients.reconnect(positions)
    assert server.requests[1].startswith(b"GET /ws?epoch=e1&offset=7 HTTP/1.1\r\n")
