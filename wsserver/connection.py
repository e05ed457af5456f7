"""A WebSocket connection that costs no task: asyncio's protocol around that of websockets, which does no I/O.

The connection that websockets has for asyncio keeps tasks, timers and queues for each peer, so that code can wait for
it. Nothing here waits for a peer: what comes is dealt with as it comes, so thousands of peers are small and quick.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from math import inf
from typing import TYPE_CHECKING, ClassVar, Final, cast

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol

if TYPE_CHECKING:
    from websockets.frames import CloseCode
    from websockets.http11 import Response

    from wsserver.handshake_throttle import HandshakeThrottle

OPEN_SECONDS: Final = 10.0
"""How long a peer may take to say what it wants."""
PING_SECONDS: Final = 20.0
"""After so much silence a peer is asked whether it is there."""
PONG_SECONDS: Final = 60.0
"""How long it may take to answer: the question lies behind all that a slow one has yet to read."""
CLOSE_SECONDS: Final = 3.0
"""How long a peer that is sent away may take to leave."""


class Connection(asyncio.Protocol, ABC):
    """A peer of the server; each kind of peer is a subclass.

    `peers` holds the connections of its kind, from first to last. Whoever owns that set calls `on_deadline` when a
    connection's `deadline`, by the loop's clock, has passed.
    """

    __slots__ = ("_arrived", "_asked", "_peers", "_protocol", "_throttle", "deadline", "transport")

    max_message_bytes: ClassVar[int]
    chunk_bytes: ClassVar[int]
    """What has come is taken in pieces of this size: of one who is sent away for what is in one, no other is looked
    at. A quarter of a megabyte may come at once, and hold tens of thousands of frames."""
    pings: ClassVar[bool]
    """Whether a silent peer is asked if it is there."""
    transport: asyncio.Transport

    def __init__(self, peers: set[Connection], throttle: HandshakeThrottle) -> None:
        self._peers = peers
        self._throttle = throttle
        self._arrived = b""
        """What came and waits at the throttle."""
        self._protocol = ServerProtocol(max_size=self.max_message_bytes)
        self._asked = False
        self.deadline = inf

    @abstractmethod
    def refusal(self, request: Request) -> Response | None:
        """Answer a request that shall not become a WebSocket connection; None lets it in."""

    @abstractmethod
    def opened(self, request: Request) -> None:
        """Begin: the handshake is done."""

    @abstractmethod
    def received(self, frame: Frame) -> None:
        """Take a frame, of whatever kind, that is no answer to a question of ours."""

    def send_heartbeat(self) -> None:
        """Show a sign of life to a peer that is being asked for one, where it is of use to it."""

    @abstractmethod
    def closed(self) -> None:
        """Let the peer go, which can be given nothing any more. May be called twice."""

    @property
    def open(self) -> bool:
        """Whether the handshake is done, and no goodbye has begun."""
        return self._protocol.state is State.OPEN

    def reject(self, status: int, text: str) -> Response:
        """Make an answer of plain text, for `refusal`."""
        return self._protocol.reject(status, text)

    def send(self, text: str) -> None:
        """Send a text frame, unless the peer is on its way out."""
        if self.open:
            self._protocol.send_text(text.encode())
            self._follow()

    def close(self, code: CloseCode) -> None:
        """Say goodbye to the peer. One that has not yet said what it wants is cut off."""
        if self.open:
            self._protocol.send_close(code)
            self._follow()
        elif self._protocol.state is State.CONNECTING:
            self.transport.abort()

    def expel(self, code: CloseCode, reason: str) -> None:
        """Send away a peer that misbehaves, and listen to it no more."""
        self._protocol.fail(code, reason)
        self._follow()

    def on_deadline(self) -> None:
        """Ping a silent peer once. Cut off a peer that has run out of time.

        A request that waits in the throttle was sent in time, even if the deadline has passed since. If it turns out to
        be incomplete, the next call cuts the peer off.
        """
        if self._arrived:
            return
        if self.open and not self._asked:
            self._asked = True
            self._due_in(PONG_SECONDS)
            self.send_heartbeat()
            self._protocol.send_ping(b"ping")
            self._follow()
        else:
            self.transport.abort()

    # ---- What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the handshake."""
        self.transport = cast("asyncio.Transport", transport)
        self._due_in(OPEN_SECONDS)
        self._peers.add(self)

    def data_received(self, data: bytes) -> None:
        """Take what the peer has sent; a handshake waits for its turn."""
        if self._protocol.state is State.CONNECTING:
            if not self._arrived:
                self._throttle.submit(self._come_in)
            self._arrived += data
        else:
            self._take(data)

    def eof_received(self) -> None:
        """Take the end of what the peer sends. asyncio closes the transport then."""
        self._protocol.receive_eof()
        self._follow()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - why a peer has left is no matter
        """Forget the peer."""
        self._peers.discard(self)
        self.closed()

    def _come_in(self) -> None:
        arrived, self._arrived = self._arrived, b""
        if not self.transport.is_closing():
            self._take(arrived)

    def _take(self, data: bytes) -> None:
        for start in range(0, len(data), self.chunk_bytes):
            self._protocol.receive_data(data[start : start + self.chunk_bytes])
            for event in self._protocol.events_received():
                if isinstance(event, Request):
                    self._shake_hands(event)
                elif isinstance(event, Frame):
                    self._take_frame(event)
        self._follow()

    def _take_frame(self, frame: Frame) -> None:
        if frame.opcode is Opcode.PONG and self._asked:
            self._asked = False
            self._due_in(PING_SECONDS)
        elif self.open:
            self.received(frame)

    def _shake_hands(self, request: Request) -> None:
        response = self.refusal(request) or self._protocol.accept(request)
        self._protocol.send_response(response)
        self._follow()
        if self.open:
            self.deadline = inf
            if self.pings:
                self._due_in(PING_SECONDS)
            self.opened(request)

    def _follow(self) -> None:
        """Do as the protocol has decided: write, and let go of a peer that it is closing with."""
        for data in self._protocol.data_to_send():
            if data:
                self.transport.write(data)
            elif not self.transport.is_closing():
                self.transport.write_eof()
        if self._protocol.close_expected() or self._protocol.state is State.CLOSED:
            self._due_in(CLOSE_SECONDS, at_most=self.deadline)
            self.closed()

    def _due_in(self, seconds: float, *, at_most: float = inf) -> None:
        self.deadline = min(asyncio.get_running_loop().time() + seconds, at_most)
