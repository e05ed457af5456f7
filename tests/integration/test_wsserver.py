"""`python -m wsserver`, spoken to as browsers and workers do, over its two sockets."""

from __future__ import annotations

import signal
import socket
import threading
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.integration.conftest import Browser, Worker, event_json, http_call, id_of
from tests.support import wait_until, wsserver
from tradewire.limits import MAX_JOB_BYTES

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

LARGE = 10_000
"""Bytes of padding that fill a browser's buffers with few events."""
HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
)


@pytest.fixture
def server(home: Path) -> Iterator[subprocess.Popen[bytes]]:
    with wsserver(home, TRADEWIRE_REPLAY_EVENTS="2000", TRADEWIRE_MAX_BROWSERS="5") as process:
        yield process


@pytest.fixture
def worker(home: Path, server: subprocess.Popen[bytes]) -> Iterator[Worker]:
    assert server.poll() is None
    with Worker(home) as worker:
        yield worker


def dial(home: Path, sent: bytes = b"") -> socket.socket:
    """Open a bare connection to the browsers' socket, of a peer that does only what the test does."""
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(10)
    sock.connect(str(home / "sock/browsers.sock"))
    sock.sendall(sent)
    return sock


def health(home: Path) -> Any:
    return http_call(home / "sock/workers/wsserver.sock", "/health").json


def resident_bytes(process: subprocess.Popen[bytes]) -> int:
    rss: int = psutil.Process(process.pid).memory_info().rss
    return rss


def show_much(worker: Worker, browser: Browser) -> None:
    """Have 1,900 large events shown, which the ring then holds."""
    for _ in range(19):
        worker.send(*(event_json(pad=LARGE) for _ in range(100)))
        browser.receive_ids(100)


def status(home: Path, *headers: bytes, path: bytes = b"/ws") -> int:
    """Give the status that the handshake of a browser with these further headers is answered with."""
    request = HANDSHAKE.replace(b"/ws", path) + b"".join(header + b"\r\n" for header in headers) + b"\r\n"
    with dial(home, request) as sock, sock.makefile("rb") as answers:
        return int(answers.readline().split()[1])


def test_with_no_browser_the_answer_is_wait_and_ready_comes_with_the_first(home: Path, worker: Worker) -> None:
    event = event_json()
    assert worker.send(event) == "WAIT"
    assert worker.is_silent()
    with Browser(home) as browser:
        assert worker.receive() == "READY"
        assert worker.is_silent()
        assert worker.send(event) == "OK 1"
        assert browser.receive_ids(1) == [id_of(event)]


def test_ok_says_how_many_browsers_were_given_the_frame(home: Path, worker: Worker) -> None:
    with Browser(home) as one, Browser(home) as two:
        events = [event_json(), event_json()]
        assert worker.send(*events) == "OK 2"
        for browser in (one, two):
            assert browser.receive_ids(2) == [id_of(event) for event in events]
            assert browser.frames == 1


@pytest.mark.parametrize(
    "bad", [b"", b"x", b"{}", b"[]", b"\xff", b"[" * 9000, event_json() + b",", event_json("1"), b"\n"]
)
@pytest.mark.parametrize("watched", [True, False])
def test_a_frame_that_holds_no_event_is_bad_and_nothing_of_it_is_shown(
    home: Path, worker: Worker, bad: bytes, *, watched: bool
) -> None:
    good = event_json()
    with ExitStack() as stack:
        browser = stack.enter_context(Browser(home)) if watched else None
        for frame in ((bad,), (good, bad), (bad, good)):
            answer = worker.send(*frame)
            assert answer.startswith("BAD ")
            assert len(answer) > 5
        if browser:
            assert worker.send(good) == "OK 1"
            assert browser.receive_ids(1) == [id_of(good)]


def test_a_frame_of_which_all_was_shown_before_is_ok_without_browsers_and_shown_once(
    home: Path, worker: Worker
) -> None:
    shown, new = [event_json(), event_json()], event_json()
    with Browser(home) as browser:
        assert worker.send(*shown) == "OK 1"
        assert worker.send(shown[0]).startswith("OK ")
        assert worker.send(shown[1], new, new) == "OK 1"
        assert browser.receive_ids(3) == [id_of(event) for event in (*shown, new)]
        assert browser.offset == 3
    wait_until(lambda: health(home)["browsers"] == 0, "the browser has left")
    assert worker.send(*shown).startswith("OK ")
    assert worker.send(*shown, event_json()) == "WAIT"


def test_a_browser_that_comes_back_gets_exactly_what_it_missed(home: Path, worker: Worker) -> None:
    with Browser(home) as stays, Browser(home) as leaves:
        assert not leaves.resumed
        worker.send(*(event_json() for _ in range(3)))
        leaves.receive_ids(3)
        leaves.connection.close()
        missed = [event_json() for _ in range(700)]
        worker.send(*missed)
        stays.receive_ids(703)
        with Browser(home, f"?epoch={leaves.epoch}&offset={leaves.offset}") as back:
            assert (back.resumed, back.offset) == (True, 3)
            assert back.receive_ids(700) == [id_of(event) for event in missed]
            assert back.offset == 703
        with Browser(home, f"?epoch={stays.epoch}&offset={stays.offset}") as back:
            assert back.resumed
            assert back.is_silent()


NOWHERE = ["99", "-1", "%C2%B3", "9" * 5000, "3.0", ""]
QUERIES = ["", "?epoch=0&offset=3", "?epoch={epoch}", "?offset=3", "?%ff&=;", "?epoch=%00&offset=3"]


@pytest.mark.parametrize("query", QUERIES + [f"?epoch={{epoch}}&offset={offset}" for offset in NOWHERE])
def test_a_browser_of_unknown_standing_is_told_and_begins_with_what_comes(
    home: Path, worker: Worker, query: str
) -> None:
    with Browser(home) as first:
        worker.send(event_json(), event_json(), event_json())
        with Browser(home, query.format(epoch=first.epoch)) as browser:
            assert (browser.resumed, browser.offset) == (False, 3)
            new = event_json()
            worker.send(new)
            assert browser.receive_ids(1) == [id_of(new)]


def test_a_browser_whose_offset_has_left_the_ring_is_not_resumed(home: Path, worker: Worker) -> None:
    with Browser(home) as browser:
        for count in (1000, 1000, 1):
            assert worker.send(*(event_json() for _ in range(count))) == "OK 1"
            browser.receive_ids(count)
        for offset, resumed in ((0, False), (1, True)):
            with Browser(home, f"?epoch={browser.epoch}&offset={offset}") as back:
                assert back.resumed is resumed


def test_a_browser_that_never_reads_delays_no_one_and_catches_up_once_it_reads(
    home: Path, server: subprocess.Popen[bytes], worker: Worker
) -> None:
    events = [event_json(pad=LARGE) for _ in range(300)]
    with Browser(home) as fast, Browser(home, stalls=True) as slow:
        before = resident_bytes(server)
        for event in events:
            assert worker.send(event) in {"OK 1", "OK 2"}
            assert fast.receive_ids(1) == [id_of(event)]
        assert health(home)["lagging"] == 1
        assert resident_bytes(server) - before < 300 * LARGE * 3
        assert slow.receive_ids(300) == [id_of(event) for event in events]
        assert slow.gaps == []
        wait_until(lambda: health(home)["lagging"] == 0, "it keeps up again")
        assert worker.send(event_json()) == "OK 2"


def test_more_events_at_once_than_the_ring_keeps_still_reach_browsers_that_keep_up(home: Path) -> None:
    with wsserver(home, TRADEWIRE_REPLAY_EVENTS="2"), Worker(home) as worker, Browser(home) as browser:
        events = [event_json() for _ in range(5)]
        assert worker.send(*events) == "OK 1"
        assert browser.receive_ids(5, 3) == [id_of(event) for event in events]


def test_a_browser_that_falls_past_the_ring_is_told_of_the_gap_and_gets_what_comes(home: Path, worker: Worker) -> None:
    with Browser(home) as fast, Browser(home, stalls=True) as slow:
        large = [event_json(pad=LARGE) for _ in range(100)]
        for event in large:
            worker.send(event)
        assert fast.receive_ids(100)
        for _ in range(21):
            worker.send(*(event_json() for _ in range(100)))
            assert fast.receive_ids(100)
        got: list[str] = []
        while "gap" not in (frame := slow.receive_frame()):
            got += [event["id"] for event in frame["events"]]
        assert got == [id_of(event) for event in large][: len(got)]
        assert frame == {"gap": True, "offset": 2200}
        last = event_json()
        assert worker.send(last) == "OK 2"
        assert slow.receive_ids(1) == [id_of(last)]


def test_with_all_browsers_stalled_the_answer_is_wait_and_ready_comes_when_one_has_drained(
    home: Path, worker: Worker
) -> None:
    with Browser(home, stalls=True) as slow:
        events = [event_json(pad=LARGE) for _ in range(200)]
        answers = [worker.send(event) for event in events]
        taken = answers.count("OK 1")
        assert answers == ["OK 1"] * taken + ["WAIT"] * (200 - taken)
        assert 0 < taken < 200
        assert slow.receive_ids(taken) == [id_of(event) for event in events[:taken]]
        assert worker.receive() == "READY"
        assert worker.send(events[-1]) == "OK 1"
        assert slow.receive_ids(1) == [id_of(events[-1])]


def test_browsers_that_catch_up_from_many_places_cost_no_memory(
    home: Path, server: subprocess.Popen[bytes], worker: Worker
) -> None:
    with Browser(home) as browser:
        show_much(worker, browser)
    before = resident_bytes(server)
    for offset in range(10):
        with Browser(home, f"?epoch={browser.epoch}&offset={offset}") as back:
            assert len(back.receive_ids(1900 - offset)) == 1900 - offset
    assert resident_bytes(server) - before < 60_000_000


def test_a_browser_that_comes_back_and_never_reads_is_given_no_more_than_its_buffers_hold(
    home: Path, server: subprocess.Popen[bytes], worker: Worker
) -> None:
    with Browser(home) as browser:
        show_much(worker, browser)
        before = resident_bytes(server)
        place = f"/ws?epoch={browser.epoch}&offset=0".encode()
        request = HANDSHAKE.replace(b"/ws", place) + b"\r\n"
        with ExitStack() as stack:
            for _ in range(4):
                stack.enter_context(dial(home, request))
            wait_until(lambda: health(home)["lagging"] == 4, "none of them takes any more")
            assert resident_bytes(server) - before < 4 * 1_000_000
            assert worker.send(event_json()) == "OK 1"


def test_a_thousand_events_keep_their_order(home: Path, worker: Worker) -> None:
    events = [event_json() for _ in range(1000)]
    with Browser(home) as browser:
        begin = 0
        for size in [1, 2, 3, 50, 444] * 2:
            assert worker.send(*events[begin : begin + size]) == "OK 1"
            begin += size
        assert browser.receive_ids(1000) == [id_of(event) for event in events]
        assert browser.offset == 1000


def test_what_many_workers_offer_at_once_shares_frames(home: Path, worker: Worker) -> None:
    def stage() -> None:
        with Worker(home) as one:
            for _ in range(100):
                assert one.send(event_json()) == "OK 1"

    assert worker.send(event_json()) == "WAIT"
    with Browser(home) as browser:
        threads = [threading.Thread(target=stage) for _ in range(5)]
        for thread in threads:
            thread.start()
        assert len(set(browser.receive_ids(500))) == 500
        for thread in threads:
            thread.join()
        assert browser.frames <= 300


@pytest.mark.parametrize(
    ("sent", "code"),
    [("x", None), (b"\x00", None), (["x"] * 200, 1008), ([b"\xff"] * 200, 1008), ("x" * 1025, 1009)],
    ids=["text", "binary", "flood", "binary flood", "oversized"],
)
def test_what_browsers_send_is_ignored_and_bounded(
    home: Path, worker: Worker, sent: str | bytes | list[str] | list[bytes], code: int | None
) -> None:
    with Browser(home) as other, Browser(home) as browser:
        with suppress(ConnectionClosed):
            for message in sent if isinstance(sent, list) else [sent]:
                browser.connection.send(message)
        if code:
            with pytest.raises(ConnectionClosed) as closed:
                browser.receive_frame()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == code
            wait_until(lambda: health(home)["browsers"] == 1, "it is sent away")
        event = event_json()
        assert worker.send(event) == ("OK 1" if code else "OK 2")
        for one in (other,) if code else (other, browser):
            assert one.receive_ids(1) == [id_of(event)]


@pytest.mark.parametrize(
    ("sent", "code"),
    [(b"\x81\x80\0\0\0\0" * 150, 1008), (b"\x81\xfe\x07\xd0\0\0\0\0" + b"x" * 2000, 1009)],
    ids=["flood", "oversized"],
)
def test_a_browser_that_is_being_sent_away_takes_no_events_any_more(
    home: Path, worker: Worker, sent: bytes, code: int
) -> None:
    with dial(home, HANDSHAKE + b"\r\n") as sock, sock.makefile("rb") as answers:
        while answers.readline() != b"\r\n":
            pass
        assert answers.read(2)[0] == 0x81  # the hello's first byte; its rest goes by below
        sock.sendall(sent)
        seen = b""
        while b"\x88" not in seen or code.to_bytes(2, "big") not in seen:
            seen += answers.read(1)
        assert worker.send(event_json()) == "WAIT"


def test_of_a_flood_that_comes_at_once_no_more_is_looked_at_than_it_takes_to_send_its_peer_away(
    home: Path, worker: Worker
) -> None:
    ping, pong = b"\x89\x80\0\0\0\0", b"\x8a\0"
    with dial(home, HANDSHAKE + b"\r\n") as sock, sock.makefile("rb") as answers:
        while answers.readline() != b"\r\n":
            pass
        sock.settimeout(0)
        assert sock.send(ping * 30_000) > 100 * len(ping) * 10
        sock.settimeout(10)
        said = b""
        with suppress(ConnectionResetError):  # what it has sent is not all read when the server hangs up
            while more := answers.read(1024):
                said += more
        assert 100 < said.count(pong) < 200
    assert worker.send(event_json()) == "WAIT"


SAME, OTHER = b"Origin: http://localhost", b"Origin: http://other"


@pytest.mark.parametrize("headers", [[], [SAME], [b"Origin: https://localhost"]])
def test_pages_of_the_same_origin_may_connect(
    home: Path, server: subprocess.Popen[bytes], headers: list[bytes]
) -> None:
    assert server.poll() is None
    assert status(home, *headers) == 101


STRANGERS = [
    b"http://localhost:8080",
    b"http://localhost.other",
    b"http://otherlocalhost",
    b"null",
    b"",
    b"http://[",
]
FORGED = [[SAME, OTHER], [SAME, SAME], [OTHER, b"X-Forwarded-Host: other"], [OTHER, b"Host: other"]]


@pytest.mark.parametrize("headers", [[OTHER], *FORGED, *([b"Origin: " + origin] for origin in STRANGERS)])
def test_other_pages_are_refused(home: Path, server: subprocess.Popen[bytes], headers: list[bytes]) -> None:
    assert server.poll() is None
    assert status(home, *headers) in {400, 403}


@pytest.mark.parametrize("path", [b"/", b"/ws/", b"/wss", b"//ws", b"/health", b"/ws/../health", b"/?/ws"])
def test_the_browsers_socket_has_nothing_but_ws(home: Path, server: subprocess.Popen[bytes], path: bytes) -> None:
    assert server.poll() is None
    assert status(home, path=path) == 404
    assert http_call(home / "sock/browsers.sock", "/health").status == 404


def test_the_workers_socket_says_how_the_server_is(home: Path, worker: Worker) -> None:
    with Browser(home) as browser:
        worker.send(event_json())
        known = {"epoch": browser.epoch, "offset": 1, "browsers": 1, "lagging": 0, "workers": 1}
        assert health(home) == known


def test_browsers_over_the_bound_are_refused_and_let_in_when_one_leaves(home: Path, worker: Worker) -> None:
    with ExitStack() as stack:
        browsers = [stack.enter_context(Browser(home)) for _ in range(5)]
        for _ in range(2):
            with pytest.raises(InvalidStatus) as refused:
                Browser(home)
            assert refused.value.response.status_code == 503
            assert refused.value.response.headers["Retry-After"]
        browsers[0].connection.close()
        wait_until(lambda: health(home)["browsers"] == 4, "one has left")
        stack.enter_context(Browser(home))
        assert worker.send(event_json()) == "OK 5"


def test_half_open_connections_stand_in_no_ones_way(home: Path, worker: Worker) -> None:
    with ExitStack() as stack:
        for sent in [b"", b"GET /ws HT", HANDSHAKE, b"\x16\x03\x01"] * 5:
            stack.enter_context(dial(home, sent))
        browser = stack.enter_context(Browser(home))
        event = event_json()
        assert worker.send(event) == "OK 1"
        assert browser.receive_ids(1) == [id_of(event)]


@pytest.mark.parametrize("frame", ["x" * (MAX_JOB_BYTES + 1), b"\x00"], ids=["oversized", "binary"])
def test_a_worker_that_breaks_the_protocol_disturbs_no_other(home: Path, worker: Worker, frame: str | bytes) -> None:
    with Browser(home) as browser, Worker(home) as bad:
        with suppress(ConnectionClosed):
            bad.connection.send(frame)
            assert bad.receive().startswith("BAD ")
        largest = event_json(pad=MAX_JOB_BYTES - len(event_json()))
        assert len(largest) == MAX_JOB_BYTES
        assert worker.send(largest) == "OK 1"
        assert browser.receive_ids(1) == [id_of(largest)]


@pytest.mark.parametrize("others", ["none", "half open", "stalled", "silent"])
def test_sigterm_sends_browsers_away_to_come_back_and_ends_in_good_order(
    home: Path, server: subprocess.Popen[bytes], worker: Worker, others: str
) -> None:
    with ExitStack() as stack:
        browsers = [stack.enter_context(Browser(home)) for _ in range(3)]
        if others == "half open":
            stack.enter_context(dial(home, HANDSHAKE))
        elif others == "stalled":
            stack.enter_context(Browser(home, stalls=True))
            for _ in range(100):
                assert worker.send(event_json(pad=LARGE)).startswith("OK")
        elif others == "silent":
            stack.enter_context(dial(home, HANDSHAKE + b"\r\n"))
            wait_until(lambda: health(home)["browsers"] == 4, "it is there")
        begun = time.monotonic()
        server.send_signal(signal.SIGTERM)
        for peer in (worker, *browsers):
            with pytest.raises(ConnectionClosed) as closed:
                while True:
                    peer.receive(5)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1012
        assert server.wait(10) == 0
        assert time.monotonic() - begun < 9


def test_both_sockets_are_for_their_user_alone(home: Path, server: subprocess.Popen[bytes]) -> None:
    assert server.poll() is None
    for path in ("sock/browsers.sock", "sock/workers/wsserver.sock"):
        assert (home / path).stat().st_mode & 0o077 == 0
