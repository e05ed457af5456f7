"""A stack with a certificate: what nginx speaks, and what it refuses."""

from __future__ import annotations

import os
import re
import socket
import ssl
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from websockets.typing import Origin

from tests import support, tls
from tests.integration.encrypted import Encrypted, encrypted_stack
from tests.support import TIMEOUT_SECONDS, example, require_program, wait_until
from tests.tls import HOST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support import Response


@pytest.fixture(scope="module")
def started() -> Iterator[Encrypted]:
    """Give a stack that the tests share."""
    with encrypted_stack() as running:
        yield running


def code(response: Response) -> str:
    """Give the code of a refusal in the API's form."""
    [fault] = response.json["errors"]
    return str(fault["code"])


# ---- what nginx speaks


@pytest.mark.parametrize(("option", "is_taken"), [("-tls1", 0), ("-tls1_1", 0), ("-tls1_2", 1), ("-tls1_3", 1)])
def test_versions_of_tls_below_1_2_are_refused(started: Encrypted, option: str, is_taken: int) -> None:
    done = client(started, option, "-cipher", "ALL:@SECLEVEL=0")
    assert ("Verify return code" in done and "Cipher is (NONE)" not in done) == bool(is_taken)
    assert ("alert protocol version" in done) == (not is_taken)


@pytest.mark.parametrize("cipher", ["AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA"])
def test_ciphers_without_forward_secrecy_or_authenticated_encryption_are_refused(
    started: Encrypted, cipher: str
) -> None:
    assert "alert handshake failure" in client(started, "-tls1_2", "-cipher", cipher)


def test_nginx_gives_no_session_ticket_whose_key_would_never_change(started: Encrypted) -> None:
    assert "TLS session ticket:" not in client(started, "-tls1_2")


def client(started: Encrypted, *options: str) -> str:
    """Give the output of openssl s_client."""
    command = [require_program("openssl"), "s_client", "-connect", f"127.0.0.1:{started.port}", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    return done.stdout + done.stderr


def test_browsers_are_told_to_use_https_alone_but_not_for_localhost(started: Encrypted) -> None:
    name = "Strict-Transport-Security"
    for path, status in (("/", 200), ("/nothing", 404), ("/healthz", 200)):
        response = tls.get(started.port, path)
        assert (response.status, response.headers[name]) == (status, "max-age=31536000")
    assert name not in tls.get(started.port, "/", Host=f"localhost:{started.port}").headers
    assert name not in support.get(started.port, "/").headers


def curl(started: Encrypted, path: str, *options: str) -> str:
    """Run curl for a path of the stack, and return its output."""
    url = f"https://127.0.0.1:{started.port}{path}"
    command = [require_program("curl"), "-sk", "-o", "/dev/null", *options, url]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_a_connection_of_http2_ends_after_1000_requests_and_one_of_a_producer_goes_on(started: Encrypted) -> None:
    written = ("-w", "%{http_version} %{num_connects}\n")
    lines = curl(started, "/settings.js?[1-1100]", "--http2", *written).splitlines()
    assert [line.split()[1] for line in lines].count("1") == 2
    assert {line.split()[0] for line in lines} == {"2"}
    lines = curl(started, "/api/message?[1-1100]", "--http1.1", "-d", "{}", *written).splitlines()
    assert [line.split()[1] for line in lines].count("1") == 1


def http2_frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """Give a frame of HTTP/2 (RFC 9113, section 4.1)."""
    return len(payload).to_bytes(3) + bytes([kind, flags]) + stream.to_bytes(4) + payload


def http2_post(host: str) -> bytes:
    """Give a post of HTTP/2 without its body, and without a header that tells of one."""
    fields = {":method": "POST", ":scheme": "https", ":path": "/api/message", ":authority": host}
    literal = b"".join(
        b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()
        for name, value in fields.items()
    )
    settings, headers, end_of_headers = 4, 1, 4
    return (
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
        + http2_frame(settings, 0, 0)
        + http2_frame(headers, end_of_headers, 1, literal)
    )


def test_a_post_of_http2_is_under_way_until_its_body_ends_even_if_no_header_tells_that_it_has_one(
    started: Encrypted,
) -> None:
    def status() -> int:
        return tls.get(started.port, "/api/message", "POST", body=example()).status

    address = ("127.0.0.1", started.port)
    with socket.create_connection(address, TIMEOUT_SECONDS) as sock, tls.context("h2").wrap_socket(sock) as client:
        assert client.selected_alpn_protocol() == "h2"
        client.sendall(http2_post(f"127.0.0.1:{started.port}"))
        wait_until(lambda: status() == 429, "it takes the place of the only post that may be under way")
    wait_until(lambda: status() == 201, "the place is free again")


# ---- hosts and origins


def test_the_page_can_post_and_connect_and_a_page_that_came_in_clear_can_not(started: Encrypted) -> None:
    for host in (f"127.0.0.1:{started.port}", HOST):
        for scheme, status in (("https", 201), ("http", 403)):
            given = {"Host": host, "Origin": f"{scheme}://{host}"}
            assert tls.get(started.port, "/api/message", "POST", body=example(), **given).status == status
    origin = Origin(f"https://127.0.0.1:{started.port}")
    with tls.feed(started.port, tls.context(), origin=origin) as feed:
        assert "hello" in str(feed.recv(TIMEOUT_SECONDS))
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec_WebSocket_Version": "13"}
    key = {"Sec_WebSocket_Key": "AAAAAAAAAAAAAAAAAAAAAA=="}
    assert tls.get(started.port, "/ws", Origin=f"http://127.0.0.1:{started.port}", **upgrade, **key).status == 403


def test_an_unknown_host_gets_421_over_tls_too(started: Encrypted) -> None:
    response = tls.get(started.port, "/api/messages", Host="evil.example")
    assert (response.status, code(response)) == (421, "unknown-host")


def test_the_page_is_told_the_host_that_its_address_has(started: Encrypted) -> None:
    assert f"namedHost = '127.0.0.1:{started.port}'" in tls.get(started.port, "/settings.js").body.decode()
    assert tls.get(started.port, "/api/openapi.json").json["servers"] == [{"url": "/"}]


# ---- plain http


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("host", ["127.0.0.1", "LOCALHOST", HOST])
def test_a_get_in_clear_is_redirected_to_https(started: Encrypted, method: str, host: str) -> None:
    target = f"https://{host.lower()}:{started.port}/trade/1?window=7d"
    for port in (started.port, started.redirect_port):
        response = support.get(port, "/trade/1?window=7d", method=method, Host=f"{host}:{port}")
        assert (response.status, response.headers["Location"]) == (308, target)


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("POST", {}),
        ("POST", {"X_API_Key": "tw_secret"}),
        ("DELETE", {}),
        ("OPTIONS", {}),
        ("GET", {"X_API_Key": "tw_secret"}),
        ("GET", {"Authorization": "Bearer tw_secret"}),
        ("GET", {"Host": "evil.example"}),
    ],
)
def test_everything_else_in_clear_is_refused_and_led_nowhere(
    started: Encrypted, method: str, headers: dict[str, Any]
) -> None:
    for port in (started.port, started.redirect_port):
        body = example() * 5000 if method == "POST" else None
        response = support.get(port, "/api/message", method=method, body=body, **headers)
        assert (response.status, code(response)) == (403, "https-required")
        assert "Location" not in response.headers
        assert response.headers["Content-Type"].startswith("application/json")


def test_the_answers_to_acmes_challenges_are_served_in_clear_and_nothing_else_is(started: Encrypted) -> None:
    folder = started.stack.home / "acme/.well-known/acme-challenge"
    folder.mkdir(parents=True)
    (folder / "token").write_text("answer")
    path = "/.well-known/acme-challenge/"
    for host in (HOST, "any.example"):
        assert support.get(started.redirect_port, f"{path}token", Host=host).body == b"answer"
    assert support.get(started.redirect_port, f"{path}other").status == 404
    assert support.get(started.redirect_port, "/index.html").status == 308
    assert support.get(started.redirect_port, f"{path}../../operator-token").status == 308


def test_nginx_has_nothing_to_warn_about(started: Encrypted) -> None:
    assert not re.search(r"\[(warn|error|emerg|alert)\]", (started.stack.home / "log/nginx.log").read_text())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give the programs another user")
def test_the_key_is_for_root_and_nginx_alone(started: Encrypted) -> None:
    path = started.stack.home / "tls/pair.pem"
    command = ["setpriv", "--reuid", "tradewire", "--regid", "tradewire", "--init-groups", "cat", str(path)]
    assert subprocess.run(command, check=False, capture_output=True).returncode == 1


def test_a_handshake_that_stops_half_way_is_ended(started: Encrypted) -> None:
    hello = ssl.MemoryBIO()
    handshake = tls.context().wrap_bio(ssl.MemoryBIO(), hello)
    with pytest.raises(ssl.SSLWantReadError):
        handshake.do_handshake()
    with socket.create_connection(("127.0.0.1", started.port), TIMEOUT_SECONDS) as sock:
        sock.sendall(hello.read()[:100])
        assert sock.recv(100) == b""
