"""gunicorn's gevent worker, changed to send each response in one write, and to refuse in the API's format."""

from typing import Any

from gunicorn.workers.ggevent import GeventWorker

from deploy.gunicorn_errors import JsonErrors


class OnePieceWorker(JsonErrors, GeventWorker):  # type: ignore[misc] # gunicorn has no types
    """Sends the head and the body of a response together.

    gunicorn writes them separately, and each write wakes up nginx. Meant for short responses: each one is held in
    memory as a whole.
    """

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> None:
        """Handle a request, and send its response when it is complete."""
        buffered = BufferedSocket(sock)
        try:
            super().handle_request(listener_name, req, buffered, addr)
        except StopIteration:  # the last request on its connection
            buffered.flush()
            raise
        buffered.flush()


class BufferedSocket:
    """A socket that buffers the sent data until it is flushed."""

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
