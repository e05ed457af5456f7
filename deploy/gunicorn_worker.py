"""gunicorn's worker for the API that takes messages: gevent's, but that an answer leaves in one piece."""

from typing import Any

from gunicorn.workers.ggevent import GeventWorker


class OnePieceWorker(GeventWorker):  # type: ignore[misc] # gunicorn has no types
    """Sends the head and the body of an answer at once.

    gunicorn writes them apart, and each write wakes nginx up. Meant for short answers, as the whole of one is held in
    memory.
    """

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> None:
        """Handle a request, with what is written held back until it is whole."""
        gathering = Gathering(sock)
        try:
            super().handle_request(listener_name, req, gathering, addr)
        except StopIteration:  # the last one on its connection
            gathering.flush()
            raise
        gathering.flush()


class Gathering:
    """A socket that gathers what is to be sent."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._pieces: list[bytes] = []

    def sendall(self, piece: bytes) -> None:
        """Hold a piece back."""
        self._pieces.append(piece)

    def flush(self) -> None:
        """Send what was gathered."""
        if self._pieces:
            self._sock.sendall(b"".join(self._pieces))

    def close(self) -> None:
        """Close it without an answer, as what was gathered is not whole."""
        self._pieces.clear()
        self._sock.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)
