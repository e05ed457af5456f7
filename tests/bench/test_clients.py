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

IDS = [f"019abcde-0000-7000-8000-{number:012d}" for number in range(3)]
HELLO = b'{"hello":{"epoch":"e1","offset":7,"resumed":false,"now":"2026-01-01T00:00:00Z"}}'
PING = b"\x89\x04\x01\x02\x03\x04"
PONG = b"\x8a\x84\0\0\0\0\x01\x02\x03\x04"


class Server:
    """A WebSocket server that sends a hello to each client, and then only what the test sends."""

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
            connection.send(b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + text_frame(HELLO))


@pytest.fixture
def server() -> Iterator[Server]:
    """Run a server for one test."""
    running = Server()
    yield running
    running.close()


def events(*ids: str) -> bytes:
    """Return a frame with one event for each id."""
    return text_frame(
        b'{"offset":9,"events":[%b]}' % b",".join(b'{"id":"%b","userId":"7"}' % id_.encode() for id_ in ids)
    )


@pytest.mark.parametrize("recording", [False, True])
def test_an_event_is_counted_once_even_if_reads_split_it(server: Server, *, recording: bool) -> None:
    with Clients(server.port, 1) as clients:
        if recording:
            clients.record_arrivals()
        server.send_byte_by_byte(events(*IDS) + PING + events(IDS[0]), clients)
        counts = clients.wait_received(4)
        assert (counts.min_events, counts.max_events) == (4, 4)
        if recording:
            arrivals = {event_id.decode(): len(times) for event_id, times in clients.arrivals().items()}
            assert arrivals == {IDS[0]: 2, IDS[1]: 1, IDS[2]: 1}


def test_a_pong_repeats_the_payload_of_its_ping(server: Server) -> None:
    with Clients(server.port, 1):
        server.connections[0].send(events(IDS[0]) + PING + events(IDS[1]))
        server.connections[0].settimeout(10)
        assert server.connections[0].recv(100) == PONG


def test_a_duplicate_event_fails_the_check(server: Server) -> None:
    with Clients(server.port, 1) as clients:
        server.connections[0].send(events(IDS[0], IDS[0]))
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
