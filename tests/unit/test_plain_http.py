"""Plain requests are read exactly as gunicorn would read them, and whatever is unusual is left to gunicorn."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest
from gunicorn.config import Config
from gunicorn.http import RequestParser
from gunicorn.http.wsgi import create
from hypothesis import example, given
from hypothesis import strategies as st

from deploy.plain_http import PlainRequests, encode_response

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVER = "/run/api-ingest.sock"
BODY = b'{"userId":"134259"}'
HEAD = (
    b"POST /api/message?a=b%%20c HTTP/1.1\r\nHost: localhost:8080\r\nX-Forwarded-For: 127.0.0.1\r\n"
    b"X-Request-ID: 0123456789abcdef\r\nContent-Length: %d\r\nUser-Agent: caf\xe9 \r\nContent-Type: text/plain\r\n\r\n"
)
PLAIN = HEAD % len(BODY) + BODY
INCOMPARABLE = {"gunicorn.socket", "wsgi.early_hints", "wsgi.errors", "wsgi.input"}


def config() -> Config:
    """Return gunicorn's configuration with the limits that are deployed."""
    cfg = Config()
    for name, value in {
        "limit_request_line": 0,
        "limit_request_field_size": 16384,
        "limit_request_fields": 10_000,
    }.items():
        cfg.set(name, value)
    return cfg


CONFIG = config()


@contextmanager
def connection(*pieces: bytes) -> Iterator[socket.socket]:
    """Give a connection on which these pieces arrive one by one, and then its end."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def send() -> None:
        with theirs, suppress(BrokenPipeError, ConnectionResetError):  # not everything was read
            for piece in pieces:
                theirs.send(piece)

    with ThreadPoolExecutor(1) as thread:
        sent = thread.submit(send)
        with ours:
            yield ours
        sent.result()


def receive(*pieces: bytes) -> dict[str, Any] | bytes:
    """Return the environment of a plain request, or else the bytes that were received."""
    with connection(*pieces) as sock:
        return PlainRequests(CONFIG, "").receive(sock, b"")


def receive_plain(*pieces: bytes) -> dict[str, Any]:
    """Return the environment of a plain request."""
    environ = receive(*pieces)
    assert not isinstance(environ, bytes)
    return environ


def in_pieces(data: bytes, size: int = 2**16) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def read_by_gunicorn(data: bytes) -> tuple[dict[str, Any], bytes, bytes]:
    """Return the environment and the body of the first request as gunicorn reads it, and what follows."""
    parser = RequestParser(CONFIG, iter([data]), "")
    request = next(parser)
    _, environ = create(request, None, "", SERVER, CONFIG)
    body = environ["wsgi.input"].read()
    return environ | {"wsgi.multithread": True}, body, parser.unreader.take_buffered()


def comparable(environ: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in environ.items() if name not in INCOMPARABLE}


def assert_read_as_by_gunicorn(data: bytes, environ: dict[str, Any]) -> None:
    expected, body, following = read_by_gunicorn(data)
    assert comparable(environ) == comparable(expected)
    assert environ["wsgi.input"].read() == body
    assert following.strip(b"\r\n") == b""  # both ignore empty lines between requests


def test_a_plain_request_is_read_as_gunicorn_reads_it() -> None:
    environ = receive_plain(PLAIN)
    assert environ["HTTP_USER_AGENT"] == "caf\xe9"
    assert_read_as_by_gunicorn(PLAIN, environ)


@pytest.mark.parametrize("host", [b"x", b"x:1", b"[::1]:80", b":", b"a:b:c"])
def test_the_server_is_named_as_gunicorn_names_it(host: bytes) -> None:
    data = PLAIN.replace(b"localhost:8080", host)
    assert_read_as_by_gunicorn(data, receive_plain(data))


@pytest.mark.parametrize("size", [1, 7, 100])
def test_a_request_may_arrive_in_pieces(size: int) -> None:
    assert_read_as_by_gunicorn(PLAIN, receive_plain(PLAIN[:5], *in_pieces(PLAIN[5:], size)))


def test_a_body_may_have_the_size_of_a_batch_but_no_more() -> None:
    data = HEAD % 2**20 + bytes(2**20)
    assert receive_plain(*in_pieces(data))["wsgi.input"].read() == bytes(2**20)
    larger = HEAD % (2**20 + 1) + bytes(2**20 + 1)
    assert receive(*in_pieces(larger)) == larger[: 2**16]


def test_a_request_in_a_thousand_pieces_is_left_to_gunicorn_with_what_has_arrived() -> None:
    data = HEAD % 2000 + bytes(2000)
    assert receive(data[:-1000], *in_pieces(data[-1000:], 1)) == data[:-1]


def test_requests_follow_each_other_on_a_connection() -> None:
    requests = PlainRequests(CONFIG, "")
    with connection(PLAIN, PLAIN.replace(b"134259", b"134260")) as sock:
        received = [requests.receive(sock, b"") for _ in range(3)]
    bodies = [environ["wsgi.input"].read() for environ in received if not isinstance(environ, bytes)]
    assert bodies == [BODY, BODY.replace(b"134259", b"134260")]
    assert received[-1] == b""


def test_after_a_request_that_is_not_plain_the_next_one_may_be() -> None:
    requests = PlainRequests(CONFIG, "")
    with connection(PLAIN[:-1] + PLAIN, PLAIN) as sock:
        assert requests.receive(sock, b"") == PLAIN[:-1] + PLAIN
        for received in (PLAIN, b""):
            assert not isinstance(requests.receive(sock, received), bytes)


def changed(old: bytes, new: bytes) -> bytes:
    assert old in PLAIN
    return PLAIN.replace(old, new, 1)


HOST, LENGTH = b"Host: localhost:8080\r\n", b"Content-Length: %d\r\n" % len(BODY)
NOT_PLAIN = {
    "another method": changed(b"POST", b"GET"),
    "a method in lower case": changed(b"POST", b"post"),
    "an unknown method": changed(b"POST", b"POSTS"),
    "HTTP/1.0": changed(b"HTTP/1.1", b"HTTP/1.0"),
    "HTTP/2.0": changed(b"HTTP/1.1", b"HTTP/2.0"),
    "two spaces before the version": changed(b" HTTP/1.1", b"  HTTP/1.1"),
    "two spaces before the target": changed(b"POST ", b"POST  "),
    "no version": changed(b" HTTP/1.1", b""),
    "an empty line first": b"\r\n" + PLAIN,
    "a target with a host": changed(b" /api", b" http://x/api"),
    "a target with two slashes": changed(b" /api", b" //api"),
    "an encoded path": changed(b"message", b"m%65ssage"),
    "a fragment": changed(b"?a=b", b"#a"),
    "a byte above 127 in the target": changed(b"message", b"\xffmessage"),
    "no host": changed(HOST, b""),
    "an empty host": changed(b"localhost:8080", b""),
    "two hosts": changed(HOST, HOST + b"host: x\r\n"),
    "a header twice": changed(HOST, HOST + b"X-A: 1\r\nx-a: 2\r\n"),
    "an underscore in a name": changed(HOST, HOST + b"X_Forwarded_For: 1\r\n"),
    "a space before the colon": changed(b"Host:", b"Host :"),
    "a folded header": changed(HOST, b"Host:\r\n x\r\n"),
    "a header without a colon": changed(HOST, HOST + b"nonsense\r\n"),
    "a control character": changed(b"localhost", b"local\x01host"),
    "a NUL": changed(b"localhost", b"local\x00host"),
    "a bare line feed": changed(HOST, HOST[:-2] + b"\n"),
    "a bare carriage return": changed(b"localhost", b"local\rhost"),
    "two lengths": changed(LENGTH, 2 * LENGTH),
    "a signed length": changed(b"Length: ", b"Length: +"),
    "a negative length": changed(b"Length: ", b"Length: -"),
    "a hexadecimal length": changed(b"Length: ", b"Length: 0x"),
    "a list of lengths": changed(LENGTH, b"Content-Length: 19, 19\r\n"),
    "an empty length": changed(LENGTH, b"Content-Length:\r\n"),
    "a huge length": changed(LENGTH, b"Content-Length: 99999999999999999999\r\n"),
    "chunks": changed(LENGTH, b"Transfer-Encoding: chunked\r\n"),
    "a length and chunks": changed(LENGTH, LENGTH + b"Transfer-Encoding: chunked\r\n"),
    "an unknown transfer coding": changed(LENGTH, b"Transfer-Encoding: xchunked\r\n"),
    "an expectation": changed(HOST, HOST + b"Expect: 100-continue\r\n"),
    "Connection": changed(HOST, HOST + b"Connection: close\r\n"),
    "Upgrade": changed(HOST, HOST + b"Upgrade: websocket\r\n"),
    "a scheme": changed(HOST, HOST + b"X-Forwarded-Proto: https\r\n"),
    "a body without a length": changed(LENGTH, b""),
    "more bytes than the length": PLAIN + b"x",
    "another request behind it": PLAIN + PLAIN,
    "half of another request": PLAIN + PLAIN[:20],
    "a truncated body": PLAIN[:-1],
    "a truncated head": PLAIN[:40],
    "a header of 16 KiB": changed(b"localhost:8080", b"x" * (16384 - len("Host: \r"))),
    "10,001 headers": changed(HOST, HOST + b"".join(b"X-%d:\r\n" % number for number in range(9995))),
    "nothing": b"",
}


@pytest.mark.parametrize("data", NOT_PLAIN.values(), ids=NOT_PLAIN)
def test_whatever_is_unusual_is_left_to_gunicorn_as_it_was_received(data: bytes) -> None:
    assert receive(*in_pieces(data)) == data


def test_headers_may_be_as_large_and_as_many_as_gunicorn_lets_them_be() -> None:
    largest = changed(b"localhost:8080", b"x" * (16384 - len("Host: \r\n")))
    most = changed(HOST, HOST + b"".join(b"X-%d:\r\n" % number for number in range(9994)))
    for data in (largest, most):
        assert_read_as_by_gunicorn(data, receive_plain(*in_pieces(data)))


PIECES = [
    b"\r\n",
    b"\n",
    b"\r",
    b" ",
    b"\t",
    b":",
    b"\0",
    b"\x7f",
    b"\xff",
    b",",
    b";",
    b"/",
    b"%",
    b"?",
    b"#",
    b"_",
    b"-",
]
PIECES += [
    b"0",
    b"1",
    b"Content-Length: 5\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Host: y\r\n",
    b"HTTP/1.1",
    b"POST ",
]
EDITS = st.lists(
    st.tuples(st.integers(0, len(PLAIN)), st.integers(0, 3), st.sampled_from(PIECES)), min_size=1, max_size=3
)


@given(EDITS)
@example([(0, 0, b"\r\n")])
@example([(len(PLAIN), 0, b"\r\n")])
def test_gunicorn_reads_every_plain_request_in_the_same_way(edits: list[tuple[int, int, bytes]]) -> None:
    data = PLAIN
    for start, removed, inserted in edits:
        data = data[:start] + inserted + data[start + removed :]
    environ = receive(data)
    if isinstance(environ, bytes):
        assert environ == data
    else:
        assert_read_as_by_gunicorn(data, environ)


def test_a_response_has_the_length_of_its_body_whatever_the_application_says() -> None:
    headers = [("content-length", "7"), ("Content-Type", "application/json")]
    head, _, body = encode_response("201 CREATED", headers, b"{}", keep_alive=True).partition(b"\r\n\r\n")
    status, *lines = head.split(b"\r\n")
    assert (status, body) == (b"HTTP/1.1 201 CREATED", b"{}")
    assert {b"Content-Length: 2", b"Content-Type: application/json", b"Connection: keep-alive"} < set(lines)
    assert {line.partition(b":")[0] for line in lines} >= {b"Date", b"Server"}
    assert b"Connection: close" in encode_response("201 CREATED", headers, b"", keep_alive=False)


@pytest.mark.parametrize("value", ["a\r\nX: b", "a\nb", "a\rb", "\r\n"])
def test_a_response_with_a_line_break_in_a_header_is_not_sent(value: str) -> None:
    for status, headers in (("201 CREATED", [("X", value)]), ("201 CREATED", [(value, "x")]), (f"201 {value}", [])):
        with pytest.raises(ValueError, match="line break"):
            encode_response(status, headers, b"", keep_alive=True)
