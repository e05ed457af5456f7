"""The feed: a worker's connection to the WebSocket server."""

from __future__ import annotations

import http.client
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import msgspec
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, unix_connect

from tradewire.errors import BadUpdate, FeedUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_ANSWER_SECONDS: Final = 10.0
"""Well below the queue's TTR, so that what is in hand can still be settled or given back."""
_ANSWER_BYTES: Final = 4096
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
        self._socket: ClientConnection | None = None

    def connect(self) -> None:
        """Connect, unless connected."""
        with self._connected():
            pass

    def send(self, updates: Sequence[bytes]) -> int | None:
        """Send updates as one frame, MAX_JOB_BYTES at most; give how many browsers they were handed to.

        None: there is none that can take them now. 0: all of them were shown before. Raises BadUpdate where the
        server found one among them that is none.
        """
        with self._connected() as connection:
            connection.send(b"\n".join(updates), text=True)
            answer = connection.recv(_ANSWER_SECONDS)
            while answer == "READY":  # sent for an earlier WAIT, before this frame arrived
                answer = connection.recv(_ANSWER_SECONDS)
            word, _, rest = str(answer).partition(" ")
            if word == "BAD":
                raise BadUpdate(rest)
            if word == "WAIT":
                return None
            if word != "OK" or not rest.isdecimal():
                raise FeedUnavailable(f"the WebSocket server answered {answer[:80]!r}")
            return int(rest)

    def wait_ready(self, timeout_seconds: float) -> bool:
        """After a WAIT: wait for the server's word that a browser can take updates. False: none came."""
        with self._connected() as connection:
            try:
                return connection.recv(timeout_seconds) == "READY"
            except TimeoutError:
                return False

    def close(self) -> None:
        """Close the connection. Harmless when closed."""
        connection, self._socket = self._socket, None
        if connection:
            connection.close()

    @contextmanager
    def _connected(self) -> Iterator[ClientConnection]:
        try:
            if self._socket is None:
                self._socket = unix_connect(
                    str(self._path),
                    uri="ws://wsserver/",
                    compression=None,
                    max_size=_ANSWER_BYTES,
                    open_timeout=_ANSWER_SECONDS,
                    close_timeout=1,
                )
            yield self._socket
        except FeedUnavailable:
            self.close()
            raise
        except (OSError, WebSocketException) as error:  # TimeoutError is an OSError
            self.close()
            said = str(error) or type(error).__name__
            raise FeedUnavailable(f"the WebSocket server at {self._path}: {said}") from error


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
