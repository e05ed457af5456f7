"""Connections of workers: each frame of events gets a reply. The same socket serves GET /health."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import msgspec
from websockets.frames import CloseCode, Opcode

from tradewire.feed import GAP
from tradewire.limits import MAX_JOB_BYTES
from wsserver.connection import Connection

if TYPE_CHECKING:
    from collections.abc import Callable

    from websockets.frames import Frame
    from websockets.http11 import Request, Response

    from tradewire.feed import FeedHealth
    from wsserver.handshake_throttle import HandshakeThrottle
    from wsserver.publisher import Publisher


class WorkerConnection(Connection):
    """A connection to one worker.

    Args:
        peers: All connections of workers.
        throttle: Runs the handshakes of all connections.
        publisher: Publishes the worker's events and replies to it.
        health: Returns the server's state, for GET /health.
    """

    __slots__ = ("_health", "_publisher")

    max_message_bytes = MAX_JOB_BYTES
    chunk_bytes = MAX_JOB_BYTES
    pings = False  # a worker is on this machine, and reads only when it expects a reply

    def __init__(
        self,
        peers: set[Connection],
        throttle: HandshakeThrottle,
        publisher: Publisher,
        health: Callable[[], FeedHealth],
    ) -> None:
        super().__init__(peers, throttle)
        self._publisher = publisher
        self._health = health

    def refusal(self, request: Request) -> Response | None:
        """Answer GET /health. Any other request becomes a connection."""
        if request.path != "/health":
            return None
        return self.reject(HTTPStatus.OK, msgspec.json.encode(self._health()).decode())

    def opened(self, request: Request) -> None:
        """Wait for events."""

    def received(self, frame: Frame) -> None:
        """Publish the events in a frame, or announce a gap. The publisher replies."""
        if frame.opcode is Opcode.CONT or not frame.fin:
            self.fail(CloseCode.UNSUPPORTED_DATA, "events come in a single frame")
        elif frame.opcode in {Opcode.TEXT, Opcode.BINARY}:
            data = bytes(frame.data)
            if data == GAP:
                self._publisher.announce_gap(self)
            else:
                self._publisher.publish(self, data.split(b"\n"))

    def closed(self) -> None:
        """Send no READY to the worker. Events that it has sent are still published."""
        self._publisher.cancel_ready(self)
