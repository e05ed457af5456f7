"""The feed against a real WebSocket server: what a worker is told, and what it notices."""

from __future__ import annotations

import signal
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.integration.conftest import Browser, event_json, id_of
from tests.support import wait_until, wsserver
from tradewire.errors import FeedUnavailable, InvalidEvent
from tradewire.feed import Feed, health
from tradewire.limits import MAX_JOB_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def feed_of(home: Path) -> Iterator[Feed]:
    """Give a feed to the server in this home."""
    feed = Feed(home / "sock/workers/wsserver.sock")
    try:
        yield feed
    finally:
        feed.close()


@contextmanager
def impostor(home: Path, answer: bytes) -> Iterator[None]:
    """Response the first thing that comes to the workers' socket with these bytes, and hang up."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(home / "sock/workers/wsserver.sock"))
        listener.listen()

        def serve() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.recv(4096)
                peer.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield
        thread.join()


def test_events_are_answered_with_how_many_browsers_they_went_to(home: Path) -> None:
    events = [event_json(), event_json()]
    with wsserver(home), feed_of(home) as feed:
        assert feed.send(events) is None
        assert not feed.wait_ready(0.05)
        with Browser(home) as browser:
            assert feed.wait_ready(5)
            assert feed.send(events) == 1
            assert browser.receive_ids(2) == [id_of(event) for event in events]
        assert feed.send(events) == 0


def test_a_ready_that_came_too_late_is_not_taken_for_an_answer(home: Path) -> None:
    with wsserver(home), feed_of(home) as feed:
        assert feed.send([event_json()]) is None
        with Browser(home):
            feed.connect()
            assert feed.send([event_json()]) == 1


def test_a_bad_event_is_named_and_ends_nothing(home: Path) -> None:
    with wsserver(home), feed_of(home) as feed, Browser(home):
        with pytest.raises(InvalidEvent, match="not an event"):
            feed.send([event_json(), b"{}"])
        assert feed.send([event_json()]) == 1


def test_the_largest_frame_goes_through(home: Path) -> None:
    with wsserver(home), feed_of(home) as feed, Browser(home) as browser:
        large = event_json(pad=MAX_JOB_BYTES - len(event_json()))
        assert feed.send([large]) == 1
        assert browser.receive_ids(1) == [id_of(large)]


def test_a_goodbye_is_heard_before_anything_is_sent_and_the_next_server_is_found(home: Path) -> None:
    with feed_of(home) as feed:
        with wsserver(home) as server:
            feed.connect()
            server.send_signal(signal.SIGTERM)
            assert server.wait(10) == 0
            with pytest.raises(FeedUnavailable, match="1012"):
                feed.connect()
        with wsserver(home):
            feed.connect()
            assert feed.send([event_json()]) is None


def test_a_server_that_was_killed_is_noticed(home: Path) -> None:
    with wsserver(home) as server, feed_of(home) as feed:
        feed.connect()
        server.kill()
        server.wait()
        with pytest.raises(FeedUnavailable):
            feed.connect()


def test_a_feed_that_is_closed_is_a_worker_less(home: Path) -> None:
    path = home / "sock/workers/wsserver.sock"
    with wsserver(home), feed_of(home) as feed:
        feed.connect()
        wait_until(lambda: health(path).workers == 1, "it is there")
        feed.close()
        feed.close()
        wait_until(lambda: health(path).workers == 0, "it has left")


@pytest.mark.parametrize(
    "answer", [b"", b"\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 101 Go\r\n\r\n", b"\x81\x02OK"]
)
def test_whoever_does_not_speak_the_protocol_is_no_server(home: Path, answer: bytes) -> None:
    with impostor(home, answer), feed_of(home) as feed, pytest.raises(FeedUnavailable):
        feed.connect()
