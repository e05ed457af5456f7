"""The nginx in front that docs/proxies.md shows, with the settings that the page names: everything works through it."""

from __future__ import annotations

import re
import shutil
import ssl
import subprocess
import tempfile
from contextlib import closing
from http.client import HTTPSConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.stack import Stack, stack
from tests.support import ROOT, TIMEOUT_SECONDS, example, free_port, require_program, running, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = (ROOT / "docs/proxies.md").read_text()
ORIGIN = "https://trades.example"
UPGRADE: dict[str, Any] = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    "Sec-WebSocket-Version": "13",
}


def block(language: str) -> str:
    """Give the page's first block of code in a language."""
    found = re.search(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


class Proxied(NamedTuple):
    """A stack, and the port of the proxy in front of it."""

    stack: Stack
    port: int

    def status(self, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> int:
        """Send a request to the proxy, as browsers do."""
        context = ssl._create_unverified_context()  # noqa: S323, SLF001 - the certificate is this test's own
        connection = HTTPSConnection("127.0.0.1", self.port, timeout=TIMEOUT_SECONDS, context=context)
        with closing(connection):
            names = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, {"Host": "trades.example", **names})
            return connection.getresponse().status


@pytest.fixture(scope="module")
def proxied() -> Iterator[Proxied]:
    """Give a stack with the page's settings behind nginx with the page's configuration."""
    home = Path(tempfile.mkdtemp(prefix="tw-", dir="/tmp"))
    home.chmod(0o755)
    (home / "sock/workers").mkdir(parents=True)
    settings = dict(re.findall(r"^TRADEWIRE_(\w+)=(\S+)$", block("sh"), re.MULTILINE))
    assert settings
    with stack(home, MAX_POSTS_PER_ADDRESS="1", **settings) as started, tempfile.TemporaryDirectory() as folder:
        started.wait_ready()
        port = free_port()
        with running(proxy(Path(folder), started.port, port), Path(folder)):
            found = Proxied(started, port)
            wait_until(lambda: is_served(found), "the proxy serves the stack")
            yield found
    shutil.rmtree(home, ignore_errors=True)


def proxy(folder: Path, stack_port: int, port: int) -> list[str | Path]:
    """Write the page's configuration with this test's ports and files, and return the command that runs it."""
    key, certificate = folder / "key", folder / "certificate"
    name = ["-subj", "/CN=trades.example"]
    options: list[str | Path] = ["-newkey", "rsa:2048", "-nodes", "-days", "1", "-keyout", key, "-out", certificate]
    subprocess.run([require_program("openssl"), "req", "-x509", *name, *options], check=True, capture_output=True)
    text = block("nginx").replace("127.0.0.1:8080", f"127.0.0.1:{stack_port}").replace("443", f"127.0.0.1:{port}")
    text = text.replace("/etc/ssl/trades.example.pem", str(certificate)).replace(
        "/etc/ssl/trades.example.key", str(key)
    )
    temporary = "".join(f"{kind}_temp_path {folder};" for kind in ("client_body", "proxy", "fastcgi", "scgi", "uwsgi"))
    config = folder / "nginx.conf"
    config.write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/log; events {{}}"
        f"http {{ access_log off; {temporary}\n{text} }}"
    )
    return [require_program("nginx"), "-p", folder, "-c", config]


def is_served(proxied: Proxied) -> bool:
    """Return whether the page comes through the proxy."""
    try:
        return proxied.status("/") == 200
    except OSError:
        return False


def test_the_page_its_posts_and_its_feed_pass_through_the_proxy(proxied: Proxied) -> None:
    assert proxied.status("/api/messages?limit=1") == 200
    assert proxied.status("/api/message", "POST", example(), Origin=ORIGIN) == 201
    assert proxied.status("/ws", Origin=ORIGIN, **UPGRADE) == 101


def test_pages_of_other_sites_are_refused_through_the_proxy(proxied: Proxied) -> None:
    assert proxied.status("/api/message", "POST", example(), Origin="https://evil.example") == 403
    assert proxied.status("/ws", Origin="https://evil.example", **UPGRADE) == 403


def test_a_large_batch_passes_through_the_proxy(proxied: Proxied) -> None:
    batch = example().ljust(1000) + b"\n"
    assert proxied.status("/api/messages", "POST", batch * 1000, Origin=ORIGIN) == 201


def test_the_log_names_the_client_and_not_the_one_that_it_claims_to_be(proxied: Proxied) -> None:
    assert proxied.status("/api/not-here", X_Forwarded_For="192.0.2.1") == 404
    log = proxied.stack.home / "log/nginx.log"
    wait_until(lambda: ' 127.0.0.1 "GET /api/not-here' in log.read_text(), "nginx has logged it")
