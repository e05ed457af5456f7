"""An outsider in a network of its own tries every address, method and upgrade, without a key and with one of each role.

`docs/security.md` has the statuses as a table. If they differ, the failure shows the table as it must be.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from contextlib import closing, contextmanager, nullcontext
from http import HTTPStatus
from http.client import HTTPResponse
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple
from uuid import UUID

import pytest

from api.http.auth import ROUTES
from tests.network import connect, own_network
from tests.stack import Stack, stack
from tests.support import ROOT, example, free_port
from tradewire.access.key import Role

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager

TARGETS: Final = {"IPv4": "10.0.0.1", "IPv6": "2001:db8::1"}
"""Addresses of the stack."""
NO_KEY: Final = "none"
COLUMNS: Final = (NO_KEY, *Role)
NGINX: Final = {
    "/": ("GET", "/"),
    "^~ /trade/": ("GET", "/trade/x"),
    "@no-such-page": ("GET", "/nowhere"),
    "= /404.html": ("GET", "/404.html"),
    "= /settings.js": ("GET", "/settings.js"),
    "= /failed": ("GET", "/failed"),
    "= /api/message": ("POST", "/api/message"),
    "= /api/messages": ("POST", "/api/messages"),
    "= /healthz": ("GET", "/healthz"),
    "/api/": ("GET", "/api/nowhere"),
    "~ ^/readyz(/status)?$": ("GET", "/readyz"),
    "= /metrics": ("GET", "/metrics"),
    "= /ws": ("UPGRADE", "/ws"),
}
"""A route in each location of nginx. `UPGRADE` stands for the handshake of a WebSocket."""
IN_CLEAR: Final = ("@plain-http", "^~ /.well-known/acme-challenge/")
"""Locations for plain http where nginx serves https: test_tls.py and test_acme.py ask them."""
OF_CLIENTS: Final = ("= /no-certificate",)
"""Locations of the client listener alone: test_client_certificates.py asks them."""
MORE: Final = {("GET", "/ws"), ("GET", "/api.html"), ("GET", "/api/messages?format=csv")}
"""Routes that neither nginx nor Flask tells apart from others."""
UPGRADE: Final = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)
NOTHING: Final = {"400", "401", "403", "404", "405", "501", "505"}
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "BREW")
FORGED: Final = "".join(
    f"{name}: {value}\r\n"
    for name, value in {
        "X-Forwarded-For": "127.0.0.1",
        "X-Real-IP": "127.0.0.1",
        "Forwarded": "for=127.0.0.1",
        "X-Forwarded-User": "admin",
        "X-Forwarded-Groups": "admin",
        "X-Forwarded-Preferred-Username": "admin",
        "X-Tradewire-User": "admin",
        "X-Tradewire-Groups": "admin",
        "X_Tradewire_User": "admin",
        "X_Tradewire_Groups": "admin",
        "X-Auth-Request-User": "admin",
        "X-Auth-Request-Groups": "admin",
        "Remote-User": "admin",
        "Remote-Groups": "admin",
        "X-Original-URL": "/healthz",
        "X-Rewrite-URL": "/healthz",
        "X-Http-Method-Override": "GET",
        "X-Client-Certificate": "CN=ca\tCN=admin\t-----BEGIN%20CERTIFICATE-----%0AMIIB",
        "X-Ssl-Client-S-Dn": "CN=admin",
        "X-Ssl-Client-Verify": "SUCCESS",
    }.items()
)
"""Headers with which proxies name users, or other addresses."""
ANY_METHOD: Final = {"/settings.js"}
"""nginx answers each method with the same text."""
_CLOSE: Final = b"\x88"
"""The first byte of a WebSocket's close frame. Behind the byte with the length is the code."""
_FRAME_BYTES: Final = 4
_sources = count(1)


class Outsider(NamedTuple):
    """A machine in the network of the stack, with a token for each role."""

    port: int
    tokens: Mapping[str, str]

    def ask(
        self, family: str, head: str, key: str = NO_KEY, more: str = "", body: bytes = b"", *, source: str = ""
    ) -> str:
        """Send a request from an address, by default from a new one, so that no limit counts.

        Returns:
            The status; if a WebSocket is opened and closed at once, its close code.
        """
        number = next(_sources)
        if not source:
            source = f"10.1.{number >> 8}.{number & 255}" if family == "IPv4" else f"2001:db8:1:{number:x}::1"
        token = f"Authorization: Bearer {self.tokens[key]}\r\n" if key != NO_KEY else ""
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        with closing(connect(source, TARGETS[family], self.port)) as sock:
            sock.sendall(f"{head} HTTP/1.1\r\nHost: localhost\r\n{token}{more}{length}\r\n".encode() + body)
            response = HTTPResponse(sock, method=head.partition(" ")[0])
            stream = response.fp
            response.begin()
            frame = stream.read(_FRAME_BYTES) if response.status == HTTPStatus.SWITCHING_PROTOCOLS else b""
            is_close = frame[:1] == _CLOSE
            return str(int.from_bytes(frame[2:], "big") if is_close else response.status)

    def status(
        self, family: str, method: str, path: str, key: str = NO_KEY, more: str = "", *, source: str = ""
    ) -> str:
        """Return the status of a route, or the close code."""
        target = path.format(message_id=f"{UUID(int=0)}", tube="live", dead_letter_id="1")
        if method == "UPGRADE":
            return self.ask(family, f"GET {target}", key, UPGRADE + more, source=source)
        body = example() if method == "POST" else b""
        return self.ask(family, f"{method} {target}", key, more, body, source=source)


@contextmanager
def network(beside: AbstractContextManager[object] | None = None, **settings: str) -> Iterator[Outsider]:
    """Run a stack that a network reaches, with an outsider in it, and another server beside the stack."""
    home = Path(tempfile.mkdtemp(prefix="tw-", dir="/tmp"))
    home.chmod(0o755)
    (home / "sock/workers").mkdir(parents=True)
    with own_network(), beside or nullcontext():
        port = free_port()
        listen = f"0.0.0.0:{port},[::]:{port}"
        with stack(home, LISTEN=listen, HOSTS="localhost", **settings) as running:
            running.port = port
            running.wait_ready()
            yield Outsider(port, {role: _key(running, role) for role in Role})
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="module")
def outsider() -> Iterator[Outsider]:
    with network(ACCESS="keys", TRUSTED_PROXIES="192.0.2.1") as found:  # none of the requests comes from there
        yield found


def _key(running: Stack, role: Role) -> str:
    done = running.deploy("key", "add", f"key-{role}", "--role", role)
    [token] = re.findall(r"\btw_\S+", done.stdout)
    return str(token)


def routes() -> list[tuple[str, str]]:
    """Give every route: those of Flask, and those of nginx."""
    return sorted({*ROUTES, *NGINX.values(), *MORE}, key=lambda route: (route[1], route[0]))


def table(outsider: Outsider, family: str) -> list[str]:
    """Give the rows of the table as they are in one family of addresses."""
    return [
        f"| `{method} {path}` | "
        + " | ".join(outsider.status(family, method, path, column) for column in COLUMNS)
        + " |"
        for method, path in routes()
    ]


@pytest.mark.parametrize("family", TARGETS)
def test_the_docs_have_the_status_of_every_route_for_every_role(outsider: Outsider, family: str) -> None:
    head = [f"| route | {' | '.join(COLUMNS)} |", f"|{'---|' * (len(COLUMNS) + 1)}"]
    made = "\n".join([*head, *table(outsider, family)])
    assert made in (ROOT / "docs/security.md").read_text(), f"the table must be:\n{made}"


def test_every_location_of_nginx_has_a_row() -> None:
    locations = re.findall(r"^\s*location (.+) {$", (ROOT / "deploy/nginx.conf").read_text(), re.MULTILINE)
    assert {*locations} == {*NGINX, *IN_CLEAR, *OF_CLIENTS}


@pytest.mark.parametrize("family", TARGETS)
def test_forged_headers_change_nothing(outsider: Outsider, family: str) -> None:
    for method, path in routes():
        assert outsider.status(family, method, path, more=FORGED) == outsider.status(family, method, path), path


@pytest.mark.parametrize("family", TARGETS)
def test_another_method_gets_nothing_but_the_names_of_those_that_are_allowed(outsider: Outsider, family: str) -> None:
    known = {(method, path.partition("?")[0]) for method, path in routes()}
    known |= {("HEAD", path) for method, path in known if method == "GET"}
    for path in sorted({path for _, path in known}):
        for method in METHODS:
            if (method, path) not in known and path not in ANY_METHOD:
                status = outsider.status(family, method, path)
                assert status in NOTHING or (method, status) == ("OPTIONS", "200"), (method, path, status)


@pytest.mark.parametrize("family", TARGETS)
@pytest.mark.parametrize("protocol", ["websocket", "h2c", "TLS/1.0", "connect-udp"])
def test_no_route_but_the_feed_changes_its_protocol(outsider: Outsider, family: str, protocol: str) -> None:
    upgrade = UPGRADE.replace("websocket", protocol)
    for method, path in routes():
        if (method, path) not in {("UPGRADE", "/ws"), ("GET", "/ws")}:
            assert outsider.status(family, method, path, more=upgrade) == outsider.status(family, method, path), path
    if protocol != "websocket":
        assert outsider.status(family, "GET", "/ws", more=upgrade)[0] in "45"
