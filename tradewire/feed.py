"""The feed: a worker's connection to the WebSocket server.

Example:
    feed = Feed(settings.worker_socket)
    if feed.send(events) is None:
        feed.wait_ready(1.0)
"""

from __future__ import annotations

import time
from collections import deque
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

import msgspec
from websockets.client import ClientProtocol
from websockets.exceptions import WebSocketException
from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

from tradewire import unix_socket
from tradewire.errors import FeedUnavailable, InvalidEvent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

GAP: Final = b"GAP"
"""The frame by which a worker announces a gap. No event begins like this."""
_ANSWER_SECONDS: Final = 10.0
"""Well below the queue's TTR, so that reserved jobs can still be settled or released after a timeout."""
_ANSWER_BYTES: Final = 4096
_CHUNK_BYTES: Final = 2**16
_HEALTH_SECONDS: Final = 2.0


class FeedHealth(msgspec.Struct):
    """What the WebSocket server reports about itself."""

    epoch: str
    """Identifies this run of the server. Offsets of another epoch mean nothing to it."""
    offset: int
    """Number of events shown and gaps announced in this epoch."""
    browsers: int
    """Connected browsers."""
    lagging: int
    """Connected browsers that don't keep up at the moment."""
    workers: int
    """Connected workers."""


class Feed:
    """One worker's connection. Use it from one thread only; it connects on its own when needed.

    Every call but `close` raises FeedUnavailable if the server can't be reached, is too slow or breaks the protocol.
    The connection is then closed, and the next call opens another.

    Args:
        path: The WebSocket server's unix socket for workers.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._wire: _Wire | None = None

    def connect(self) -> None:
        """Connect if needed, and check that the server has not closed the connection.

        Raises:
            FeedUnavailable: See the class.
        """
        with self._connected() as wire:
            wire.receive_pending()

    def send(self, events: Sequence[bytes]) -> int | None:
        """Send events as one frame and wait for the server's answer.

        Args:
            events: Encoded events; at most MAX_JOB_BYTES when joined by line ends.

        Returns:
            The number of browsers that the events were sent to; 0 if all of them were shown before. None if no
            browser can take them now; the server has kept none of them, and sends READY when a browser can.

        Raises:
            InvalidEvent: One of the events is not valid, and none was shown.
            FeedUnavailable: See the class. The events may have been shown.
        """
        with self._connected() as wire:
            wire.send(b"\n".join(events))
            answer = wire.text(_ANSWER_SECONDS)
            while answer == "READY":  # sent for an earlier WAIT, before this frame arrived
                answer = wire.text(_ANSWER_SECONDS)
            status, _, detail = answer.partition(" ")
            if status == "BAD":
                raise InvalidEvent(detail)
            if status == "WAIT":
                return None
            if status != "OK" or not detail.isdecimal():
                raise FeedUnavailable(f"the WebSocket server answered {answer[:80]!r}")
            return int(detail)

    def announce_gap(self) -> None:
        """Make the server tell every browser that it misses events.

        Browsers that are away for a moment are told when they resume.

        Raises:
            FeedUnavailable: See the class.
        """
        with self._connected() as wire:
            wire.send(GAP)
            answer = wire.text(_ANSWER_SECONDS)
            if not answer.startswith("OK "):
                raise FeedUnavailable(f"the WebSocket server answered {answer[:80]!r}")

    def wait_ready(self, timeout_seconds: float) -> bool:
        """Wait until the server reports that a browser can take events. Call this after `send` returned None.

        Args:
            timeout_seconds: How long to wait.

        Returns:
            True if the server sent READY; False if the time ran out.

        Raises:
            FeedUnavailable: See the class.
        """
        with self._connected() as wire:
            try:
                return wire.text(timeout_seconds) == "READY"
            except TimeoutError:
                return False

    def close(self) -> None:
        """Close the connection. Does nothing if it is closed."""
        wire, self._wire = self._wire, None
        if wire:
            wire.close()

    @contextmanager
    def _connected(self) -> Iterator[_Wire]:
        try:
            if self._wire is None:
                self._wire = _Wire(self._path)
            yield self._wire
        except FeedUnavailable:
            self.close()
            raise
        except (OSError, WebSocketException) as error:  # TimeoutError is an OSError
            self.close()
            reason = str(error) or type(error).__name__
            raise FeedUnavailable(f"the WebSocket server at {self._path}: {reason}") from error


class _Wire:
    """A blocking WebSocket connection without threads. The one in websockets starts a thread for each connection.

    Every call raises OSError (TimeoutError if nothing arrived in time) or WebSocketException.
    """

    def __init__(self, path: Path) -> None:
        self._protocol = ClientProtocol(parse_uri("ws://wsserver/"), max_size=_ANSWER_BYTES)
        self._texts: deque[str] = deque()
        self._socket = unix_socket.connect(path, _ANSWER_SECONDS)
        try:
            self._protocol.send_request(self._protocol.connect())
            self._flush()
            while self._protocol.state is State.CONNECTING:
                self._receive()
        except BaseException:
            self._socket.close()
            raise

    def send(self, text: bytes) -> None:
        """Send one text frame."""
        self._socket.settimeout(_ANSWER_SECONDS)
        self._protocol.send_text(text)
        self._flush()

    def text(self, timeout_seconds: float) -> str:
        """Return the next text frame."""
        end = time.monotonic() + timeout_seconds
        while not self._texts:
            self._socket.settimeout(max(0.001, end - time.monotonic()))
            self._receive()
        return self._texts.popleft()

    def receive_pending(self) -> None:
        """Read data that has already arrived, without waiting. It may be the server's close frame."""
        self._socket.settimeout(0)
        with suppress(BlockingIOError):
            while True:
                self._receive()

    def close(self) -> None:
        """Send a close frame if this needs no waiting, and close the socket."""
        with suppress(OSError, WebSocketException):
            self._socket.settimeout(0)
            self._protocol.send_close(CloseCode.NORMAL_CLOSURE)
            self._flush()
        self._socket.close()

    def _receive(self) -> None:
        """Read and parse a chunk of data. Raise ConnectionError if the server has closed the connection."""
        if self._protocol.close_rcvd:
            raise ConnectionError(f"closed by the server with code {self._protocol.close_rcvd.code}")
        data = self._socket.recv(_CHUNK_BYTES)
        if not data:
            raise ConnectionError("closed by the server without a close frame")
        self._protocol.receive_data(data)
        if self._protocol.handshake_exc:
            raise self._protocol.handshake_exc
        for frame in self._protocol.events_received():
            if isinstance(frame, Frame) and frame.opcode is Opcode.TEXT:
                self._texts.append(bytes(frame.data).decode())
        if not self._protocol.close_rcvd:  # the server may be gone after its close frame, so don't answer that
            self._flush()

    def _flush(self) -> None:
        """Send the protocol's pending output: frames to send, and answers to pings."""
        for data in self._protocol.data_to_send():
            self._socket.sendall(data)


def health(path: Path) -> FeedHealth:
    """Ask the WebSocket server for its health, over its unix socket for workers.

    Args:
        path: That socket.

    Raises:
        FeedUnavailable: The server can't be reached, is too slow or breaks the protocol.
    """
    try:
        response = unix_socket.http_get(path, "/health", _HEALTH_SECONDS)
        return msgspec.json.decode(response.body, type=FeedHealth)
    except (OSError, msgspec.MsgspecError) as error:
        raise FeedUnavailable(f"the WebSocket server at {path}: {error}") from error
