"""Workers: they hand in updates, and are answered. Whoever asks on their socket is told how the server is."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import msgspec
from websockets.frames import CloseCode, Opcode

from tradewire.limits import MAX_JOB_BYTES
from wsserver.connection import Connection

if TYPE_CHECKING:
    from collections.abc import Callable

    from websockets.frames import Frame
    from websockets.http11 import Request, Response

    from tradewire.feed import FeedHealth
    from wsserver.door import Door
    from wsserver.publisher import Publisher


class WorkerConnection(Connection):
    """A worker's connection."""

    __slots__ = ("_health", "_publisher")

    max_message_bytes = MAX_JOB_BYTES
    piece_bytes = MAX_JOB_BYTES
    asks = False  # it is on this machine, and reads only when it has asked something

    def __init__(
        self, peers: set[Connection], door: Door, publisher: Publisher, health: Callable[[], FeedHealth]
    ) -> None:
        super().__init__(peers, door)
        self._publisher = publisher
        self._health = health

    def admit(self, request: Request) -> Response | None:
        """Answer who only wants to know how the server is."""
        if request.path != "/health":
            return None
        return self.reject(HTTPStatus.OK, msgspec.json.encode(self._health()).decode())

    def opened(self, request: Request) -> None:
        """Wait for updates."""

    def received(self, frame: Frame) -> None:
        """Publish updates; the publisher answers."""
        if frame.opcode is Opcode.CONT or not frame.fin:
            self.expel(CloseCode.UNSUPPORTED_DATA, "updates come in a single frame")
        elif frame.opcode in {Opcode.TEXT, Opcode.BINARY}:
            self._publisher.publish(self, bytes(frame.data).split(b"\n"))

    def gone(self) -> None:
        """Forget the worker. What it has handed in is shown all the same."""
        self._publisher.forget(self)
