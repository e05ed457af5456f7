"""Pebble, a server of ACME for tests, and its DNS, in which every name leads to this machine."""

from __future__ import annotations

import json
import socket
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, NamedTuple

from tests import tls
from tests.support import free_port, require_program, running, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Authority(NamedTuple):
    """A running authority."""

    url: str
    """Its directory, where clients begin."""
    certificate: Path
    """With this file, clients trust its API."""


@contextmanager
def authority(folder: Path, http_port: int) -> Iterator[Authority]:
    """Run an authority that asks for the answers to its challenges at a port of this machine."""
    pebble, dns = require_program("pebble"), require_program("pebble-challtestsrv")
    port, dns_port = free_port(), free_port()
    files = tls.make(folder, "authority")
    config = {
        "listenAddress": f"127.0.0.1:{port}",
        "managementListenAddress": f"127.0.0.1:{free_port()}",
        "certificate": str(files.certificate),
        "privateKey": str(files.key),
        "httpPort": http_port,
        "tlsPort": http_port,
    }
    path = folder / "pebble.json"
    path.write_text(json.dumps({"pebble": config}))
    off = ["-http01", "", "-https01", "", "-tlsalpn01", ""]
    management = ["-management", f"127.0.0.1:{free_port()}"]
    names = [dns, "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "", "-dns01", f"127.0.0.1:{dns_port}"]
    quick = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"}
    with (
        running([*names, *management, *off], folder),
        running([pebble, "-config", path, "-dnsserver", f"127.0.0.1:{dns_port}"], folder, quick),
    ):
        for each in (port, dns_port):
            wait_until(lambda each=each: listens(each), f"port {each} is served")  # type: ignore[misc]
        yield Authority(f"https://localhost:{port}/dir", files.certificate)


def listens(port: int) -> bool:
    """Return whether a program listens on a port."""
    with closing(socket.socket()) as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0
