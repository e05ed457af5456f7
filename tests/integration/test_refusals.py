"""Refusals, through nginx: each is right for its address, and has the form that the address answers in."""

from __future__ import annotations

import shutil
import socket
import tempfile
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tests.stack import Stack, stack
from tests.support import TIMEOUT_SECONDS, Response, example, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

KIB = 1024
HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
POSTS = [("/api/message", 64), ("/api/messages", 1024)]
"""The addresses that take messages, each with its limit in KiB."""


@pytest.fixture(scope="module")
def started() -> Iterator[Stack]:
    """Give a stack that the tests share, as each of them leaves it whole."""
    home = Path(tempfile.mkdtemp(prefix="tw-", dir="/tmp"))
    home.chmod(0o755)
    (home / "sock/workers").mkdir(parents=True)
    with stack(
        home, RATE_LIMIT="3r/s", BATCH_RATE_LIMIT="3r/s", EXTRA_CURRENCIES="CNH,BTC", MAX_BROWSERS_PER_ADDRESS="3"
    ) as running:
        running.wait_ready()
        yield running
    shutil.rmtree(home, ignore_errors=True)


def send(started: Stack, path: str, address: str = "127.0.0.1", **request: Any) -> Response:
    """Send a request from one of this machine's addresses. Each has rates of its own."""
    connection = HTTPConnection("127.0.0.1", started.port, timeout=TIMEOUT_SECONDS, source_address=(address, 0))
    try:
        body = request.get("body")
        connection.request(
            request.get("method", "GET"),
            path,
            body,
            request.get("headers", {}),
            encode_chunked=not isinstance(body, bytes),
        )
        response = connection.getresponse()
        return Response(response.status, dict(response.getheaders()), response.read())
    finally:
        connection.close()


def error(response: Response) -> dict[str, Any]:
    """Check that a response has the API's form, and return its only fault."""
    assert response.headers["Content-Type"].startswith("application/json"), response.body
    [fault] = response.json["errors"]
    return dict(fault)


def raw(started: Stack, head: bytes) -> tuple[int, bytes]:
    """Send the head of a request as it is. Return the status and the body."""
    with socket.create_connection(("127.0.0.1", started.port), TIMEOUT_SECONDS) as sock, sock.makefile("rb") as reader:
        sock.sendall(head + b"\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer, _, body = reader.read().partition(b"\r\n\r\n")
    return int(answer.split()[1]), body


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(
    ("number", "path", "kib"),
    [
        *((number, "/api/message", kib) for number, kib in enumerate((1, 64))),
        *((number, "/api/messages", kib) for number, kib in enumerate((1, 64, 100, 1024), start=2)),
    ],
)
def test_a_post_over_its_rate_is_refused_for_its_rate_whatever_its_size(
    started: Stack, number: int, path: str, kib: int, *, chunked: bool
) -> None:
    body = example().ljust(kib * KIB)
    address = f"127.0.{1 + chunked}.{1 + number}"

    def post() -> Response:
        return send(started, path, address, method="POST", body=iter([body]) if chunked else body)

    responses = [post() for _ in range(12)]
    assert {response.status for response in responses} == {201, 429}
    refused = next(response for response in responses if response.status == 429)
    assert (error(refused)["code"], refused.headers["Retry-After"]) == ("too-many-requests", "1")


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(("path", "limit_kib"), POSTS)
def test_a_post_that_is_too_large_is_told_the_limit_of_its_address(
    started: Stack, path: str, limit_kib: int, *, chunked: bool
) -> None:
    body = example().ljust(limit_kib * KIB + 1)
    response = send(started, path, "127.0.3.1", method="POST", body=iter([body]) if chunked else body)
    assert (response.status, error(response)["detail"]) == (413, f"The body is larger than {limit_kib} KiB.")


@pytest.mark.parametrize(("path", "limit_kib"), POSTS)
def test_a_post_that_nobody_answers_is_told_how_to_repeat_it(started: Stack, path: str, limit_kib: int) -> None:
    started.supervisorctl("stop", "api-ingest")
    try:
        response = send(started, path, "127.0.3.2", method="POST", body=example().ljust(limit_kib * KIB))
        assert (response.status, response.headers["Retry-After"]) == (503, "1")
        assert "Idempotency-Key" in error(response)["detail"]
    finally:
        started.supervisorctl("start", "api-ingest")
        wait_until(lambda: send(started, "/healthz").status == 200, "api-ingest answers")


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-Proto": "https", "X-Forwarded-SSL": "off"},
        {"X-Forwarded-Protocol": "ssl", "X-Forwarded-Proto": "http"},
        {"X-Forwarded-Protocol": "http", "X-Forwarded-Ssl": "on"},
    ],
)
def test_contradictory_headers_of_other_proxies_make_no_difference(started: Stack, headers: dict[str, str]) -> None:
    assert send(started, "/api/message", "127.0.3.3", method="POST", body=example(), headers=headers).status == 201
    assert send(started, "/api/messages?limit=1", headers=headers).status == 200


@pytest.mark.parametrize(
    "head",
    [
        b"A /api/messages HTTP/1.1",
        b"A" * 30 + b" /api/message HTTP/1.1",
        b"GET /api/\xff HTTP/1.1",
        b"POST /api/message?\xff HTTP/1.1\r\nContent-Length: 0",
        b"GET /api/messages HTTP/1.1\r\nX-Control: a\x01b",
        b"GET /healthz HTTP/1.1\r\nX-Control: a\x7fb",
    ],
)
def test_a_request_that_only_gunicorn_finds_invalid_is_refused_in_the_apis_form(started: Stack, head: bytes) -> None:
    status, body = raw(started, head)
    assert (status, msgspec.json.decode(body)["errors"][0]["code"]) == (400, "bad-request")


@pytest.mark.parametrize(("method", "body"), [("POST", b""), ("POST", b"{}"), ("PUT", b"x"), ("HEAD", b"")])
def test_the_live_feed_takes_no_method_but_get(started: Stack, method: str, body: bytes) -> None:
    response = send(started, "/ws", method=method, body=body)
    assert (response.status, response.headers["Allow"]) == (405, "GET")
    assert send(started, "/ws").status == 426


def test_an_address_with_its_share_of_browsers_gets_no_more_and_keeps_all_else(started: Stack) -> None:
    def connect(address: str) -> tuple[socket.socket, int]:
        browser = socket.create_connection(("127.0.0.1", started.port), TIMEOUT_SECONDS, source_address=(address, 0))
        browser.sendall(HANDSHAKE)
        return browser, int(browser.recv(12)[9:])

    with ExitStack() as browsers:
        statuses = []
        for address in ["127.0.4.1"] * 4 + ["127.0.4.2"]:
            browser, status = connect(address)
            browsers.enter_context(browser)
            statuses.append(status)
        assert statuses == [101, 101, 101, 429, 101]
        refused = send(started, "/ws", "127.0.4.1")
        assert (refused.status, error(refused)["code"], refused.headers["Retry-After"]) == (
            429,
            "too-many-requests",
            "1",
        )
        assert send(started, "/api/messages?limit=1", "127.0.4.1").status == 200
    wait_until(lambda: send(started, "/ws", "127.0.4.1").status == 426, "places are free again")


def test_a_page_takes_no_message(started: Stack) -> None:
    response = send(started, "/", method="POST", body=b"x")
    assert (response.status, error(response)["code"]) == (405, "method-not-allowed")
    assert response.headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", ["/nothing", "/assets/", "/assets/app.js", "/index.htm", "/message", "/a/b?c=d"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_address_without_a_page_gets_a_page_that_says_so(started: Stack, path: str, method: str) -> None:
    response = send(started, path, method=method)
    assert (response.status, response.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert b"There is no page at this address" in response.body
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")


@pytest.mark.parametrize("path", ["/api/", "/api/nothing", "/api//messages", "/api/message/"])
def test_an_address_of_the_api_without_a_resource_gets_json(started: Stack, path: str) -> None:
    response = send(started, path)
    assert (response.status, error(response)["code"]) == (404, "not-found")


def test_extra_currencies_are_admitted_in_messages_filters_the_document_and_the_page(started: Stack) -> None:
    post = send(started, "/api/message", "127.0.3.4", method="POST", body=example(currencyFrom="CNH", currencyTo="btc"))
    assert post.status == 201
    identifier = post.json["id"]
    wait_until(lambda: send(started, f"/api/message/{identifier}").status == 200, "it is archived")
    found = send(started, "/api/messages?from=cnh&to=BTC").json["messages"]
    assert [message["id"] for message in found] == [identifier]
    assert {"CNH", "BTC"} <= {*send(started, "/api/openapi.json").json["components"]["schemas"]["Currency"]["enum"]}
    settings = send(started, "/settings.js")
    assert (settings.body, settings.headers["Cache-Control"]) == (
        "globalThis.extraCurrencies = 'CNH BTC';\n"
        f"globalThis.namedHost = '127.0.0.1:{started.port}';\nglobalThis.access = 'open';\n"
        "globalThis.provider = '';\nglobalThis.logoutUrl = '';\nglobalThis.publicOrigin = '';\n"
        "globalThis.rootPath = new URL('.', document.currentScript.src).pathname;\n".encode(),
        "no-cache",
    )
    assert settings.headers["Content-Type"].startswith("text/javascript")
