"""Which hosts and origins a request may name, through nginx: a page of another site must get nothing from the stack."""

from __future__ import annotations

import shutil
import socket
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.stack import Stack, stack
from tests.support import TIMEOUT_SECONDS, example, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support import Response

REBOUND = ("evil.example", "localhost.evil.example", "127.0.0.1.nip.example", "10.77.0.1", "[::]", "")
"""Hosts that lead to the stack and are not its own."""
PUBLIC_URL = "https://public.example"
FOREIGN_ORIGINS = (
    "http://evil.example",
    "https://public.example.evil.example",
    "https://publicXexample",
    "http://public.example",
    "https://public.example:8443",
    "http://127.0.0.1",
    "http://localhost:{port}",
    "http://127.0.0.1:{port}/",
    "ftp://127.0.0.1:{port}",
    "null",
)
"""Origins that are not the stack's own for a request to 127.0.0.1 and the stack's port."""
PATHS = (
    "/",
    "/trade/1",
    "/settings.js",
    "/nothing",
    "/failed",
    "/api/message",
    "/api/messages",
    "/api/openapi.json",
    "/api/dead-letters",
    "/metrics",
    "/healthz/",
    "/ws",
)


UPGRADE: dict[str, Any] = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec_WebSocket_Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    "Sec_WebSocket_Version": "13",
}
"""The headers of a WebSocket handshake."""


@pytest.fixture(scope="module")
def started() -> Iterator[Stack]:
    """Give a stack that the tests share, as each of them leaves it whole."""
    home = Path(tempfile.mkdtemp(prefix="tw-", dir="/tmp"))
    home.chmod(0o755)
    (home / "sock/workers").mkdir(parents=True)
    with stack(home, HOSTS="Trades.example, [2001:DB8:0:0::1]", PUBLIC_URL=PUBLIC_URL, RATE_LIMIT="off") as running:
        running.wait_ready()
        yield running
    shutil.rmtree(home, ignore_errors=True)


def as_host(started: Stack, name: str) -> str:
    """Give a host with the stack's port, as browsers write it."""
    return f"{name}:{started.port}"


def code(response: Response) -> str:
    """Give the code of a refusal in the API's form."""
    [fault] = response.json["errors"]
    return str(fault["code"])


@pytest.mark.parametrize("path", PATHS)
def test_a_host_that_is_not_the_stacks_own_gets_421_on_every_path(started: Stack, path: str) -> None:
    host = as_host(started, "evil.example")
    for method in ("GET", "POST", "DELETE"):
        response = started.get(path, method=method, Host=host, Origin=f"http://{host}")
        assert (response.status, code(response)) == (421, "unknown-host")


@pytest.mark.parametrize("name", REBOUND)
def test_only_the_whole_name_of_a_host_counts(started: Stack, name: str) -> None:
    assert started.get("/api/messages", Host=as_host(started, name)).status in {400, 421}


@pytest.mark.parametrize("version", [b"", b" HTTP/1.0"])
def test_a_request_without_a_host_is_refused_too(started: Stack, version: bytes) -> None:
    with socket.create_connection(("127.0.0.1", started.port), TIMEOUT_SECONDS) as sock, sock.makefile("rb") as reader:
        sock.sendall(b"GET /api/ledger%b\r\n\r\n" % version)
        assert b'"code":"unknown-host"' in reader.read()


@pytest.mark.parametrize(
    ("target", "host", "status"), [("evil.example", "127.0.0.1", 421), ("127.0.0.1", "evil.example", 200)]
)
def test_an_address_with_a_host_counts_before_the_header(started: Stack, target: str, host: str, status: int) -> None:
    assert started.get(f"http://{target}/api/messages?limit=1", Host=host).status == status


def test_a_message_for_an_unknown_host_is_not_kept(started: Stack) -> None:
    before = started.get("/api/ledger").json["accepted"]
    assert started.post(example(), Host="evil.example").status == 421
    assert started.get("/api/ledger").json["accepted"] == before


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]", "trades.example", "[2001:db8::1]"])
def test_the_stacks_own_hosts_are_answered_on_every_port(started: Stack, name: str) -> None:
    for host in (name, f"{name}:1", as_host(started, name)):
        assert started.get("/api/messages?limit=1", Host=host).status == 200
        assert started.post(example(), Host=host).status == 201


def test_a_probe_may_name_any_host_and_learns_the_status_alone(started: Stack) -> None:
    assert started.get("/healthz", Host="10.77.0.1").status == 200
    assert started.get("/readyz", Host="10.77.0.1").json == {"status": "ready"}
    assert started.get("/readyz/status").json == {"status": "ready"}
    assert "queue" in started.get("/readyz").json["components"]


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
def test_a_message_from_a_page_of_another_origin_is_refused_and_not_kept(started: Stack, origin: str) -> None:
    before = started.get("/api/ledger").json["accepted"]
    response = started.post(example(), Origin=origin.format(port=started.port))
    assert (response.status, code(response)) == (403, "forbidden")
    assert started.get("/api/ledger").json["accepted"] == before


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_page_of_another_origin_is_refused_every_unsafe_method_on_every_path(
    started: Stack, method: str, path: str
) -> None:
    response = started.get(path, method=method, body=b"", Origin="http://evil.example")
    assert (response.status, code(response)) == (403, "forbidden")


def test_a_page_of_another_origin_can_ask_but_the_browser_shows_it_no_answer(started: Stack) -> None:
    response = started.get("/api/messages?limit=1", Origin="http://evil.example")
    assert response.status == 200
    assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert not [name for name in response.headers if name.startswith("Access-Control")]


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:1", "trades.example", "[2001:db8::1]:8443"])
def test_a_page_of_the_host_that_the_request_names_can_post_and_connect(started: Stack, scheme: str, host: str) -> None:
    origin = f"{scheme}://{host}"
    assert started.post(example(), Host=host, Origin=origin).status == 201
    assert started.get("/ws", Host=host, Origin=origin, **UPGRADE).status == 101


def test_the_page_at_the_public_url_can_post_and_connect_whatever_host_the_proxy_names(started: Stack) -> None:
    for host in (as_host(started, "127.0.0.1"), "public.example"):
        assert started.post(example(), Host=host, Origin=PUBLIC_URL).status == 201
        assert started.get("/ws", Host=host, Origin=PUBLIC_URL, **UPGRADE).status == 101


def test_a_page_of_another_origin_can_not_connect(started: Stack) -> None:
    assert started.get("/ws", Origin="http://evil.example", **UPGRADE).status == 403


def test_the_log_names_the_host_and_the_origin_of_a_refused_request(started: Stack) -> None:
    started.get("/ws?epoch=secret", Host="logged.example", Origin='http://"logged".example')
    named = 'host: "logged.example", origin: "http://\\x22logged\\x22.example"'
    wait_until(lambda: named in (started.home / "log/nginx.log").read_text(), "nginx has logged it")
    assert "secret" not in (started.home / "log/nginx.log").read_text()
