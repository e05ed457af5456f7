"""A WebSocket connection without a task of its own: an asyncio protocol around the sans-I/O protocol of websockets.

The asyncio connection of websockets keeps tasks, timers and queues for each peer, so that code can wait for the peer.
This server never waits for a peer. It handles data when it arrives, so thousands of connections stay small and fast.
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

OPEN_TIMEOUT_SECONDS: Final = 10.0
"""Time for a peer to send its whole handshake request."""
PING_INTERVAL_SECONDS: Final = 20.0
"""Time from the handshake, or from the last pong, to the next ping."""
PONG_TIMEOUT_SECONDS: Final = 60.0
"""Time for a peer to answer a ping. It is long because a slow peer first has to read all data sent before the ping."""
CLOSE_TIMEOUT_SECONDS: Final = 3.0
"""Time for a peer to disconnect once the server has begun to close the connection."""


class Connection(asyncio.Protocol, ABC):
    """A connection to one peer. Each kind of peer is a subclass that implements the abstract methods.

    The handshake request waits for the throttle. Then `refusal` decides about it. If it is accepted, `opened` is called
    once, and `received` for each frame. `closed` is called when the connection begins to close.

    `deadline` is a time on the event loop's clock, in seconds; `inf` if the peer has no limit. The owner of `peers`
    must call `on_deadline` once it has passed.

    Args:
        peers: The connections of one kind. Each adds itself when it is made and removes itself when it is lost.
        throttle: Runs the handshakes of all connections.
    """

    __slots__ = ("_awaiting_pong", "_handshake_data", "_peers", "_protocol", "_throttle", "deadline", "transport")

    max_message_bytes: ClassVar[int]
    """A larger message from the peer closes the connection with code 1009."""
    chunk_bytes: ClassVar[int]
    """Incoming data is parsed in chunks of this size. If a chunk makes the server fail the connection, the rest is not
    parsed. asyncio passes on up to 256 KiB at once, which can hold tens of thousands of frames."""
    pings: ClassVar[bool]
    """Whether the server pings the peer every PING_INTERVAL_SECONDS."""
    transport: asyncio.Transport

    def __init__(self, peers: set[Connection], throttle: HandshakeThrottle) -> None:
        self._peers = peers
        self._throttle = throttle
        self._handshake_data = b""
        """Received, and waiting for the throttle."""
        self._protocol = ServerProtocol(max_size=self.max_message_bytes)
        self._awaiting_pong = False
        self.deadline = inf

    @abstractmethod
    def refusal(self, request: Request) -> Response | None:
        """Decide whether a request may become a WebSocket connection.

        Args:
            request: The peer's handshake request, not yet checked.

        Returns:
            The HTTP response to send instead, made by `reject`. None accepts the request.
        """

    @abstractmethod
    def opened(self, request: Request) -> None:
        """Handle the end of the handshake. From now on, frames can be sent.

        Args:
            request: The handshake request.
        """

    @abstractmethod
    def received(self, frame: Frame) -> None:
        """Handle a frame from the peer.

        Args:
            frame: A frame of any kind, fragments and control frames included. Only the pong that answers a ping of
                this server is not passed on.
        """

    def send_heartbeat(self) -> None:
        """Send a frame without events, if the peer needs it. Called before each ping. The default sends nothing."""

    def ponged(self) -> None:
        """Handle the answer to a ping. The default does nothing."""

    @abstractmethod
    def closed(self) -> None:
        """Handle the end of the connection: it is closing or lost, so nothing more can be sent. May be called again."""

    @property
    def open(self) -> bool:
        """True from the end of the handshake until either side begins to close the connection."""
        return self._protocol.state is State.OPEN

    def reject(self, status: int, text: str) -> Response:
        """Return a plain-text HTTP response, for `refusal`.

        Args:
            status: The HTTP status code.
            text: The body.
        """
        return self._protocol.reject(status, text)

    def send(self, text: str) -> None:
        """Send a text frame. Does nothing if the connection is not open.

        Args:
            text: The frame's payload.
        """
        if self.open:
            self._protocol.send_text(text.encode())
            self._flush()

    def close(self, code: int, reason: str = "") -> None:
        """Begin the closing handshake. A peer that has not completed the opening handshake is cut off.

        Args:
            code: The close code that the peer gets.
            reason: The close reason, at most 123 bytes.
        """
        if self.open:
            self._protocol.send_close(code, reason)
            self._flush()
        elif self._protocol.state is State.CONNECTING:
            self.transport.abort()

    def fail(self, code: CloseCode, reason: str) -> None:
        """Fail the connection (RFC 6455, section 7.1.7): the peer misbehaves, so nothing more from it is parsed.

        Args:
            code: The close code that the peer gets.
            reason: The close reason, at most 123 bytes.
        """
        self._protocol.fail(code, reason)
        self._flush()

    def on_deadline(self) -> None:
        """Ping a peer that is due for a ping. Cut off a peer that has run out of time.

        A request that waits for the throttle was sent in time, even if the deadline has passed since. If the request
        turns out to be incomplete, the next call cuts the peer off.
        """
        if self._handshake_data:
            return
        if self.open and not self._awaiting_pong:
            self._awaiting_pong = True
            self._set_deadline(PONG_TIMEOUT_SECONDS)
            self.send_heartbeat()
            self._protocol.send_ping(b"ping")
            self._flush()
        else:
            self.transport.abort()

    # ---- Called by asyncio.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the handshake."""
        self.transport = cast("asyncio.Transport", transport)
        self._set_deadline(OPEN_TIMEOUT_SECONDS)
        self._peers.add(self)

    def data_received(self, data: bytes) -> None:
        """Parse data from the peer. Handshake data waits for the throttle."""
        if self._protocol.state is State.CONNECTING:
            if not self._handshake_data:
                self._throttle.submit(self._receive_handshake)
            self._handshake_data += data
        else:
            self._receive(data)

    def eof_received(self) -> None:
        """Handle the end of the peer's data. asyncio closes the transport after this."""
        self._protocol.receive_eof()
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the cause makes no difference
        """Forget the peer."""
        self._peers.discard(self)
        self.closed()

    def _receive_handshake(self) -> None:
        data, self._handshake_data = self._handshake_data, b""
        if not self.transport.is_closing():
            self._receive(data)

    def _receive(self, data: bytes) -> None:
        for start in range(0, len(data), self.chunk_bytes):
            self._protocol.receive_data(data[start : start + self.chunk_bytes])
            for event in self._protocol.events_received():
                if isinstance(event, Request):
                    self._handle_request(event)
                elif isinstance(event, Frame):
                    self._handle_frame(event)
        self._flush()

    def _handle_frame(self, frame: Frame) -> None:
        if frame.opcode is Opcode.PONG and self._awaiting_pong:
            self._awaiting_pong = False
            self._set_deadline(PING_INTERVAL_SECONDS)
            self.ponged()
        elif self.open:
            self.received(frame)

    def _handle_request(self, request: Request) -> None:
        response = self.refusal(request) or self._protocol.accept(request)
        self._protocol.send_response(response)
        self._flush()
        if self.open:
            self.deadline = inf
            if self.pings:
                self._set_deadline(PING_INTERVAL_SECONDS)
            self.opened(request)

    def _flush(self) -> None:
        """Write what the protocol has to send. If the connection is closing, call `closed` and set the deadline."""
        for data in self._protocol.data_to_send():
            if data:
                self.transport.write(data)
            elif not self.transport.is_closing():
                self.transport.write_eof()
        if self._protocol.close_expected() or self._protocol.state is State.CLOSED:
            self._set_deadline(CLOSE_TIMEOUT_SECONDS, at_most=self.deadline)
            self.closed()

    def _set_deadline(self, seconds: float, *, at_most: float = inf) -> None:
        self.deadline = min(asyncio.get_running_loop().time() + seconds, at_most)
