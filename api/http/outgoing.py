"""Requests to servers outside of the stack: bounded in size and time, without redirects, over checked TLS."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
from contextlib import contextmanager, suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit, urlunsplit

from tradewire.access import jwks
from tradewire.errors import Unavailable
from tradewire.setting_checks import is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TIMEOUT_SECONDS: Final = 5.0
"""The time for each step: to connect, and to send the next bytes."""
ANSWER_SECONDS: Final = 10.0
"""The time in which an answer must be complete, the time to connect included."""
BYTES_MAX: Final = jwks.BYTES_MAX
"""The greatest size of an answer."""
_PIECE_BYTES: Final = 16 * 1024


class Answer(NamedTuple):
    """An answer of a server, whatever its status."""

    address: str
    status: int
    body: bytes

    def ok_json(self) -> Any:
        """Return the JSON of the body. Raises Unavailable if it is not JSON, or if the status is not 200."""
        if self.status != HTTPStatus.OK:
            raise Unavailable(f"{self.address} answers {self.status}")
        return self.json()

    def json(self) -> Any:
        """Return the JSON of the body, whatever the status. Raises Unavailable."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise Unavailable(f"{self.address}: {str(error) or type(error).__name__}") from error


def send(method: str, address: str, headers: Mapping[str, str] | None = None, body: bytes | None = None) -> Answer:
    """Send a request.

    Args:
        method: `GET` or `POST`.
        address: The URL, which must be safe.
        headers: Further headers.
        body: The body.

    Raises:
        Unavailable: There is no whole answer within the limits. The text says why, and shows no header and no body.
    """
    url = urlsplit(address)
    try:
        connection = _connection(url.scheme, url.hostname or "", url.port)
    except ValueError as error:
        raise Unavailable(f"{address}: {error}") from error
    target = urlunsplit(("", "", url.path or "/", url.query, ""))
    sent = {"Accept": "application/json", "User-Agent": "Tradewire"} | dict(headers or {})
    with _deadline() as deadline:
        try:
            connection.connect()
            deadline.cuts(connection.sock)
            connection.request(method, target, body, sent)
            response = connection.getresponse()
            answer = Answer(address, response.status, _body(response, address))
            deadline.check()  # what was cut looks whole, if the server did not tell its length
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = deadline.reason or str(error) or type(error).__name__
            raise Unavailable(f"{address}: {reason}") from error
        else:
            return answer
        finally:
            connection.close()


def is_safe(address: object, issuer: str) -> bool:
    """Return whether an address may be used that an issuer names: over https, or on loopback if the issuer is there."""
    try:
        url = urlsplit(address if isinstance(address, str) else "")
        is_local = issuer.startswith("http:") and url.scheme == "http" and is_loopback(url.hostname or "")
    except ValueError:
        return False
    return bool(url.hostname) and (url.scheme == "https" or is_local)


def _connection(scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:
    if scheme == "https":
        return http.client.HTTPSConnection(host, port, timeout=TIMEOUT_SECONDS, context=ssl.create_default_context())
    return http.client.HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)


class _Deadline:
    """Cuts a connection when its time is over. Each byte may come in time, but not all of them."""

    def __init__(self) -> None:
        self._is_over = threading.Event()
        self._socket: socket.socket | None = None

    @property
    def reason(self) -> str:
        """Why there is no answer; empty while there is time."""
        return f"takes longer than {ANSWER_SECONDS:.0f} s to answer" if self._is_over.is_set() else ""

    def cuts(self, connected: socket.socket) -> None:
        """Name the socket to cut: http.client forgets it before the body if the server is going to close it.

        Raises:
            TimeoutError: The time is over.
        """
        self._socket = connected
        self.check()

    def check(self) -> None:
        """Raise TimeoutError if the time is over."""
        if self._is_over.is_set():
            raise TimeoutError(self.reason)

    def end(self) -> None:
        """End the time."""
        self._is_over.set()
        if self._socket is not None:
            with suppress(OSError):  # it is not connected any more
                # Not SSLSocket's own method: it takes the TLS state away from the thread that reads.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


@contextmanager
def _deadline() -> Iterator[_Deadline]:
    deadline = _Deadline()
    timer = threading.Timer(ANSWER_SECONDS, deadline.end)
    timer.daemon = True
    timer.start()
    try:
        yield deadline
    finally:
        timer.cancel()


def _body(response: http.client.HTTPResponse, address: str) -> bytes:
    body = b""
    while piece := response.read1(_PIECE_BYTES):
        body += piece
        if len(body) > BYTES_MAX:
            raise Unavailable(f"{address} answers with more than {BYTES_MAX // 1024} KiB")
    return body
