"""Connections to this stack's own nginx, with TLS or without."""

from __future__ import annotations

import ssl
from http.client import HTTPConnection, HTTPSConnection
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tradewire import certificate

if TYPE_CHECKING:
    from pathlib import Path


def connection_to(home: Path, url: str, timeout_seconds: float) -> HTTPConnection:
    """Return a connection that has yet to be opened. Opening it raises OSError if nginx can't be reached.

    Args:
        home: The stack's home.
        url: A URL of the stack.
        timeout_seconds: How long each step may take.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "http":
        return HTTPConnection(host, parts.port, timeout=timeout_seconds)
    return _PinnedConnection(certificate.installed(home), host, parts.port, timeout_seconds)


class _PinnedConnection(HTTPSConnection):
    """Trusts the stack's certificate alone, with any issuer, name and time of expiry."""

    def __init__(self, certificate_file: Path, host: str, port: int | None, timeout_seconds: float) -> None:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        super().__init__(host, port, timeout=timeout_seconds, context=context)
        self._certificate_file = certificate_file

    def connect(self) -> None:
        super().connect()
        served: bytes | None = self.sock.getpeercert(binary_form=True)
        if served != certificate.leaf(self._certificate_file.read_bytes()):
            self.close()
            raise OSError(f"its certificate is not that in {self._certificate_file}")
