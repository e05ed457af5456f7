"""A browser connection over a real socket: pings, deadlines and disconnects."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from tests.integration.conftest import event_json
from tests.support import ROOT
from tradewire.settings import Settings
from wsserver import browsers
from wsserver.admission import LOG_IN_AGAIN, REASON, Admission
from wsserver.browsers import BUFFER_BYTES, FRAMES_AT_ONCE, BrowserConnection
from wsserver.connection import (
    CLOSE_TIMEOUT_SECONDS,
    OPEN_TIMEOUT_SECONDS,
    PING_INTERVAL_SECONDS,
    PONG_TIMEOUT_SECONDS,
    Connection,
)
from wsserver.handshake_throttle import HandshakeThrottle
from wsserver.hub import Hub
from wsserver.publisher import Publisher
from wsserver.replay_budget import ReplayBudget

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine


HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
PING = b"\x89\x04ping"
PONG = b"\x8a\x84\0\0\0\0ping"
CLIENT_PING = b"\x89\x84\0\0\0\0mine"
CLIENT_PING_ANSWER = b"\x8a\x04mine"


class Peer:
    """The client end of a socket pair, with the server's connection at the other end."""

    def __init__(self, sock: socket.socket, hub: Hub) -> None:
        self.hub = hub
        self.publisher = Publisher(hub)
        self.peers: set[Connection] = set()
        self.throttle = HandshakeThrottle()
        admission = Admission(Settings(home=ROOT))
        self.connection = BrowserConnection(
            self.peers,
            self.throttle,
            self.publisher,
            admission,
            is_full=lambda: False,
            replays=ReplayBudget(1),
        )
        self._socket = sock

    async def send(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self._socket, data)

    async def until(self, end: bytes) -> bytes:
        """Read until these bytes or the end of the stream. Return everything that was read."""
        read = b""
        with suppress(ConnectionResetError):
            while end not in read and (chunk := await asyncio.get_running_loop().sock_recv(self._socket, 4096)):
                read += chunk
        return read

    def due_in(self) -> float:
        """Return the seconds until the connection's deadline, rounded."""
        return round(self.connection.deadline - asyncio.get_running_loop().time())


@asynccontextmanager
async def peer() -> AsyncIterator[Peer]:
    """Connect a peer that has sent no data yet."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(0)
        peer = Peer(ours, Hub("e", 1000))
        async with asyncio.timeout(10):
            await asyncio.get_running_loop().create_unix_connection(lambda: peer.connection, sock=theirs)
            yield peer
        peer.connection.transport.abort()


def run(test: Callable[[Peer], Coroutine[None, None, None]], handshake: bytes = HANDSHAKE) -> None:
    """Run a test with a peer that has sent a handshake. If it is complete, read the response first."""

    async def with_peer() -> None:
        async with peer() as connected:
            await connected.send(handshake)
            if handshake == HANDSHAKE:
                await connected.until(b'"hello"')
            await test(connected)

    asyncio.run(with_peer())


async def eventually(condition: Callable[[], bool]) -> None:
    """Run the event loop until the condition holds."""
    while not condition():  # noqa: ASYNC110 - the condition depends on work of this event loop
        await asyncio.sleep(0)


async def until_removed(peer: Peer) -> None:
    """Wait until the server has removed the peer."""
    await eventually(lambda: not peer.peers)
    assert not peer.hub.browsers


def test_a_peer_with_an_incomplete_handshake_is_disconnected() -> None:
    async def test(peer: Peer) -> None:
        assert peer.due_in() == OPEN_TIMEOUT_SECONDS
        peer.connection.on_deadline()
        assert await peer.until(b"anything") == b""
        await until_removed(peer)

    run(test, handshake=HANDSHAKE[:40])


def test_a_peer_whose_handshake_waits_for_the_throttle_is_not_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    submitted: list[Callable[[], None]] = []

    async def test(peer: Peer) -> None:
        monkeypatch.setattr(peer.throttle, "submit", submitted.append)
        await peer.send(HANDSHAKE)
        await eventually(lambda: bool(submitted))
        peer.connection.on_deadline()
        submitted.pop()()
        assert b'"hello"' in await peer.until(b'"hello"')

    run(test, handshake=b"")


def test_a_peer_whose_handshake_is_still_incomplete_after_its_turn_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    submitted: list[Callable[[], None]] = []

    async def test(peer: Peer) -> None:
        monkeypatch.setattr(peer.throttle, "submit", submitted.append)
        await peer.send(HANDSHAKE[:40])
        await eventually(lambda: bool(submitted))
        peer.connection.on_deadline()
        submitted.pop()()
        assert not peer.connection.transport.is_closing()
        peer.connection.on_deadline()
        await until_removed(peer)

    run(test, handshake=b"")


def test_a_silent_browser_gets_a_heartbeat_and_a_ping_and_stays_if_it_sends_a_pong() -> None:
    async def test(peer: Peer) -> None:
        for _ in range(3):
            assert peer.due_in() == PING_INTERVAL_SECONDS
            peer.connection.on_deadline()
            assert peer.due_in() == PONG_TIMEOUT_SECONDS
            assert b'{"offset":0,"events":[]}' + PING in await peer.until(PING), (
                "pages can not see pings, only heartbeats"
            )
            await peer.send(PONG)
            await eventually(lambda: peer.due_in() == PING_INTERVAL_SECONDS)
        assert peer.hub.ready_count == 1

    run(test)


def test_a_browser_without_a_pong_is_disconnected() -> None:
    async def test(peer: Peer) -> None:
        peer.connection.on_deadline()
        await peer.until(PING)
        peer.connection.on_deadline()
        await peer.until(b"anything")
        await until_removed(peer)

    run(test)


def test_too_many_unsolicited_pongs_close_the_connection() -> None:
    async def test(peer: Peer) -> None:
        await peer.send(PONG * 150)
        assert b"\x03\xf0too many frames: a browser has nothing to send" in await peer.until(b"send")  # 1008
        assert not peer.hub.browsers
        assert peer.due_in() == CLOSE_TIMEOUT_SECONDS

    run(test)


def test_pings_at_a_steady_rate_never_close_the_connection_and_a_burst_does(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter(range(1_000_000))
    monkeypatch.setattr(browsers, "monotonic", lambda: float(next(seconds)))

    async def test(peer: Peer) -> None:
        for _ in range(5 * FRAMES_AT_ONCE):
            await peer.send(CLIENT_PING)
            assert await peer.until(CLIENT_PING_ANSWER) == CLIENT_PING_ANSWER
        monkeypatch.setattr(browsers, "monotonic", lambda: 1e6)
        await peer.send(CLIENT_PING * (FRAMES_AT_ONCE + 1))
        assert b"\x03\xf0too many frames" in await peer.until(b"send")  # 1008

    run(test)


def test_a_browser_that_ignores_the_close_frame_is_disconnected() -> None:
    async def test(peer: Peer) -> None:
        await peer.send(b"\x81\x80\0\0\0\0" * 150)
        await peer.until(b"\x88")
        peer.connection.on_deadline()
        await until_removed(peer)

    run(test)


def test_the_server_buffers_a_limited_amount_for_a_browser_that_does_not_read() -> None:
    async def test(peer: Peer) -> None:
        for _ in range(200):
            peer.hub.stage([event_json(pad=10_000)])
            peer.publisher.tick()
            await asyncio.sleep(0)
        assert peer.hub.ready_count == 0
        assert 0 < peer.connection.transport.get_write_buffer_size() < BUFFER_BYTES + 20_000

    run(test)


@pytest.mark.parametrize("moment", ["before a ping", "after a pong"])
def test_a_browser_whose_right_is_taken_is_closed_before_a_ping_and_after_a_pong(
    monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    async def test(peer: Peer) -> None:
        if moment == "after a pong":
            peer.connection.on_deadline()
            await peer.until(PING)
        monkeypatch.setattr(Admission, "still_admits", lambda *_: False)
        if moment == "after a pong":
            await peer.send(PONG)
        else:
            peer.connection.on_deadline()
        assert LOG_IN_AGAIN.to_bytes(2) + REASON.encode() in await peer.until(REASON.encode())
        await eventually(lambda: not peer.hub.browsers)

    run(test)
