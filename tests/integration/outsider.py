"""An outsider in a network of its own: every address, method and upgrade of a stack, tried with one proof of each role.

`docs/security.md` has the statuses as tables.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPResponse
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import UUID

from api.http.auth import ROUTES
from tests.network import connect, own_network
from tests.stack import Stack, stack
from tests.support import ROOT, example, free_port
from tradewire.access.key import Role

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

TARGETS: Final = {"IPv4": "10.0.0.1", "IPv6": "2001:db8::1"}
"""Addresses of the stack."""
NO_KEY: Final = "none"
COLUMNS: Final = (NO_KEY, *Role)
HEAD: Final = (f"| route | {' | '.join(COLUMNS)} |", f"|{'---|' * (len(COLUMNS) + 1)}")
ROUTES_HEADING: Final = "## Routes"
PROTOCOLS: Final = ("websocket", "h2c", "TLS/1.0", "connect-udp")
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


@dataclass
class Outsider:
    """A machine in the network of the stack, with a proof of each role."""

    port: int
    proofs: dict[str, str]
    """The lines in the head of a request that prove a role: a key, or a session."""
    tls: ssl.SSLContext | None = None
    """How it speaks https; None: it speaks plain http."""

    def ask(
        self, family: str, head: str, key: str = NO_KEY, more: str = "", body: bytes = b"", *, source: str = ""
    ) -> str:
        """Send a request from an address, by default from a new one, so that no limit counts.

        Returns:
            The status; if a WebSocket is opened and closed at once, its close code.
        """
        with self._connect(family, source) as sock:
            response = self._send(sock, head, self.proofs.get(key, "") + more, body)
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

    def session(self, name: str, password: str) -> str:
        """Log a user in. Return the lines that prove it to the stack's own page."""
        with self._connect("IPv4", "") as sock:
            body = json.dumps({"name": name, "password": password}).encode()
            response = self._send(sock, "POST /api/session", self._own_origin, body)
            response.begin()
            assert response.status == HTTPStatus.OK, response.read()
            cookies = [line.partition(";")[0] for line in response.headers.get_all("Set-Cookie", [])]
        return f"Cookie: {'; '.join(cookies)}\r\n{self._own_origin}"

    @property
    def _own_origin(self) -> str:
        return f"Origin: {'https' if self.tls else 'http'}://localhost\r\n"

    @contextmanager
    def _connect(self, family: str, source: str) -> Iterator[socket.socket]:
        number = next(_sources)
        if not source:
            source = f"10.1.{number >> 8}.{number & 255}" if family == "IPv4" else f"2001:db8:1:{number:x}::1"
        with closing(connect(source, TARGETS[family], self.port)) as sock:
            if self.tls is None:
                yield sock
            else:
                with closing(self.tls.wrap_socket(sock, server_hostname="localhost")) as encrypted:
                    yield encrypted

    @staticmethod
    def _send(sock: socket.socket, head: str, lines: str, body: bytes) -> HTTPResponse:
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        sock.sendall(f"{head} HTTP/1.1\r\nHost: localhost\r\n{lines}{length}\r\n".encode() + body)
        return HTTPResponse(sock, method=head.partition(" ")[0])


@contextmanager
def network_stack(beside: AbstractContextManager[object] | None, **settings: str) -> Iterator[Stack]:
    """Run a stack that a network reaches, and another server beside it."""
    home = Path(tempfile.mkdtemp(prefix="tw-", dir="/tmp"))
    home.chmod(0o755)
    (home / "sock/workers").mkdir(parents=True)
    with own_network(), beside or nullcontext():
        port = free_port()
        listen = f"0.0.0.0:{port},[::]:{port}"
        with stack(home, LISTEN=listen, HOSTS="localhost", **settings) as running:
            running.port = port
            running.wait_ready()
            yield running
    shutil.rmtree(home, ignore_errors=True)


@contextmanager
def network(beside: AbstractContextManager[object] | None = None, **settings: str) -> Iterator[Outsider]:
    """Run such a stack, with an outsider in its network, which has a key for each role."""
    with network_stack(beside, **settings) as running:
        keys = {str(role): f"Authorization: Bearer {_key(running, role)}\r\n" for role in Role}
        yield Outsider(running.port, keys)


def _key(running: Stack, role: Role) -> str:
    done = running.deploy("key", "add", f"key-{role}", "--role", role)
    [token] = re.findall(r"\btw_\S+", done.stdout)
    return str(token)


def routes() -> list[tuple[str, str]]:
    """Give every route: those of Flask, and those of nginx."""
    return sorted({*ROUTES, *NGINX.values(), *MORE}, key=lambda route: (route[1], route[0]))


def check_table(outsider: Outsider, family: str, heading: str) -> None:
    """Check that the docs have the status of every route for every role.

    Args:
        outsider: Tries them all.
        family: The family of its addresses.
        heading: The section with the table. If it is not the first one, it has only the rows that differ.
    """
    rows = [
        f"| `{method} {path}` | "
        + " | ".join(outsider.status(family, method, path, column) for column in COLUMNS)
        + " |"
        for method, path in routes()
    ]
    known = set() if heading == ROUTES_HEADING else set(_table(ROUTES_HEADING))
    made = [*HEAD, *(row for row in rows if row not in known)]
    assert [*HEAD, *_table(heading)] == made, "\n".join([f"the table below {heading} must be:", *made])


def _table(heading: str) -> list[str]:
    """Return the rows of the table in a section of the docs."""
    section = (ROOT / "docs/security.md").read_text().partition(f"\n{heading}\n")[2].partition("\n#")[0]
    return re.findall(r"^\| `.*\|$", section, re.MULTILINE)


def check_forged_headers(outsider: Outsider, family: str, key: str = NO_KEY) -> None:
    """Check that no header that names a user or an address changes the status of a route."""
    for method, path in routes():
        honest = outsider.status(family, method, path, key)
        assert outsider.status(family, method, path, key, FORGED) == honest, (method, path)


def check_other_methods(outsider: Outsider, family: str, key: str = NO_KEY) -> None:
    """Check that a route refuses other methods, and that OPTIONS gets nothing but the names of the right ones."""
    known = {(method, path.partition("?")[0]) for method, path in routes()}
    known |= {("HEAD", path) for method, path in known if method == "GET"}
    for path in sorted({path for _, path in known} - ANY_METHOD):
        for method in METHODS:
            if (method, path) not in known:
                status = outsider.status(family, method, path, key)
                assert status in NOTHING or (method, status) == ("OPTIONS", "200"), (method, path, status)


def check_upgrades(outsider: Outsider, family: str, protocol: str, key: str = NO_KEY) -> None:
    """Check that no route but the feed changes its protocol, and the feed to nothing but a WebSocket."""
    upgrade = UPGRADE.replace("websocket", protocol)
    for method, path in routes():
        if (method, path) not in {("UPGRADE", "/ws"), ("GET", "/ws")}:
            plain = outsider.status(family, method, path, key)
            assert outsider.status(family, method, path, key, upgrade) == plain, (method, path)
    if protocol != "websocket":
        assert outsider.status(family, "GET", "/ws", key, upgrade)[0] in "45"
