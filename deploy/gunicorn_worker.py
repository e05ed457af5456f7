"""gunicorn's gevent worker with a faster loop for plain requests."""

from __future__ import annotations

import errno
import socket
import time
from contextlib import suppress
from typing import Any, Final

from gunicorn.http import RequestParser
from gunicorn.http.errors import NoMoreData
from gunicorn.util import close
from gunicorn.workers.ggevent import GeventWorker

from deploy.gunicorn_errors import JsonErrors
from deploy.plain_http import PlainRequests, encode_response

_BROKEN: Final = {errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN}
"""The errors of a connection that the other end has closed."""


class IngestWorker(JsonErrors, GeventWorker):  # type: ignore[misc] # gunicorn has no types
    """Reads and answers plain requests by itself, and hands every other request on to gunicorn.

    Most requests are plain. Each of them costs one read and one write. Meant for short responses: each is held in
    memory as a whole. gunicorn's access log, hooks and `max_requests` do not see plain
    requests.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._waiting: dict[Any, float] = {}
        """Connections that wait for a request, and since when, in seconds of the monotonic clock.

        A timer for each request would cost 5 % of the CPU time."""

    def notify(self) -> None:
        """Show that this worker lives, once a second. End the connections that have waited for too long."""
        super().notify()
        earliest = time.monotonic() - self.cfg.keepalive
        for client in [client for client, since in self._waiting.items() if since < earliest]:
            with suppress(OSError):  # the other end has closed it
                client.shutdown(socket.SHUT_RDWR)

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        """Serve a connection until it ends."""
        client.setblocking(1)
        try:
            self._serve(listener.getsockname(), client, addr)
        except NoMoreData as error:
            self.log.debug("Ignored premature client disconnection. %s", error)
        except OSError as error:
            if error.errno not in _BROKEN:
                self.log.exception("Socket error processing request.")
        finally:
            self._waiting.pop(client, None)
            close(client)

    def _serve(self, server: str, client: Any, addr: Any) -> None:
        requests = PlainRequests(self.cfg, addr)
        following = b""
        try:
            while True:
                following = self._serve_one(requests, following, server, client, addr)
        except StopIteration:
            return
        except OSError:
            raise
        except Exception as error:  # noqa: BLE001 - it is logged
            self.handle_error(None, client, addr, error)

    def _serve_one(self, requests: PlainRequests, received: bytes, server: str, client: Any, addr: Any) -> bytes:
        """Serve one request, which may have been received in part. Return what was received behind it.

        Raises:
            StopIteration: The connection has ended, or has to be closed.
        """
        self._waiting[client] = time.monotonic()
        request = requests.receive(client, received)
        del self._waiting[client]
        if not isinstance(request, bytes):
            self._answer(request, client)
            return b""
        if request:
            return self._hand_on(request, server, client, addr)
        raise StopIteration

    def _answer(self, environ: dict[str, Any], client: Any) -> None:
        """Answer a plain request. Raise StopIteration if the worker is stopping."""
        started: list[Any] = []
        body: list[bytes] = []

        def start_response(status: str, headers: list[tuple[str, str]], _exc_info: Any = None) -> Any:
            started[:] = status, headers
            return body.append

        pieces = self.wsgi(environ, start_response)
        try:
            body.extend(pieces)
        finally:
            if hasattr(pieces, "close"):
                pieces.close()
        status, headers = started
        response = encode_response(status, headers, b"".join(body), keep_alive=self.alive)
        sent = client.send(response)
        if sent < len(response):
            client.sendall(response[sent:])
        if not self.alive:
            raise StopIteration

    def _hand_on(self, received: bytes, server: str, client: Any, addr: Any) -> bytes:
        """Let gunicorn handle the request that begins with these bytes. Return what was received behind it.

        Raises:
            StopIteration: The connection has to be closed.
        """
        parser = RequestParser(self.cfg, client, addr)
        parser.unreader.unread(received)
        request = None
        with self.timeout_ctx():
            request = next(parser)
        if request is None:
            raise StopIteration
        self.handle_request(server, request, client, addr)
        if not parser.finish_body():
            raise StopIteration
        following: bytes = parser.unreader.take_buffered()
        return following

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> None:
        """Handle a request that is not plain, and send its response when it is complete."""
        buffered = BufferedSocket(sock)
        try:
            super().handle_request(listener_name, req, buffered, addr)
        except StopIteration:  # the last request on its connection
            buffered.flush()
            raise
        buffered.flush()


class BufferedSocket:
    """A socket that buffers the sent data until it is flushed.

    gunicorn writes the head and the body of a response separately, and each write wakes up nginx.
    """

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._pieces: list[bytes] = []

    def sendall(self, piece: bytes) -> None:
        """Buffer a piece."""
        self._pieces.append(piece)

    def flush(self) -> None:
        """Send everything that is buffered."""
        if self._pieces:
            self._sock.sendall(b"".join(self._pieces))

    def close(self) -> None:
        """Close the socket and discard the buffer: an incomplete response is not sent."""
        self._pieces.clear()
        self._sock.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)
