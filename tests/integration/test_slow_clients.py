"""Clients that keep connections busy, in a network of their own: the stack goes on answering others."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import closing, contextmanager
from http.client import HTTPResponse
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.network import connect, own_network
from tests.stack import Stack, stack
from tests.support import example, free_port, wait_until

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

IPV4, IPV6 = "10.0.0.1", "2001:db8::1"
"""Addresses of the stack."""
HEAD = "{} HTTP/1.1\r\nHost: localhost\r\n{}\r\n\r\n"
REQUESTS = [
    HEAD.format("POST /api/message", "Content-Length: 60000").encode(),
    HEAD.format("POST /api/messages", "Transfer-Encoding: chunked").encode() + b"ff00\r\n",
    HEAD.format("GET /api/messages", "Content-Length: 60000").encode(),
    HEAD.format("GET /ws", "Content-Length: 60000").encode(),
]
"""Requests of every kind that has a body, without the body."""
MAX_POSTS = 700
_BYTE_EVERY = 200
"""So many requests are sent before each gets another byte."""


@pytest.fixture(scope="module")
def started() -> Iterator[Stack]:
    """Give a stack in a network of its own that the tests share."""
    home = Path(tempfile.mkdtemp(prefix="tw-", dir="/tmp"))
    home.chmod(0o755)
    (home / "sock/workers").mkdir(parents=True)
    with own_network():
        port = free_port()
        rates = {"RATE_LIMIT": "off", "BATCH_RATE_LIMIT": "off"}
        with stack(
            home,
            # The last three are included in the first two.
            LISTEN=f"0.0.0.0:{port},[::]:{port},127.0.0.1:{port},[::1]:{port},{IPV4}:{port}",
            HOSTS="localhost",
            ACCESS="open",
            MAX_BROWSERS_PER_ADDRESS="200",
            MAX_POSTS=str(MAX_POSTS),
            **rates,
        ) as running:
            running.port = port
            running.wait_ready()
            yield running
    shutil.rmtree(home, ignore_errors=True)


def ask(started: Stack, source: str, head: str, body: bytes = b"", target: str = "") -> int:
    """Send a request from an address, and return the status of its answer."""
    with closing(connect(source, target or (IPV6 if ":" in source else IPV4), started.port)) as sock:
        sock.sendall(HEAD.format(head, f"Content-Length: {len(body)}").encode() + body)
        response = HTTPResponse(sock)
        response.begin()
        return response.status


class Crowd:
    """Many requests whose bodies come a byte at a time.

    Args:
        started: The stack.
        sources: The address of each request.
        request: All of the request but its body.
    """

    def __init__(self, started: Stack, sources: list[str], request: bytes) -> None:
        self.sockets: list[socket.socket] = []
        for number, source in enumerate(sources):
            sock = connect(source, IPV6 if ":" in source else IPV4, started.port)
            sock.sendall(request)
            sock.settimeout(0)
            self.sockets.append(sock)
            if number % _BYTE_EVERY == 0:
                self.under_way()  # or nginx would give up the first ones before the last one is connected

    def under_way(self) -> int:
        """Send a byte of each body, and return the number of requests that have no answer yet."""
        self.sockets = [sock for sock in self.sockets if _goes_on(sock)]
        return len(self.sockets)


def _goes_on(sock: socket.socket) -> bool:
    try:
        sock.send(b" ")
        sock.recv(1)
    except BlockingIOError:
        return True
    except OSError:
        pass
    sock.close()
    return False


@contextmanager
def crowd(started: Stack, sources: list[str], request: bytes, taken: int) -> Iterator[None]:
    """Send the requests, and wait until the stack goes on with so many of them and has refused the others."""
    found = Crowd(started, sources, request)
    try:
        wait_until(lambda: found.under_way() == taken, f"{taken} requests are under way", pause_seconds=1)
        yield
    finally:
        for sock in found.sockets:
            sock.close()


def addresses(network: str, count: int) -> list[str]:
    """Give addresses that begin in the same way."""
    return [f"{network}{number}" for number in range(1, 1 + count)]


def check_others(started: Stack) -> None:
    """Check that clients of other networks can read and post."""
    for source in ("10.9.9.9", "2001:db8:9:9::9"):
        assert ask(started, source, "GET /") == 200
        assert ask(started, source, "GET /api/messages?limit=1") == 200
        assert ask(started, source, "POST /api/message", example()) == 201


def test_thousands_of_slow_posts_from_one_network_leave_room_for_others(started: Stack) -> None:
    sources = 190 * addresses("2001:db8:1:1::", 30)
    with crowd(started, sources, REQUESTS[0], taken=100):
        check_others(started)
        assert ask(started, "2001:db8:1:1:ffff::", "POST /api/message", example()) == 429
        assert ask(started, "2001:db8:1:2::", "POST /api/message", example()) == 201


@pytest.mark.parametrize("request_head", REQUESTS)
def test_requests_with_a_body_have_one_limit_whatever_their_kind(started: Stack, request_head: bytes) -> None:
    source = "10.1.0.1"
    with crowd(started, 120 * [source], request_head, taken=100):
        check_others(started)
        assert ask(started, source, "POST /api/message", example()) == 429
        assert ask(started, source, "GET /") == 200
        assert ask(started, "10.1.0.2", "POST /api/message", example()) == 201


def test_slow_posts_from_many_networks_leave_connections_to_readers_and_to_this_machine(started: Stack) -> None:
    sources = 50 * addresses("10.2.0.", 20)
    with crowd(started, sources, REQUESTS[0], taken=MAX_POSTS):
        assert ask(started, "10.9.9.9", "GET /") == 200
        assert ask(started, "10.9.9.9", "POST /api/message", example()) == 429
        assert started.post(example()).status == 201


@pytest.mark.parametrize("target", ["127.0.0.1", "::1"])
def test_this_machine_and_its_probes_have_an_nginx_of_their_own(started: Stack, target: str) -> None:
    nginx = psutil.Process(started.pid("nginx"))
    stopped = [nginx, *nginx.children()]
    try:
        for process in stopped:
            process.suspend()
        assert ask(started, target, "GET /readyz", target=target) == 200
        assert ask(started, target, "POST /api/message", example(), target=target) == 201
    finally:
        for process in stopped:
            process.resume()
    assert ask(started, "10.9.9.9", "GET /readyz") == 200
