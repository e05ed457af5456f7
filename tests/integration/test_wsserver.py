"""The WebSocket server, with clients that connect to its two sockets as browsers and workers do."""

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
"""Padding in bytes, so that a few events fill a browser's buffers."""
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


def connect_raw(home: Path, data: bytes = b"") -> socket.socket:
    """Connect to the browsers' socket and send data, without a WebSocket client that would react to frames."""
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(10)
    sock.connect(str(home / "sock/browsers.sock"))
    sock.sendall(data)
    return sock


def health(home: Path) -> Any:
    return http_call(home / "sock/workers/wsserver.sock", "/health").json


def resident_bytes(process: subprocess.Popen[bytes]) -> int:
    rss: int = psutil.Process(process.pid).memory_info().rss
    return rss


def fill_ring(worker: Worker, browser: Browser) -> None:
    """Show 1,900 large events, so that the ring holds them."""
    for _ in range(19):
        worker.send(*(event_json(pad=LARGE) for _ in range(100)))
        browser.receive_ids(100)


def handshake_status(home: Path, *headers: bytes, path: bytes = b"/ws") -> int:
    """Return the HTTP status of a browser handshake with these additional headers."""
    request = HANDSHAKE.replace(b"/ws", path) + b"".join(header + b"\r\n" for header in headers) + b"\r\n"
    with connect_raw(home, request) as sock, sock.makefile("rb") as reader:
        return int(reader.readline().split()[1])


def test_without_a_browser_the_reply_is_wait_and_the_first_browser_triggers_ready(home: Path, worker: Worker) -> None:
    event = event_json()
    assert worker.send(event) == "WAIT"
    assert worker.is_silent()
    with Browser(home) as browser:
        assert worker.receive() == "READY"
        assert worker.is_silent()
        assert worker.send(event) == "OK 1"
        assert browser.receive_ids(1) == [id_of(event)]


def test_ok_contains_the_number_of_browsers_that_got_the_frame(home: Path, worker: Worker) -> None:
    with Browser(home) as first, Browser(home) as second:
        events = [event_json(), event_json()]
        assert worker.send(*events) == "OK 2"
        for browser in (first, second):
            assert browser.receive_ids(2) == [id_of(event) for event in events]
            assert browser.frames == 1


@pytest.mark.parametrize(
    "invalid", [b"", b"x", b"{}", b"[]", b"\xff", b"[" * 9000, event_json() + b",", event_json("1"), b"\n"]
)
@pytest.mark.parametrize("watched", [True, False])
def test_a_frame_with_an_invalid_event_gets_bad_and_none_of_its_events_is_shown(
    home: Path, worker: Worker, invalid: bytes, *, watched: bool
) -> None:
    valid = event_json()
    with ExitStack() as stack:
        browser = stack.enter_context(Browser(home)) if watched else None
        for frame in ((invalid,), (valid, invalid), (invalid, valid)):
            reply = worker.send(*frame)
            assert reply.startswith("BAD ")
            assert len(reply) > 5
        if browser:
            assert worker.send(valid) == "OK 1"
            assert browser.receive_ids(1) == [id_of(valid)]


def test_a_repeated_frame_gets_ok_even_without_browsers_and_is_shown_once(home: Path, worker: Worker) -> None:
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


def test_a_reconnecting_browser_gets_exactly_the_events_it_missed(home: Path, worker: Worker) -> None:
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


UNKNOWN_OFFSETS = ["99", "-1", "%C2%B3", "9" * 5000, "3.0", ""]
UNKNOWN_POSITIONS = ["", "?epoch=0&offset=3", "?epoch={epoch}", "?offset=3", "?%ff&=;", "?epoch=%00&offset=3"]


@pytest.mark.parametrize(
    "query", UNKNOWN_POSITIONS + [f"?epoch={{epoch}}&offset={offset}" for offset in UNKNOWN_OFFSETS]
)
def test_a_browser_with_an_unknown_position_is_not_resumed_and_gets_only_new_events(
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


def test_a_browser_that_does_not_read_delays_no_other_and_catches_up_later(
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
        wait_until(lambda: health(home)["lagging"] == 0, "the browser keeps up again")
        assert worker.send(event_json()) == "OK 2"


def test_more_events_than_the_ring_holds_reach_browsers_that_keep_up(home: Path) -> None:
    with wsserver(home, TRADEWIRE_REPLAY_EVENTS="2"), Worker(home) as worker, Browser(home) as browser:
        events = [event_json() for _ in range(5)]
        assert worker.send(*events) == "OK 1"
        assert browser.receive_ids(5, 3) == [id_of(event) for event in events]


def test_a_browser_that_falls_past_the_ring_gets_a_gap_and_then_new_events(home: Path, worker: Worker) -> None:
    with Browser(home) as fast, Browser(home, stalls=True) as slow:
        large = [event_json(pad=LARGE) for _ in range(100)]
        for event in large:
            worker.send(event)
        assert fast.receive_ids(100)
        for _ in range(21):
            worker.send(*(event_json() for _ in range(100)))
            assert fast.receive_ids(100)
        received: list[str] = []
        while "gap" not in (frame := slow.receive_frame()):
            received += [event["id"] for event in frame["events"]]
        assert received == [id_of(event) for event in large][: len(received)]
        assert frame == {"gap": True, "offset": 2200}
        last = event_json()
        assert worker.send(last) == "OK 2"
        assert slow.receive_ids(1) == [id_of(last)]


def test_an_announced_gap_reaches_each_browser_between_the_events(home: Path, worker: Worker) -> None:
    with Browser(home) as browser:
        events = [event_json(), event_json()]
        assert worker.send(events[0]) == "OK 1"
        assert worker.send(b"GAP") == "OK 1"
        assert worker.send(events[1]) == "OK 1"
        assert browser.receive_ids(1) == [id_of(events[0])]
        assert browser.receive_frame() == {"gap": True, "offset": 2}
        assert browser.receive_ids(1) == [id_of(events[1])]
    with Browser(home, f"?epoch={browser.epoch}&offset=1") as back:
        assert back.resumed
        assert back.receive_frame() == {"gap": True, "offset": 2}
        assert back.receive_ids(1) == [id_of(events[1])]


def test_a_gap_can_be_announced_while_no_browser_is_connected(worker: Worker) -> None:
    assert worker.send(b"GAP") == "OK 0"


def test_with_only_stalled_browsers_the_reply_is_wait_and_a_drained_browser_triggers_ready(
    home: Path, worker: Worker
) -> None:
    with Browser(home, stalls=True) as slow:
        events = [event_json(pad=LARGE) for _ in range(200)]
        replies = [worker.send(event) for event in events]
        shown = replies.count("OK 1")
        assert replies == ["OK 1"] * shown + ["WAIT"] * (200 - shown)
        assert 0 < shown < 200
        assert slow.receive_ids(shown) == [id_of(event) for event in events[:shown]]
        assert worker.receive() == "READY"
        assert worker.send(events[-1]) == "OK 1"
        assert slow.receive_ids(1) == [id_of(events[-1])]


def test_browsers_that_catch_up_from_many_offsets_need_little_memory(
    home: Path, server: subprocess.Popen[bytes], worker: Worker
) -> None:
    with Browser(home) as browser:
        fill_ring(worker, browser)
    before = resident_bytes(server)
    for offset in range(10):
        position = f"?epoch={browser.epoch}&offset={offset}"
        with Browser(home, position, headers={"X-Forwarded-For": f"192.0.2.{offset}"}) as back:
            assert len(back.receive_ids(1900 - offset)) == 1900 - offset
    assert resident_bytes(server) - before < 60_000_000


def test_a_resumed_browser_that_does_not_read_gets_no_more_than_its_buffers_hold(
    home: Path, server: subprocess.Popen[bytes], worker: Worker
) -> None:
    with Browser(home) as browser:
        fill_ring(worker, browser)
        before = resident_bytes(server)
        target = f"/ws?epoch={browser.epoch}&offset=0".encode()
        request = HANDSHAKE.replace(b"/ws", target) + b"\r\n"
        with ExitStack() as stack:
            for _ in range(4):
                stack.enter_context(connect_raw(home, request))
            wait_until(lambda: health(home)["lagging"] == 4, "all four browsers lag")
            assert resident_bytes(server) - before < 4 * 1_000_000
            assert worker.send(event_json()) == "OK 1"


def test_a_thousand_events_keep_their_order(home: Path, worker: Worker) -> None:
    events = [event_json() for _ in range(1000)]
    with Browser(home) as browser:
        start = 0
        for size in [1, 2, 3, 50, 444] * 2:
            assert worker.send(*events[start : start + size]) == "OK 1"
            start += size
        assert browser.receive_ids(1000) == [id_of(event) for event in events]
        assert browser.offset == 1000


def test_events_of_concurrent_workers_share_frames(home: Path, worker: Worker) -> None:
    def send_events() -> None:
        with Worker(home) as other:
            for _ in range(100):
                assert other.send(event_json()) == "OK 1"

    assert worker.send(event_json()) == "WAIT"
    with Browser(home) as browser:
        threads = [threading.Thread(target=send_events) for _ in range(5)]
        for thread in threads:
            thread.start()
        assert len(set(browser.receive_ids(500))) == 500
        for thread in threads:
            thread.join()
        assert browser.frames <= 300


@pytest.mark.parametrize(
    ("data", "code"),
    [("x", None), (b"\x00", None), (["x"] * 200, 1008), ([b"\xff"] * 200, 1008), ("x" * 1025, 1009)],
    ids=["text", "binary", "flood", "binary flood", "oversized"],
)
def test_data_from_browsers_is_ignored_and_limited(
    home: Path, worker: Worker, data: str | bytes | list[str] | list[bytes], code: int | None
) -> None:
    with Browser(home) as other, Browser(home) as browser:
        with suppress(ConnectionClosed):
            for message in data if isinstance(data, list) else [data]:
                browser.connection.send(message)
        if code:
            with pytest.raises(ConnectionClosed) as closed:
                browser.receive_frame()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == code
            wait_until(lambda: health(home)["browsers"] == 1, "the browser is disconnected")
        event = event_json()
        assert worker.send(event) == ("OK 1" if code else "OK 2")
        for remaining in (other,) if code else (other, browser):
            assert remaining.receive_ids(1) == [id_of(event)]


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"\x81\x80\0\0\0\0" * 150, 1008), (b"\x81\xfe\x07\xd0\0\0\0\0" + b"x" * 2000, 1009)],
    ids=["flood", "oversized"],
)
def test_a_browser_that_is_being_disconnected_gets_no_events(
    home: Path, worker: Worker, data: bytes, code: int
) -> None:
    with connect_raw(home, HANDSHAKE + b"\r\n") as sock, sock.makefile("rb") as reader:
        while reader.readline() != b"\r\n":
            pass
        assert reader.read(2)[0] == 0x81  # the first byte of the hello; the loop below reads the rest
        sock.sendall(data)
        received = b""
        while b"\x88" not in received or code.to_bytes(2, "big") not in received:
            received += reader.read(1)
        assert worker.send(event_json()) == "WAIT"


def test_the_server_reads_a_flood_only_until_it_disconnects_the_peer(home: Path, worker: Worker) -> None:
    ping, pong = b"\x89\x80\0\0\0\0", b"\x8a\0"
    with connect_raw(home, HANDSHAKE + b"\r\n") as sock, sock.makefile("rb") as reader:
        while reader.readline() != b"\r\n":
            pass
        sock.settimeout(0)
        assert sock.send(ping * 30_000) > 100 * len(ping) * 10
        sock.settimeout(10)
        received = b""
        with suppress(ConnectionResetError):  # the server closes the socket before it has read all data
            while chunk := reader.read(1024):
                received += chunk
        assert 100 < received.count(pong) < 200
    assert worker.send(event_json()) == "WAIT"


SAME_ORIGIN, OTHER_ORIGIN = b"Origin: http://localhost", b"Origin: http://other"


@pytest.mark.parametrize("headers", [[], [SAME_ORIGIN], [b"Origin: https://localhost"]])
def test_pages_of_the_same_origin_can_connect(
    home: Path, server: subprocess.Popen[bytes], headers: list[bytes]
) -> None:
    assert server.poll() is None
    assert handshake_status(home, *headers) == 101


FOREIGN_ORIGINS = [
    b"http://localhost:8080",
    b"http://localhost.other",
    b"http://otherlocalhost",
    b"null",
    b"",
    b"http://[",
]
FORGED_HEADERS = [
    [SAME_ORIGIN, OTHER_ORIGIN],
    [SAME_ORIGIN, SAME_ORIGIN],
    [OTHER_ORIGIN, b"X-Forwarded-Host: other"],
    [OTHER_ORIGIN, b"Host: other"],
]


@pytest.mark.parametrize(
    "headers", [[OTHER_ORIGIN], *FORGED_HEADERS, *([b"Origin: " + origin] for origin in FOREIGN_ORIGINS)]
)
def test_pages_of_other_origins_are_refused(home: Path, server: subprocess.Popen[bytes], headers: list[bytes]) -> None:
    assert server.poll() is None
    assert handshake_status(home, *headers) in {400, 403}


def test_the_page_at_the_public_url_can_connect_whatever_host_the_proxy_names(home: Path) -> None:
    with wsserver(home, TRADEWIRE_PUBLIC_URL="https://Public.example:443/"):
        assert handshake_status(home, b"Origin: https://public.example") == 101
        for origin in (b"http://public.example", b"https://public.example:8443", b"https://public.example.other", b""):
            assert handshake_status(home, b"Origin: " + origin) == 403


@pytest.mark.parametrize("path", [b"/", b"/ws/", b"/wss", b"//ws", b"/health", b"/ws/../health", b"/?/ws"])
def test_the_browsers_socket_serves_only_ws(home: Path, server: subprocess.Popen[bytes], path: bytes) -> None:
    assert server.poll() is None
    assert handshake_status(home, path=path) == 404
    assert http_call(home / "sock/browsers.sock", "/health").status == 404


def test_the_workers_socket_reports_health(home: Path, worker: Worker) -> None:
    with Browser(home) as browser:
        worker.send(event_json())
        expected = {"epoch": browser.epoch, "offset": 1, "browsers": 1, "lagging": 0, "workers": 1}
        assert health(home) == expected


def test_browsers_over_the_limit_are_refused_until_one_leaves(home: Path, worker: Worker) -> None:
    with ExitStack() as stack:
        browsers = [stack.enter_context(Browser(home)) for _ in range(5)]
        for _ in range(2):
            with pytest.raises(InvalidStatus) as caught:
                Browser(home)
            assert caught.value.response.status_code == 503
            assert caught.value.response.headers["Retry-After"]
        browsers[0].connection.close()
        wait_until(lambda: health(home)["browsers"] == 4, "one browser has left")
        stack.enter_context(Browser(home))
        assert worker.send(event_json()) == "OK 5"


def test_half_open_connections_do_not_disturb_others(home: Path, worker: Worker) -> None:
    with ExitStack() as stack:
        for data in [b"", b"GET /ws HT", HANDSHAKE, b"\x16\x03\x01"] * 5:
            stack.enter_context(connect_raw(home, data))
        browser = stack.enter_context(Browser(home))
        event = event_json()
        assert worker.send(event) == "OK 1"
        assert browser.receive_ids(1) == [id_of(event)]


@pytest.mark.parametrize("frame", ["x" * (MAX_JOB_BYTES + 1), b"\x00"], ids=["oversized", "binary"])
def test_a_worker_that_violates_the_protocol_does_not_disturb_others(
    home: Path, worker: Worker, frame: str | bytes
) -> None:
    with Browser(home) as browser, Worker(home) as bad:
        with suppress(ConnectionClosed):
            bad.connection.send(frame)
            assert bad.receive().startswith("BAD ")
        largest = event_json(pad=MAX_JOB_BYTES - len(event_json()))
        assert len(largest) == MAX_JOB_BYTES
        assert worker.send(largest) == "OK 1"
        assert browser.receive_ids(1) == [id_of(largest)]


@pytest.mark.parametrize("others", ["none", "half open", "stalled", "silent"])
def test_sigterm_closes_all_connections_with_1012_and_ends_the_server_cleanly(
    home: Path, server: subprocess.Popen[bytes], worker: Worker, others: str
) -> None:
    with ExitStack() as stack:
        browsers = [stack.enter_context(Browser(home)) for _ in range(3)]
        if others == "half open":
            stack.enter_context(connect_raw(home, HANDSHAKE))
        elif others == "stalled":
            stack.enter_context(Browser(home, stalls=True))
            for _ in range(100):
                assert worker.send(event_json(pad=LARGE)).startswith("OK")
        elif others == "silent":
            stack.enter_context(connect_raw(home, HANDSHAKE + b"\r\n"))
            wait_until(lambda: health(home)["browsers"] == 4, "the silent browser is connected")
        start = time.monotonic()
        server.send_signal(signal.SIGTERM)
        for peer in (worker, *browsers):
            with pytest.raises(ConnectionClosed) as closed:
                while True:
                    peer.receive(5)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1012
        assert server.wait(10) == 0
        assert time.monotonic() - start < 9


def test_only_their_own_user_can_access_both_sockets(home: Path, server: subprocess.Popen[bytes]) -> None:
    assert server.poll() is None
    for path in ("sock/browsers.sock", "sock/workers/wsserver.sock"):
        assert (home / path).stat().st_mode & 0o077 == 0


def test_a_client_that_has_used_up_its_replays_starts_at_the_newest_event_and_others_resume(
    home: Path, worker: Worker
) -> None:
    addresses = ("2001:db8:1:1::1", "2001:db8:1:1::2", "2001:db8:1:2::1", "192.0.2.1")
    with Browser(home) as browser:
        fill_ring(worker, browser)
        position = f"?epoch={browser.epoch}&offset="

    def resumes(address: str, offset: int = 0) -> bool:
        with Browser(home, f"{position}{offset}", headers={"X-Forwarded-For": address}) as browser:
            return browser.resumed

    wait_until(lambda: not resumes(addresses[0]), "the client has used up its replays")
    assert [resumes(address) for address in addresses] == [False, False, True, True]
    assert resumes(addresses[0], offset=1900)
