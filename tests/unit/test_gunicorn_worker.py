"""gunicorn's worker for the API program that accepts messages: it sends a response in one write, or not at all."""

from __future__ import annotations

import socket

import pytest

from deploy.gunicorn_worker import BufferedSocket


def pair() -> tuple[socket.socket, socket.socket]:
    """Give both ends of a connection that keeps separate writes separate."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    theirs.settimeout(0)
    return ours, theirs


def test_pieces_are_buffered_and_sent_in_one_write() -> None:
    ours, theirs = pair()
    with ours, theirs:
        buffered = BufferedSocket(ours)
        buffered.sendall(b"head")
        buffered.sendall(b"body")
        with pytest.raises(BlockingIOError):
            theirs.recv(100)
        buffered.flush()
        assert theirs.recv(100) == b"headbody"
        with pytest.raises(BlockingIOError):
            theirs.recv(100)


def test_an_incomplete_response_is_not_sent() -> None:
    ours, theirs = pair()
    with theirs:
        buffered = BufferedSocket(ours)
        buffered.sendall(b"head")
        buffered.close()
        buffered.flush()
        assert theirs.recv(100) == b""


def test_everything_else_is_passed_on_to_the_socket() -> None:
    ours, theirs = pair()
    with ours, theirs:
        assert BufferedSocket(ours).fileno() == ours.fileno()
