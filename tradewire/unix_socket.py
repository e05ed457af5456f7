"""Clients of the stack's unix sockets."""

from __future__ import annotations

import http.client
import socket
from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path


class Response(NamedTuple):
    """An HTTP response."""

    status: int
    body: bytes


def connect(path: Path | str, timeout_seconds: float) -> socket.socket:
    """Return a connected socket with this timeout. Raise OSError if nothing listens on the path."""
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.settimeout(timeout_seconds)
        sock.connect(str(path))
    except BaseException:
        sock.close()
        raise
    return sock


def http_get(path: Path, target: str, timeout_seconds: float, bytes_max: int = 4096) -> Response:
    """Send a GET request over a unix socket.

    Args:
        path: The socket's path.
        target: The path of the URL.
        timeout_seconds: How long to wait for the connection, and for each part of the response.
        bytes_max: The body is cut to this size.

    Raises:
        OSError: There is no response, or it is not HTTP. The error's text gives the reason.
    """
    with closing(http.client.HTTPConnection("localhost", timeout=timeout_seconds)) as connection:
        try:
            connection.sock = connect(path, timeout_seconds)
            connection.request("GET", target)
            response = connection.getresponse()
            return Response(response.status, response.read(bytes_max))
        except (OSError, http.client.HTTPException) as error:
            raise OSError(str(error) or type(error).__name__) from error
