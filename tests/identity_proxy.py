"""An nginx in front of a stack that asks for passwords, and names the user, as docs/proxies.md shows it."""

from __future__ import annotations

import base64
import http.client
import re
from contextlib import closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from tests.stack import Stack, stack
from tests.support import ROOT, TIMEOUT_SECONDS, Response, free_port, require_program, running, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAGE: Final = (ROOT / "docs/proxies.md").read_text()
PASSWORD: Final = "the proxy's secret"  # noqa: S105 - of these tests
USERS: Final = ("alice", "bob", "mallory")
"""Alice is a trader, Bob supports traders, too, and Mallory is in no group that has a role."""
SETTINGS: Final = {
    "ACCESS": "proxy",
    "GROUP_ROLES": "traders=viewer+exporter,support=operator+monitor+admin+producer",
    "TRUSTED_PROXIES": "127.0.0.1,::1",
}
"""Those of the stack, as in the docs, with more roles. Loopback addresses but these two are strangers'."""
FAMILIES: Final = ("127.0.0.1", "::1")


def block(heading: str, language: str = "nginx") -> str:
    """Give the first block of code in a language below a heading of the docs."""
    section = PAGE.partition(f"\n{heading}\n")[2]
    found = re.search(rf"^```{language}\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    assert found, heading
    return found[1]


class IdentityProxy(NamedTuple):
    """A proxy that listens on a port of 127.0.0.1 and ::1, and connects to the stack from there."""

    port: int
    passwords: Path

    def ask(
        self, user: str, path: str, method: str = "GET", body: bytes | None = None, /, *, family: str = "127.0.0.1"
    ) -> Response:
        """Send a request as the browser of a user, whose page is this proxy's."""
        own = {"Host": f"localhost:{self.port}", "Origin": f"http://localhost:{self.port}"}
        return ask(family, self.port, path, method, body, **own, **basic(user))

    def log_in(self, *users: str) -> None:
        """Let the passwords of these users count, and no others."""
        new = self.passwords.with_suffix(".new")
        new.write_text("".join(f"{user}:{{PLAIN}}{PASSWORD}\n" for user in users))
        new.chmod(0o644)
        new.replace(self.passwords)


def basic(user: str) -> dict[str, str]:
    """Give the header with a user's password; nothing without a user."""
    secret = base64.b64encode(f"{user}:{PASSWORD}".encode()).decode()
    return {"Authorization": f"Basic {secret}"} if user else {}


def ask(
    address: str, port: int, path: str, method: str = "GET", body: bytes | None = None, /, **headers: str
) -> Response:
    """Send a request to a loopback address."""
    connection = http.client.HTTPConnection(address, port, timeout=TIMEOUT_SECONDS)
    with closing(connection):
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        return Response(response.status, dict(response.getheaders()), response.read())


def without_tls(text: str, stack_port: int, port: int, family: str) -> str:
    """Let a configuration of the docs listen in clear on a loopback address, and ask the stack at that address."""
    host = f"[{family}]" if ":" in family else family
    text = re.sub(r"^\s*(ssl_certificate.*|server_name.*)\n", "", text, flags=re.MULTILINE)
    text = text.replace("listen 443 ssl http2", f"listen {host}:{port}")
    return text.replace("127.0.0.1:8080", f"{host}:{stack_port}")


@contextmanager
def run_nginx(folder: Path, text: str) -> Iterator[None]:
    """Run an nginx with a configuration of its `http` level. All that it writes is in the folder."""
    kinds = ("client_body", "proxy", "fastcgi", "scgi", "uwsgi")
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    config = folder / "front.conf"
    config.write_text(
        f"daemon off; master_process off; pid {folder}/front.pid; error_log {folder}/front.log;"
        f"events {{}} http {{ access_log off; {temporary}\n{text} }}"
    )
    with running([require_program("nginx"), "-p", folder, "-c", config], folder):
        yield


@contextmanager
def proxied_stack(folder: Path, **settings: str) -> Iterator[tuple[Stack, IdentityProxy]]:
    """Run a stack behind the proxy with passwords, as the docs configure both, for both families of addresses."""
    home = folder / "home"
    (home / "sock/workers").mkdir(parents=True)
    stack_port, port = free_port(), free_port()
    own = {"LISTEN": f"127.0.0.1:{stack_port},[::1]:{stack_port}", "PUBLIC_URL": f"http://localhost:{port}"}
    with stack(home, **SETTINGS | own | settings) as started:
        started.port = stack_port
        started.wait_ready()
        with _identity_proxy(folder, stack_port, port) as proxy:
            yield started, proxy


@contextmanager
def _identity_proxy(folder: Path, stack_port: int, port: int) -> Iterator[IdentityProxy]:
    found = IdentityProxy(port, folder / "passwords")
    found.log_in(*USERS)
    text = block("### nginx with passwords").replace("/etc/nginx/tradewire.htpasswd", str(found.passwords))
    maps, _, server = text.partition("server {")
    servers = [without_tls(f"server {{{server}", stack_port, port, family) for family in FAMILIES]
    with run_nginx(folder, "\n".join([maps, *servers])):
        for family in FAMILIES:
            wait_until(partial(is_served, found, family), "the proxy serves the stack")
        yield found


def is_served(proxy: IdentityProxy, family: str) -> bool:
    """Return whether the page comes through the proxy."""
    try:
        return proxy.ask("alice", "/", family=family).status == 200
    except OSError:
        return False
