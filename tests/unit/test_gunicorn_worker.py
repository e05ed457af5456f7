"""The API's gunicorn worker sends each response in one piece or not at all."""

from __future__ import annotations

import socket

import pytest

from deploy.gunicorn_worker import Gathering


def pair() -> tuple[socket.socket, socket.socket]:
    """Return both ends of a connection that preserves the boundaries of sends."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    theirs.settimeout(0)
    return ours, theirs


def test_pieces_are_buffered_and_sent_together() -> None:
    ours, theirs = pair()
    with ours, theirs:
        gathering = Gathering(ours)
        gathering.sendall(b"head")
        gathering.sendall(b"body")
        with pytest.raises(BlockingIOError):
            theirs.recv(100)
        gathering.flush()
        assert theirs.recv(100) == b"headbody"
        with pytest.raises(BlockingIOError):
            theirs.recv(100)


def test_an_aborted_response_is_not_sent() -> None:
    ours, theirs = pair()
    with theirs:
        gathering = Gathering(ours)
        gathering.sendall(b"head")
        gathering.close()
        gathering.flush()
        assert theirs.recv(100) == b""


def test_other_socket_methods_are_delegated() -> None:
    ours, theirs = pair()
    with ours, theirs:
        assert Gathering(ours).fileno() == ours.fileno()
