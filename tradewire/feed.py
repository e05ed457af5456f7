"""The feed: a worker's connection to the WebSocket server."""

from __future__ import annotations

import http.client
import socket
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

from tradewire.errors import FeedUnavailable, InvalidEvent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_ANSWER_SECONDS: Final = 10.0
"""Well below the queue's TTR, so that what is in hand can still be settled or given back."""
_ANSWER_BYTES: Final = 4096
_RECEIVED_BYTES: Final = 2**16
_HEALTH_SECONDS: Final = 2.0


class FeedHealth(msgspec.Struct):
    """What the WebSocket server says of itself."""

    epoch: str
    offset: int
    browsers: int
    lagging: int
    workers: int


class Feed:
    """One worker's connection, used by one thread; it connects by itself.

    Every call raises FeedUnavailable where the server is away or answers what the protocol does not know;
    the connection is closed then, and the next call connects anew.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._wire: _Wire | None = None

    def connect(self) -> None:
        """Connect, unless connected."""
        with self._connected() as wire:
            wire.look()

    def send(self, events: Sequence[bytes]) -> int | None:
        """Send events as one frame, MAX_JOB_BYTES at most; give how many browsers they were handed to.

        None: there is none that can take them now. 0: all of them were shown before. Raises InvalidEvent where the
        server found one among them that is none.
        """
        with self._connected() as wire:
            wire.send(b"\n".join(events))
            answer = wire.text(_ANSWER_SECONDS)
            while answer == "READY":  # sent for an earlier WAIT, before this frame arrived
                answer = wire.text(_ANSWER_SECONDS)
            word, _, rest = answer.partition(" ")
            if word == "BAD":
                raise InvalidEvent(rest)
            if word == "WAIT":
                return None
            if word != "OK" or not rest.isdecimal():
                raise FeedUnavailable(f"the WebSocket server answered {answer[:80]!r}")
            return int(rest)

    def wait_ready(self, timeout_seconds: float) -> bool:
        """After a WAIT: wait for the server's word that a browser can take events. False: none came."""
        with self._connected() as wire:
            try:
                return wire.text(timeout_seconds) == "READY"
            except TimeoutError:
                return False

    def close(self) -> None:
        """Close the connection. Harmless when closed."""
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
            said = str(error) or type(error).__name__
            raise FeedUnavailable(f"the WebSocket server at {self._path}: {said}") from error


class _Wire:
    """A WebSocket connection in plain calls, without the threads that websockets' own has for each.

    Every call raises OSError, TimeoutError where nothing came in time, or WebSocketException.
    """

    def __init__(self, path: Path) -> None:
        self._protocol = ClientProtocol(parse_uri("ws://wsserver/"), max_size=_ANSWER_BYTES)
        self._texts: deque[str] = deque()
        self._socket = socket.socket(socket.AF_UNIX)
        try:
            self._socket.settimeout(_ANSWER_SECONDS)
            self._socket.connect(str(path))
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
        """Give the next text frame."""
        end = time.monotonic() + timeout_seconds
        while not self._texts:
            self._socket.settimeout(max(0.001, end - time.monotonic()))
            self._receive()
        return self._texts.popleft()

    def look(self) -> None:
        """Take what has come meanwhile, without waiting: the server may have said goodbye."""
        self._socket.settimeout(0)
        with suppress(BlockingIOError):
            while True:
                self._receive()

    def close(self) -> None:
        """Say goodbye, if that can be said at once, and close."""
        with suppress(OSError, WebSocketException):
            self._socket.settimeout(0)
            self._protocol.send_close(CloseCode.NORMAL_CLOSURE)
            self._flush()
        self._socket.close()

    def _receive(self) -> None:
        """Take some of what comes; where it is the end, raise."""
        if self._protocol.close_rcvd:
            raise ConnectionError(f"it said goodbye, with code {self._protocol.close_rcvd.code}")
        data = self._socket.recv(_RECEIVED_BYTES)
        if not data:
            raise ConnectionError("it closed the connection")
        self._protocol.receive_data(data)
        if self._protocol.handshake_exc:
            raise self._protocol.handshake_exc
        for event in self._protocol.events_received():
            if isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                self._texts.append(bytes(event.data).decode())
        if not self._protocol.close_rcvd:  # a goodbye needs no answer: whoever said it may be gone
            self._flush()

    def _flush(self) -> None:
        """Send what the protocol has to say: what it was told to, and answers to pings."""
        for data in self._protocol.data_to_send():
            self._socket.sendall(data)


def health(path: Path) -> FeedHealth:
    """Ask the WebSocket server, on its workers' socket, how it is. Raises FeedUnavailable."""
    connection = http.client.HTTPConnection("wsserver", timeout=_HEALTH_SECONDS)
    try:
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(_HEALTH_SECONDS)
        connection.sock.connect(str(path))
        connection.request("GET", "/health")
        return msgspec.json.decode(connection.getresponse().read(_ANSWER_BYTES), type=FeedHealth)
    except (OSError, http.client.HTTPException, msgspec.MsgspecError) as error:
        said = str(error) or type(error).__name__
        raise FeedUnavailable(f"the WebSocket server at {path}: {said}") from error
    finally:
        connection.close()
