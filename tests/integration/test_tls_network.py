"""A stack that a network reaches, with a certificate of its own: https for others, plain http for this machine."""

from __future__ import annotations

import shutil
import ssl
import tempfile
from contextlib import closing
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests import tls
from tests.network import own_network
from tests.stack import Stack
from tests.support import TIMEOUT_SECONDS, example, free_port, require_program

if TYPE_CHECKING:
    from collections.abc import Iterator

NETWORK = ("10.0.0.1", "2001:db8::1")
"""Addresses by which the network knows the stack."""
KEYS = {"TRADEWIRE_ACCESS": "keys", "TRADEWIRE_RATE_LIMIT": "off"}


@pytest.fixture(scope="module")
def started() -> Iterator[Stack]:
    """Give a stack in a network of its own, started with --self-signed."""
    require_program("openssl")
    folder = Path(tempfile.mkdtemp(prefix="tw-", dir="/tmp"))
    folder.chmod(0o755)
    with own_network():
        port = free_port()
        listen = f"0.0.0.0:{port},[::]:{port}"
        env = {**KEYS, "TRADEWIRE_LISTEN": listen, "TRADEWIRE_HOSTS": "10.0.0.1,[2001:db8::1],trades.example"}
        running = Stack(folder / "home", port, env)
        try:
            done = running.deploy("up", "--self-signed")
            assert done.returncode == 0, done.stderr + running.logs()
            yield running
        finally:
            running.deploy("down")
    shutil.rmtree(folder, ignore_errors=True)


def verified(started: Stack, host: str) -> HTTPSConnection:
    """Return a connection that verifies the certificate as a client does that trusts the stack's file."""
    context = ssl.create_default_context(cafile=started.home / "tls/certificate.pem")
    return HTTPSConnection(host, started.port, timeout=TIMEOUT_SECONDS, context=context)


@pytest.mark.parametrize("host", NETWORK)
def test_the_network_gets_https_with_a_certificate_that_names_its_address(started: Stack, host: str) -> None:
    with closing(verified(started, host)) as opened:
        assert tls.ask(opened, "/readyz").json.keys() == {"status"}
        assert tls.ask(opened, "/api/message", "POST", body=example()).status == 401


@pytest.mark.parametrize("host", NETWORK)
def test_the_network_gets_nothing_in_clear(started: Stack, host: str) -> None:
    with closing(HTTPConnection(host, started.port, timeout=TIMEOUT_SECONDS)) as opened:
        assert tls.ask(opened, "/api/message", "POST", body=example()).status == 403


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_this_machine_asks_in_clear(started: Stack, host: str) -> None:
    with closing(HTTPConnection(host, started.port, timeout=TIMEOUT_SECONDS)) as opened:
        response = tls.ask(opened, "/readyz")
    assert (response.status, "Strict-Transport-Security" in response.headers) == (200, False)


def test_deploy_up_names_the_addresses_on_this_machine_and_those_for_others(started: Stack) -> None:
    done = started.deploy("up", "--self-signed")
    assert done.returncode == 0
    others = [f"https://{host}:{started.port}/" for host in ("10.0.0.1", "[2001:db8::1]", "trades.example")]
    own = [f"http://{host}:{started.port}/" for host in ("127.0.0.1", "[::1]")]
    assert f"Tradewire is ready: {' and '.join(own)}; for others: {' and '.join(others)}\n" in done.stdout


def test_without_the_option_the_running_stack_is_left_alone(started: Stack) -> None:
    done = started.deploy("up")
    assert (done.returncode, done.stdout) == (2, "")
    assert "TRADEWIRE_TLS_CERT and TRADEWIRE_TLS_KEY must be set" in done.stderr
    assert started.get("/readyz").status == 200


def test_a_new_certificate_is_taken_for_the_network(started: Stack, tmp_path: Path) -> None:
    own = tls.Files(started.home / "tls/self-signed.pem", started.home / "tls/self-signed.key")
    other = tls.make(tmp_path, "other")
    kept = [path.read_bytes() for path in own]
    own.replace(other)
    try:
        assert started.deploy("reload").returncode == 0
        assert {tls.served(started.port, host) for host in NETWORK} == {other.der}
    finally:
        for path, content in zip(own, kept, strict=True):
            path.write_bytes(content)
        assert started.deploy("reload").returncode == 0
