"""gunicorn's worker of api-ingest, in its deployed configuration: connections, hostile input, limits, and stopping."""

from __future__ import annotations

import fcntl
import signal
import socket
import struct
import termios
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec
import pytest

from tests.integration.conftest import ingest_api, open_queue, post
from tests.support import TIMEOUT_SECONDS, beanstalkd, example, is_listening, wait_until
from tradewire.queue import LIVE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ECHO = "tests.integration.echo:app"
CHUNKED = b"Transfer-Encoding: chunked"


@pytest.fixture(scope="module")
def shared(module_home: Path) -> Iterator[Path]:
    """Return the home directory of a running api-ingest, for tests that leave only jobs behind."""
    with beanstalkd(module_home), ingest_api(module_home):
        yield module_home


class Connection:
    """A connection to api-ingest, on which bytes are sent as they are."""

    def __init__(self, sock: socket.socket, reader: BinaryIO) -> None:
        self.sock = sock
        self._reader = reader

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def unread_bytes(self) -> int:
        """Return how many of the sent bytes the other end has not read."""
        (count,) = struct.unpack("i", fcntl.ioctl(self.sock, termios.TIOCOUTQ, bytes(4)))
        return int(count)

    def receive(self) -> tuple[int, dict[str, str], bytes]:
        """Receive a response. Its length must be known."""
        status = self._reader.readline()
        assert status, "the connection has ended"
        headers: dict[str, str] = {}
        while line := self._reader.readline().decode().strip():
            name, _, value = line.partition(": ")
            headers[name] = value
        body = b"".join(self._chunks()) if "Transfer-Encoding" in headers else self._read(headers)
        return int(status.split()[1]), headers, body

    def _read(self, headers: dict[str, str]) -> bytes:
        return self._reader.read(int(headers["Content-Length"]))

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self._reader.readline(), 16):
            yield self._reader.read(size + 2)[:-2]
        self._reader.readline()

    def rest(self) -> bytes:
        """Return everything that comes until the connection ends."""
        try:
            return self._reader.read()
        except ConnectionResetError:  # the other end has not read everything
            return b""


@contextmanager
def connect(home: Path) -> Iterator[Connection]:
    with socket.socket(socket.AF_UNIX) as sock, sock.makefile("rb") as reader:
        sock.settimeout(TIMEOUT_SECONDS)
        sock.connect(str(home / "sock/api-ingest.sock"))
        yield Connection(sock, reader)


def request(body: bytes, *headers: bytes, path: bytes = b"/api/message", length: bool = True) -> bytes:
    lines = [b"POST %b HTTP/1.1" % path, b"Host: x", *headers]
    if length:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def chunks(body: bytes) -> bytes:
    return b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


def count_jobs(home: Path) -> int:
    """Take all jobs out of the live tube, and count them."""
    with open_queue(home) as queue:
        jobs = queue.reserve(LIVE, 1000, 0)
        queue.delete(jobs)
        return len(jobs)


PLAIN = request(example())
REQUESTS = {
    "plain": PLAIN,
    "chunked": request(chunks(example()), CHUNKED, length=False),
    "keep-alive": request(example(), b"Connection: keep-alive"),
    "refused": request(b"nonsense"),
    "get": b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
    "with a header that gunicorn drops": request(example(), b"Content_Length: 5"),
    "after an empty line": b"\r\n" + PLAIN,
}
STATUSES = {"refused": 400, "get": 200}


def test_a_connection_serves_any_number_of_requests(shared: Path) -> None:
    with connect(shared) as connection:
        for _ in range(200):
            connection.send(PLAIN)
            status, headers, _ = connection.receive()
            assert (status, headers["Connection"]) == (201, "keep-alive")


@pytest.mark.parametrize("together", [True, False])
def test_requests_of_all_kinds_share_a_connection_and_are_answered_in_order(shared: Path, *, together: bool) -> None:
    order = [kind for first in REQUESTS for second in REQUESTS for kind in (first, second)]
    with connect(shared) as connection:
        if together:
            connection.send(b"".join(REQUESTS[kind] for kind in order))
        for kind in order:
            if not together:
                connection.send(REQUESTS[kind])
            assert connection.receive()[0] == STATUSES.get(kind, 201), kind


@pytest.mark.parametrize("kind", REQUESTS)
def test_a_request_may_arrive_in_any_two_pieces(shared: Path, kind: str) -> None:
    data = REQUESTS[kind]
    with connect(shared) as connection:
        for middle in range(1, len(data), 9):
            connection.send(data[:middle])
            connection.send(data[middle:])
            assert connection.receive()[0] == STATUSES.get(kind, 201)


def test_a_client_may_wait_until_its_body_is_expected(shared: Path) -> None:
    head, _, body = request(example(), b"Expect: 100-continue").partition(b"\r\n\r\n")
    with connect(shared) as connection:
        for _ in range(3):
            connection.send(head + b"\r\n\r\n")
            assert connection.sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
            connection.send(body)
            assert connection.receive()[0] == 201


def test_the_connection_ends_when_the_client_says_so(shared: Path) -> None:
    with connect(shared) as connection:
        connection.send(request(example(), b"Connection: close") + PLAIN)
        status, headers, _ = connection.receive()
        assert (status, headers["Connection"]) == (201, "close")
        assert connection.rest() == b""


HOSTILE = {
    "a length and chunks": request(chunks(example()), CHUNKED),
    "chunks and a length": request(chunks(example()), b"Content-Length: 5", CHUNKED, length=False),
    "two lengths": request(example(), b"Content-Length: %d" % len(example())),
    "two different lengths": request(example(), b"Content-Length: 5"),
    "a list of lengths": request(example(), b"Content-Length: 5, 5", length=False),
    "a signed length": request(example(), b"Content-Length: +5", length=False),
    "a negative length": request(example(), b"Content-Length: -5", length=False),
    "a hexadecimal length": request(example(), b"Content-Length: 0x5", length=False),
    "an empty length": request(example(), b"Content-Length:", length=False),
    "chunks twice": request(chunks(example()), b"Transfer-Encoding: chunked, chunked", length=False),
    "chunks that are not last": request(chunks(example()), b"Transfer-Encoding: chunked, gzip", length=False),
    "an unknown transfer coding": request(chunks(example()), b"Transfer-Encoding: xchunked", length=False),
    "a disguised transfer coding": request(chunks(example()), b"Transfer-Encoding: \x0bchunked", length=False),
    "chunks in HTTP/1.0": request(chunks(example()), CHUNKED, length=False).replace(b"HTTP/1.1", b"HTTP/1.0"),
    "two hosts": request(example(), b"Host: y"),
    "two content types": request(example(), b"Content-Type: a/b", b"Content-Type: c/d"),
    "a space before a colon": request(example(), b"X-A : b"),
    "a folded header": request(example(), b"X-A: b\r\n c"),
    "a header without a colon": request(example(), b"nonsense"),
    "a header without a name": request(example(), b": nonsense"),
    "a bare line feed": request(example(), b"X-A: b\nX-C: d"),
    "a bare carriage return": request(example(), b"X-A: b\rX-C: d"),
    "a NUL": request(example(), b"X-A: b\0"),
    "a version that does not exist": PLAIN.replace(b"HTTP/1.1", b"HTTP/9.9"),
    "two spaces": PLAIN.replace(b" HTTP/1.1", b"  HTTP/1.1"),
    "a byte above 127 in the target": PLAIN.replace(b"/api", b"/\xffapi"),
    "another expectation": request(example(), b"Expect: a miracle"),
    "a header of 16 KiB": request(example(), b"X-A: " + b"b" * 16384),
    "10,001 headers": request(example(), *(b"X-%d: y" % number for number in range(10_001))),
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("before", [b"", PLAIN], ids=["first", "after another"])
def test_an_ambiguous_or_oversized_request_is_refused_in_json_and_ends_the_connection(
    shared: Path, data: bytes, before: bytes
) -> None:
    count_jobs(shared)
    with connect(shared) as connection:
        connection.send(before + data + PLAIN)
        if before:
            assert connection.receive()[0] == 201
        status, headers, body = connection.receive()
        assert (status, headers["Connection"]) == (400, "close")
        assert msgspec.json.decode(body)["errors"][0]["code"] == "bad-request"
        assert connection.rest() == b""
    assert count_jobs(shared) == bool(before)


@pytest.mark.parametrize(
    "headers",
    [[b"X-A: " + b"b" * 16_000], [b"X-%d: y" % number for number in range(9_990)], [b"X-%d: " % 1 + b"b" * 8_000] * 5],
    ids=["long", "many", "repeated"],
)
def test_headers_within_the_limits_are_accepted(shared: Path, headers: list[bytes]) -> None:
    with connect(shared) as connection:
        for _ in range(2):
            connection.send(request(example(), *headers))
            assert connection.receive()[0] == 201


@pytest.mark.parametrize(
    "data", [PLAIN[:3], PLAIN[:40], PLAIN[:-1], REQUESTS["chunked"][:-5]], ids=["start", "head", "body", "chunks"]
)
def test_a_request_that_breaks_off_puts_no_job(shared: Path, data: bytes) -> None:
    count_jobs(shared)
    with connect(shared) as connection:
        connection.send(data)
        connection.sock.shutdown(socket.SHUT_WR)
        assert b" 201 " not in connection.rest()
    assert count_jobs(shared) == 0
    assert post(shared, example()).status == 201


def test_a_client_that_reads_no_response_does_no_harm(shared: Path) -> None:
    for _ in range(20):
        with connect(shared) as connection:
            connection.send(PLAIN * 3)
    assert post(shared, example()).status == 201


@pytest.fixture(scope="module")
def echo(module_home: Path) -> Iterator[Path]:
    """Return the home directory of a worker that runs the echoing application."""
    home = module_home / "echo"
    (home / "sock").mkdir(parents=True)
    with ingest_api(home, ECHO):
        yield home


def echoed(connection: Connection) -> dict[str, Any]:
    status, _, body = connection.receive()
    assert status == 200
    environ: dict[str, Any] = msgspec.json.decode(body)
    return environ


def test_an_application_gets_the_same_environment_from_the_worker_as_from_gunicorn(echo: Path) -> None:
    headers = [b"Content-Type: a/b", b"User-Agent: caf\xe9 ", b"X-Forwarded-For: ::1", b"Idempotency-Key: \t"]
    plain = request(b"{}", *headers, path=b"/a/b?c=d%20e?")
    by_gunicorn = request(b"{}", *headers, b"Connection: keep-alive", path=b"/a/b?c=d%20e?")
    with connect(echo) as connection:
        connection.send(plain)
        environ = echoed(connection)
        connection.send(by_gunicorn)
        expected = echoed(connection)
    assert expected.pop("HTTP_CONNECTION") == "keep-alive"
    assert environ == expected
    assert environ["body"] == "{}"


@pytest.mark.parametrize("path", [b"/fail", b"/break"])
@pytest.mark.parametrize("headers", [[], [b"Connection: keep-alive"]], ids=["plain", "by gunicorn"])
def test_an_application_that_fails_gets_an_answer_in_json_and_ends_the_connection(
    echo: Path, path: bytes, headers: list[bytes]
) -> None:
    with connect(echo) as connection:
        connection.send(request(b"", *headers, path=path))
        status, _, body = connection.receive()
        assert status >= 400
        assert b"Set-Cookie" not in body
        assert msgspec.json.decode(body)["status"] == "FAILED"
        assert connection.rest() == b""


def test_a_connection_that_stays_idle_is_closed(home: Path) -> None:
    with ingest_api(home, ECHO, GUNICORN_CMD_ARGS="--keep-alive 1"), connect(home) as idle, connect(home) as half:
        idle.send(request(b""))
        assert echoed(idle)
        half.send(PLAIN[:40])
        assert idle.rest() == b""
        assert half.rest() == b""


def test_sigterm_finishes_the_requests_in_hand(home: Path) -> None:
    with ExitStack() as stack:
        queue, server = stack.enter_context(beanstalkd(home)), stack.enter_context(ingest_api(home))
        for _ in range(4):  # so that every worker has a connection to the queue
            assert post(home, example()).status == 201
        idle, busy, by_gunicorn = (stack.enter_context(connect(home)) for _ in range(3))
        idle.send(PLAIN)
        assert idle.receive()[0] == 201
        queue.send_signal(signal.SIGSTOP)
        busy.send(PLAIN)
        by_gunicorn.send(REQUESTS["keep-alive"])
        wait_until(lambda: not busy.unread_bytes() + by_gunicorn.unread_bytes(), "the requests are in hand")
        server.terminate()
        wait_until(lambda: not is_listening(home / "sock/api-ingest.sock"), "gunicorn accepts no more connections")
        queue.send_signal(signal.SIGCONT)
        for connection in (busy, by_gunicorn):
            assert connection.receive()[0] == 201
            assert connection.rest() == b""
        assert server.wait(TIMEOUT_SECONDS) == 0
        assert idle.rest() == b""
