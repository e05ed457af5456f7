"""Plain requests, which are the POSTs that nginx passes on, and their responses.

httptools reads them in a fraction of the time that gunicorn's parser takes. gunicorn reads every other request. So this
module need not know chunks, expectations, limits or errors.
"""

from __future__ import annotations

import re
import time
from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from gunicorn.http.wsgi import base_environ
from gunicorn.util import http_date
from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

if TYPE_CHECKING:
    from collections.abc import Sequence

    from _typeshed.wsgi import WSGIEnvironment

_READ_BYTES: Final = 2**16
_BODY_BYTES_MAX: Final = 2**20
_PIECES_MAX: Final = 1000
"""How often to read before a request is left to gunicorn. A batch takes some 20 reads."""
_TARGET: Final = re.compile(rb"(/(?!/)[\w./~-]*)(?:\?([!-\"$-~]*))?")
"""A path that needs no decoding, and perhaps a query."""
_NOT_PLAIN: Final = frozenset(
    {
        *(b"connection", b"expect", b"transfer-encoding", b"upgrade"),  # change how a request is read or answered
        *(b"x-forwarded-proto", b"x-forwarded-protocol", b"x-forwarded-ssl"),  # change gunicorn's `wsgi.url_scheme`
    }
)


class PlainRequests:
    """Reads the plain requests of one connection.

    A request is plain if it is a POST of HTTP/1.1 to a simple path, with a host, each header once, no header that
    changes how the request is read, a body of known length, and nothing behind it yet.

    Args:
        cfg: gunicorn's configuration.
        peer: The address of the connection's other end.
    """

    def __init__(self, cfg: Any, peer: str | tuple[str, int]) -> None:
        self._base: WSGIEnvironment = base_environ(cfg) | {
            "REMOTE_ADDR": peer if isinstance(peer, str) else peer[0],
            "REQUEST_METHOD": "POST",
            "SCRIPT_NAME": "",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.multithread": True,
            "wsgi.url_scheme": "http",
        }
        self._header_bytes_max: int = cfg.limit_request_field_size - len(": \r\n")
        self._variables_max: int = len(self._base) + cfg.limit_request_fields
        self._environ: WSGIEnvironment = {}
        """Of the request that is being read; empty between requests."""
        self._url = b""
        self._body: list[bytes] = []
        self._is_complete = False
        self._parser = HttpRequestParser(self)

    def receive(self, sock: Any, received: bytes) -> WSGIEnvironment | bytes:
        """Receive a request.

        Args:
            sock: The connection's socket.
            received: The beginning of the request, if it was received before.

        Returns:
            The environment of a plain request, with its whole body. Otherwise the bytes that were received, for
            gunicorn: all of a request, its beginning, or more than one. They are empty if the connection has ended.

        Raises:
            OSError: The connection is broken.
        """
        piece = received or sock.recv(_READ_BYTES)
        if not piece.startswith(b"POST "):
            return piece
        pieces = [piece]
        try:
            self._parser.feed_data(piece)
            while not self._is_complete and len(pieces) < _PIECES_MAX and (piece := sock.recv(_READ_BYTES)):
                pieces.append(piece)
                self._parser.feed_data(piece)
        except (HttpParserError, HttpParserUpgrade):
            self._is_complete = False  # the request is not plain, or no request at all
        # httptools tolerates further spaces.
        if self._is_complete and b"".join(pieces).startswith(b"POST %b HTTP/1.1\r\n" % self._url):
            return self._take()
        self._take()
        self._parser = HttpRequestParser(self)
        return b"".join(pieces)

    def _take(self) -> WSGIEnvironment:
        """Return what was read, and keep nothing of it: a batch is large."""
        environ, self._environ, self._body, self._is_complete = self._environ, {}, [], False
        return environ

    # httptools calls the methods below.

    def on_message_begin(self) -> None:
        """Begin a request."""
        if self._environ:
            raise ValueError("another request")
        self._environ = self._base.copy()
        self._url = b""

    def on_url(self, piece: bytes) -> None:
        """Take a piece of the request's target."""
        self._url += piece

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        variable = _variable(name)
        if not variable or variable in self._environ or len(name) + len(value) > self._header_bytes_max:
            raise ValueError("an unusual header")
        self._environ[variable] = value.decode("latin-1").strip(" \t")

    def on_headers_complete(self) -> None:
        """Complete the environment, but for the body."""
        environ = self._environ
        target, host, length = (
            _TARGET.fullmatch(self._url),
            environ.get("HTTP_HOST"),
            environ.get("CONTENT_LENGTH", "0"),
        )
        if (
            target is None
            or not host
            or not length.isdecimal()
            or int(length) > _BODY_BYTES_MAX
            or len(environ) > self._variables_max
        ):
            raise ValueError("an unusual request")
        environ["RAW_URI"] = self._url.decode()
        environ["PATH_INFO"] = target[1].decode()
        environ["QUERY_STRING"] = (target[2] or b"").decode()
        environ["SERVER_NAME"], environ["SERVER_PORT"] = [*host.split(":"), "80"][:2]

    def on_body(self, piece: bytes) -> None:
        """Take a piece of the body."""
        self._body.append(piece)

    def on_message_complete(self) -> None:
        """Complete the request."""
        self._environ["wsgi.input"] = BytesIO(b"".join(self._body))
        self._is_complete = True


@lru_cache(1000)
def _variable(header: bytes) -> str:
    """Return the environment's key of a header. It is empty for a header that no plain request has."""
    name = header.lower()
    if name in _NOT_PLAIN or b"_" in name:
        return ""
    variable = name.decode("latin-1").upper().replace("-", "_")
    return variable if variable in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{variable}"


def encode_response(status: str, headers: Sequence[tuple[str, str]], body: bytes, *, keep_alive: bool) -> bytes:
    """Encode the response to a plain request.

    Args:
        status: The status and its name.
        headers: The application's headers. The length of the body replaces their Content-Length.
        body: The whole body.
        keep_alive: False if the connection will be closed.

    Raises:
        ValueError: A header has a line break.
    """
    lines = [f"HTTP/1.1 {status}", *_own_headers(int(time.time())), f"Content-Length: {len(body)}"]
    lines.append("Connection: keep-alive" if keep_alive else "Connection: close")
    lines += [f"{name}: {value}" for name, value in headers if name.lower() != "content-length"]
    head = "\r\n".join([*lines, "", ""])
    if not head.count("\r") == head.count("\n") == len(lines) + 1:
        raise ValueError(f"a header of a response has a line break: {headers!r}")
    return head.encode("latin-1") + body


@lru_cache(1)
def _own_headers(now_seconds: int) -> tuple[str, str]:
    return "Server: gunicorn", f"Date: {http_date(now_seconds)}"
