"""A proxy in front of nginx: the client's address that it names is believed if the proxy is trusted, and only then."""

from __future__ import annotations

import shutil
import socket
import tempfile
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.stack import Stack, stack
from tests.support import TIMEOUT_SECONDS, example, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

PROXY, STRANGER = "127.0.0.1", "127.0.0.9"


@pytest.fixture(scope="module")
def started() -> Iterator[Stack]:
    """Give a stack behind a trusted proxy that the tests share. A client may post one message at a time."""
    home = Path(tempfile.mkdtemp(prefix="tw-", dir="/tmp"))
    home.chmod(0o755)
    (home / "sock/workers").mkdir(parents=True)
    with stack(
        home, RATE_LIMIT="off", MAX_POSTS_PER_ADDRESS="1", TRUSTED_PROXIES=f"{PROXY},10.0.0.0/8,2001:db8:ffff::/48"
    ) as running:
        running.wait_ready()
        yield running
    shutil.rmtree(home, ignore_errors=True)


def status(started: Stack, method: str, path: str, forwarded: str = "", source: str = PROXY) -> int:
    """Send a request from an address of this machine, as a proxy that names the client."""
    connection = HTTPConnection("127.0.0.1", started.port, timeout=TIMEOUT_SECONDS, source_address=(source, 0))
    with closing(connection):
        body = example() if method == "POST" else None
        connection.request(method, path, body, {"X-Forwarded-For": forwarded} if forwarded else {})
        return connection.getresponse().status


@contextmanager
def posting(started: Stack, forwarded: str, source: str = PROXY) -> Iterator[None]:
    """Post for a client, and send no body: it may not post again meanwhile."""
    head = f"POST /api/message HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: {forwarded}\r\nContent-Length: 9\r\n\r\n"
    address = ("127.0.0.1", started.port)
    with socket.create_connection(address, TIMEOUT_SECONDS, source_address=(source, 0)) as sock:
        sock.sendall(head.encode())
        wait_until(lambda: status(started, "POST", "/api/message", forwarded, source) == 429, "it is under way")
        yield


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("192.0.2.1", "192.0.2.2"),
        ("192.0.2.1", "192.0.2.1, 192.0.2.2"),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2"),
        ("2001:db8:1:1::1", "2001:db8:1:2::1"),
    ],
)
def test_each_client_of_a_trusted_proxy_has_limits_of_its_own(started: Stack, first: str, second: str) -> None:
    with posting(started, first):
        assert status(started, "POST", "/api/message", second) == 201


@pytest.mark.parametrize(
    ("written", "same"),
    [
        ("192.0.2.1", "::ffff:192.0.2.1"),
        ("192.0.2.1", "192.0.2.2, 192.0.2.1"),
        ("192.0.2.1", "192.0.2.1, 10.0.0.1, 2001:db8:ffff::7"),
        ("2001:db8:1:1::1", "2001:db8:1:1:ffff::2"),
    ],
)
def test_a_client_has_the_same_limits_however_its_address_is_written(started: Stack, written: str, same: str) -> None:
    with posting(started, written):
        assert status(started, "POST", "/api/message", same) == 429


def test_a_stranger_has_its_own_address_whatever_it_claims(started: Stack) -> None:
    with posting(started, "192.0.2.1", STRANGER):
        assert status(started, "POST", "/api/message", "192.0.2.2", STRANGER) == 429
        assert status(started, "POST", "/api/message", "192.0.2.1") == 201
        assert status(started, "GET", "/metrics", "192.0.2.1", STRANGER) == 200


@pytest.mark.parametrize(
    ("forwarded", "found"), [("", 200), ("127.0.0.5", 200), ("192.0.2.1", 404), ("127.0.0.1, 192.0.2.1", 404)]
)
def test_metrics_are_for_clients_on_this_machine(started: Stack, forwarded: str, found: int) -> None:
    assert status(started, "GET", "/metrics", forwarded) == found


def test_the_log_names_the_client(started: Stack) -> None:
    assert status(started, "GET", "/api/nothing-here", "192.0.2.200") == 404
    log = started.home / "log/nginx.log"
    wait_until(lambda: ' 192.0.2.200 "GET /api/nothing-here' in log.read_text(), "nginx has logged it")
