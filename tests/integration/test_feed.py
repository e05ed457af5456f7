"""The feed with a real WebSocket server: replies to a worker, and lost connections."""

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
def open_feed(home: Path) -> Iterator[Feed]:
    """Return a feed to the server in a home directory."""
    feed = Feed(home / "sock/workers/wsserver.sock")
    try:
        yield feed
    finally:
        feed.close()


@contextmanager
def fake_server(home: Path, reply: bytes) -> Iterator[None]:
    """Run a server that replies to its first data with these bytes and then disconnects."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(home / "sock/workers/wsserver.sock"))
        listener.listen()

        def serve() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.recv(4096)
                peer.sendall(reply)

        thread = threading.Thread(target=serve)
        thread.start()
        yield
        thread.join()


def test_an_announced_gap_reaches_the_browsers(home: Path) -> None:
    with wsserver(home), open_feed(home) as feed, Browser(home) as browser:
        feed.announce_gap()
        assert browser.receive_frame() == {"gap": True, "offset": 1}


def test_send_returns_how_many_browsers_got_the_events(home: Path) -> None:
    events = [event_json(), event_json()]
    with wsserver(home), open_feed(home) as feed:
        assert feed.send(events) is None
        assert not feed.wait_ready(0.05)
        with Browser(home) as browser:
            assert feed.wait_ready(5)
            assert feed.send(events) == 1
            assert browser.receive_ids(2) == [id_of(event) for event in events]
        assert feed.send(events) == 0


def test_a_late_ready_is_not_taken_for_a_reply(home: Path) -> None:
    with wsserver(home), open_feed(home) as feed:
        assert feed.send([event_json()]) is None
        with Browser(home):
            feed.connect()
            assert feed.send([event_json()]) == 1


def test_an_invalid_event_raises_and_the_connection_stays_usable(home: Path) -> None:
    with wsserver(home), open_feed(home) as feed, Browser(home):
        with pytest.raises(InvalidEvent, match="not an event"):
            feed.send([event_json(), b"{}"])
        assert feed.send([event_json()]) == 1


def test_the_largest_frame_is_accepted(home: Path) -> None:
    with wsserver(home), open_feed(home) as feed, Browser(home) as browser:
        large = event_json(pad=MAX_JOB_BYTES - len(event_json()))
        assert feed.send([large]) == 1
        assert browser.receive_ids(1) == [id_of(large)]


def test_connect_detects_a_close_before_anything_is_sent_and_finds_the_next_server(home: Path) -> None:
    with open_feed(home) as feed:
        with wsserver(home) as server:
            feed.connect()
            server.send_signal(signal.SIGTERM)
            assert server.wait(10) == 0
            with pytest.raises(FeedUnavailable, match="1012"):
                feed.connect()
        with wsserver(home):
            feed.connect()
            assert feed.send([event_json()]) is None


def test_connect_detects_a_killed_server(home: Path) -> None:
    with wsserver(home) as server, open_feed(home) as feed:
        feed.connect()
        server.kill()
        server.wait()
        with pytest.raises(FeedUnavailable):
            feed.connect()


def test_a_closed_feed_disconnects_its_worker(home: Path) -> None:
    path = home / "sock/workers/wsserver.sock"
    with wsserver(home), open_feed(home) as feed:
        feed.connect()
        wait_until(lambda: health(path).workers == 1, "the worker is connected")
        feed.close()
        feed.close()
        wait_until(lambda: health(path).workers == 0, "the worker is disconnected")


@pytest.mark.parametrize("reply", [b"", b"\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 101 Go\r\n\r\n", b"\x81\x02OK"])
def test_a_server_with_another_protocol_is_unavailable(home: Path, reply: bytes) -> None:
    with fake_server(home, reply), open_feed(home) as feed, pytest.raises(FeedUnavailable):
        feed.connect()
