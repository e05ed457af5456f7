"""The API's gunicorn worker: an answer leaves in one piece, or not at all."""

from __future__ import annotations

import socket

import pytest

from deploy.gunicorn_worker import Gathering


def pair() -> tuple[socket.socket, socket.socket]:
    """Give two ends of a connection that keeps apart what is sent apart."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    theirs.settimeout(0)
    return ours, theirs


def test_pieces_are_held_back_and_sent_as_one() -> None:
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


def test_an_answer_that_is_broken_off_is_not_sent() -> None:
    ours, theirs = pair()
    with theirs:
        gathering = Gathering(ours)
        gathering.sendall(b"head")
        gathering.close()
        gathering.flush()
        assert theirs.recv(100) == b""


def test_all_else_is_done_by_the_connection_itself() -> None:
    ours, theirs = pair()
    with ours, theirs:
        assert Gathering(ours).fileno() == ours.fileno()
