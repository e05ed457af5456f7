"""Certificates for tests, and requests to a stack that serves one."""

from __future__ import annotations

import http.client
import ssl
import subprocess
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from websockets.exceptions import InvalidMessage
from websockets.sync.client import ClientConnection, connect

from tests.support import TIMEOUT_SECONDS, Response, require_program

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

HOST: Final = "trades.example"
_ATTEMPTS: Final = 3
CURVE: Final = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
_CA_CONFIG = """\
[ca]
default_ca = own
[own]
database = {folder}/index
new_certs_dir = {folder}
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
email_in_dn = yes
string_mask = utf8only
[any]
countryName = optional
organizationName = optional
organizationalUnitName = optional
commonName = optional
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[client]
basicConstraints = CA:FALSE
extendedKeyUsage = clientAuth
authorityKeyIdentifier = keyid
[server]
basicConstraints = CA:FALSE
extendedKeyUsage = serverAuth
authorityKeyIdentifier = keyid
"""


class Files(NamedTuple):
    """The files of a certificate and its key."""

    certificate: Path
    key: Path

    @property
    def settings(self) -> dict[str, str]:
        """The settings that name them, without their prefix."""
        return {"TLS_CERT": str(self.certificate), "TLS_KEY": str(self.key)}

    @property
    def der(self) -> bytes:
        """The certificate, without those of the authorities that may follow it in its file."""
        own, end, _ = self.certificate.read_text().partition(ssl.PEM_FOOTER)
        return ssl.PEM_cert_to_DER_cert(own + end)

    def replace(self, other: Files) -> None:
        """Take the content of other files, as a program does that renews certificates."""
        for own, new in zip(self, other, strict=True):
            own.write_bytes(new.read_bytes())


def openssl(*arguments: str | Path, text: str | None = None) -> str:
    """Run openssl and return its output."""
    command = [require_program("openssl"), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, input=text).stdout


def ca_config(folder: Path) -> str:
    """Make what openssl needs to sign certificates in a folder, and return its configuration."""
    (folder / "index").write_text("")
    return _CA_CONFIG.format(folder=folder)


def make(folder: Path, name: str, *, days: int = 90, key: tuple[str, ...] = (*CURVE, "-nodes")) -> Files:
    """Make a certificate that signs itself. Its hosts are loopback and HOST."""
    files = Files(folder / f"{name}.pem", folder / f"{name}.key")
    names = f"subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:{HOST}"
    subject = ("-subj", f"/CN={name}", "-addext", names, "-days", str(days))
    openssl("req", "-x509", *key, *subject, "-keyout", files.key, "-out", files.certificate)
    return files


def make_until(folder: Path, name: str, end: datetime) -> Files:
    """Make a certificate that expires at a time, which may have passed."""
    files, request = Files(folder / f"{name}.pem", folder / f"{name}.key"), folder / f"{name}.csr"
    openssl("req", *CURVE, "-nodes", "-subj", f"/CN={name}", "-keyout", files.key, "-out", request)
    times = ["-startdate", "20200101000000Z", "-enddate", f"{end:%Y%m%d%H%M%SZ}"]
    sign = ["ca", "-batch", "-config", "/dev/stdin", "-selfsign", "-keyfile", str(files.key), *times, "-notext"]
    openssl(*sign, "-in", request, "-out", files.certificate, text=ca_config(folder))
    return files


def context(alpn: str = "http/1.1") -> ssl.SSLContext:
    """Return a context that trusts every certificate."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    made.set_alpn_protocols([alpn])
    return made


def connection(port: int, address: str = "127.0.0.1") -> http.client.HTTPSConnection:
    """Return a connection of HTTP/1.1 that has yet to be opened."""
    return http.client.HTTPSConnection(address, port, timeout=TIMEOUT_SECONDS, context=context())


def ask(connection: http.client.HTTPConnection, path: str, method: str = "GET", **headers: Any) -> Response:
    """Send a request on a connection. The header `body` is the body."""
    body = headers.pop("body", None)
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    response = connection.getresponse()
    return Response(response.status, dict(response.getheaders()), response.read())


def get(port: int, path: str, method: str = "GET", **headers: Any) -> Response:
    """Send one request over TLS."""
    with closing(connection(port)) as opened:
        return ask(opened, path, method, **headers)


def feed(port: int, context: ssl.SSLContext, **options: Any) -> ClientConnection:
    """Connect to /ws.

    The client reads and writes in two threads, and Python 3.11 does not keep them apart within OpenSSL: if both act at
    the same moment, the connection seems to have ended. This happens to one handshake in 200, which is then repeated.
    """
    for _ in range(_ATTEMPTS):
        with suppress(InvalidMessage):
            opened: ClientConnection = connect(f"wss://127.0.0.1:{port}/ws", ssl=context, proxy=None, **options)
            return opened
    raise AssertionError(f"{_ATTEMPTS} handshakes in turn got no answer")


def served(port: int, address: str = "127.0.0.1") -> bytes:
    """Return the certificate that nginx serves."""
    with closing(connection(port, address)) as opened:
        opened.connect()
        certificate: bytes | None = opened.sock.getpeercert(binary_form=True)
        assert certificate
        return certificate
