"""The commands that docs/tls.md shows for certbot and lego: the stack gets a certificate, and later its successor."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests import tls
from tests.acme import Authority, authority
from tests.stack import Stack
from tests.support import ROOT, TIMEOUT_SECONDS, example, free_port, require_program
from tests.tls import HOST, Files

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = (ROOT / "docs/tls.md").read_text().replace("\\\n", " ")


class Client(NamedTuple):
    """A program that gets certificates."""

    name: str
    trust: str
    """The variable that names the file with the authority's certificate."""
    options: str
    """Those that a test needs beside the ones of the page."""
    renewal: str
    """Those that renew a certificate before its time."""
    files: tuple[str, str]


CLIENTS = (
    Client(
        "certbot",
        "REQUESTS_CA_BUNDLE",
        "--server {url} --config-dir {folder} --work-dir {folder}/work --logs-dir {folder}/log --agree-tos "
        "--register-unsafely-without-email --non-interactive",
        "--force-renewal",
        (f"live/{HOST}/fullchain.pem", f"live/{HOST}/privkey.pem"),
    ),
    Client(
        "lego",
        "LEGO_CA_CERTIFICATES",
        "--server {url} --accept-tos",
        "--days 10000 --no-random-sleep",
        (f"certificates/{HOST}.crt", f"certificates/{HOST}.key"),
    ),
)


def commands(client: Client) -> list[str]:
    """Give the page's commands: the first one gets a certificate, the last one renews it."""
    found = re.findall(rf"^{client.name} .*$", PAGE, re.MULTILINE)
    assert found
    return [found[0], found[-1]]


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a folder for the program's files."""
    with tempfile.TemporaryDirectory(prefix="tw-", dir="/tmp") as path:
        Path(path).chmod(0o755)
        yield Path(path)


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_a_stack_gets_its_first_certificate_and_a_renewed_one_without_ending_a_feed(
    folder: Path, client: Client
) -> None:
    require_program(client.name)
    port, http_port = free_port(), free_port()
    started = Stack(
        folder / "home", port, {"TRADEWIRE_HOSTS": HOST, "TRADEWIRE_REDIRECT_LISTEN": f"127.0.0.1:{http_port}"}
    )
    (folder / "own").mkdir()
    (folder / "authority").mkdir()
    files = Files(folder / "own" / client.files[0], folder / "own" / client.files[1])
    with authority(folder / "authority", http_port) as issuer:
        try:
            done = started.deploy("up", "--self-signed")
            assert done.returncode == 0, done.stderr
            get, renew = commands(client)
            run(started, client, issuer, get)
            assert started.deploy("down").returncode == 0
            started.env |= {f"TRADEWIRE_{name}": value for name, value in files.settings.items()}
            started.up()
            first = tls.served(port)
            assert first == files.der
            with tls.feed(port, tls.context()) as feed:
                assert "hello" in str(feed.recv(TIMEOUT_SECONDS))
                run(started, client, issuer, renew, client.renewal)
                assert first != tls.served(port) == files.der
                posted = tls.get(port, "/api/message", "POST", body=example()).json["id"]
                while posted not in str(feed.recv(TIMEOUT_SECONDS)):
                    pass
        except BaseException:
            print(started.logs())  # noqa: T201 - pytest shows it if the test fails
            raise
        finally:
            started.deploy("down")


def run(started: Stack, client: Client, issuer: Authority, command: str, more: str = "") -> None:
    """Run one of the page's commands, with this test's paths and authority."""
    own = started.home.parent / "own"
    text = command.replace("/srv/tradewire/var/acme", f"{started.home}/acme").replace("/srv/tradewire", str(ROOT))
    name, *words = shlex.split(text.replace("/etc/lego", str(own)))
    options = shlex.split(client.options.format(url=issuer.url, folder=own))
    # lego has options of its own before the name of an action, and options of the action behind it.
    environ = {**os.environ, client.trust: str(issuer.certificate), "TRADEWIRE_HOME": str(started.home)}
    arguments = [name, *options, *words] if name == "lego" else [name, *words, *options]
    done = subprocess.run(
        [*arguments, *shlex.split(more)], env=environ, check=False, capture_output=True, text=True, timeout=180
    )
    assert done.returncode == 0, done.stdout + done.stderr
