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
"""The time in which an answer must be complete."""
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
    with _deadline(connection) as is_over:
        try:
            connection.request(method, target, body, sent)
            response = connection.getresponse()
            return Answer(address, response.status, _body(response, address))
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = str(error) or type(error).__name__
            if is_over.is_set():
                reason = f"takes longer than {ANSWER_SECONDS:.0f} s to answer"
                raise Unavailable(f"{address} {reason}") from error
            raise Unavailable(f"{address}: {reason}") from error
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


@contextmanager
def _deadline(connection: http.client.HTTPConnection) -> Iterator[threading.Event]:
    """Cut a connection when its time is over, which the event tells. Each byte may come in time, but not all."""
    is_over = threading.Event()

    def cut() -> None:
        is_over.set()
        with suppress(OSError, AttributeError):  # it is not connected any more
            connection.sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(ANSWER_SECONDS, cut)
    timer.daemon = True
    timer.start()
    try:
        yield is_over
    finally:
        timer.cancel()


def _body(response: http.client.HTTPResponse, address: str) -> bytes:
    body = b""
    while piece := response.read1(_PIECE_BYTES):
        body += piece
        if len(body) > BYTES_MAX:
            raise Unavailable(f"{address} answers with more than {BYTES_MAX // 1024} KiB")
    return body
