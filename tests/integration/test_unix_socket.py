"""HTTP requests over a unix socket: every failure is an OSError that names its reason."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest

from tradewire import unix_socket

if TYPE_CHECKING:
    from pathlib import Path


def get_from_server(home: Path, reply: bytes) -> unix_socket.Response:
    """Send a request to a server that sends this reply to any request."""
    path = home / "server.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.recv(4096)
                peer.sendall(reply)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            return unix_socket.http_get(path, "/", 5)
        finally:
            thread.join()


def test_a_response_has_its_status_and_body(home: Path) -> None:
    assert get_from_server(home, b"HTTP/1.1 418 Teapot\r\nContent-Length: 3\r\n\r\nhot") == (418, b"hot")


@pytest.mark.parametrize("reply", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 \r\n\r\n"])
def test_a_reply_that_is_not_http_is_an_error_with_a_reason(home: Path, reply: bytes) -> None:
    with pytest.raises(OSError, match=r"\w"):
        get_from_server(home, reply)


def test_a_path_without_a_server_is_an_error_with_a_reason(home: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        unix_socket.http_get(home / "server.sock", "/", 5)
