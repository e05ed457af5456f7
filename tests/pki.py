"""A small certificate authority for tests, with openssl, as a firm may have one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from http.client import HTTPSConnection
from typing import TYPE_CHECKING, NamedTuple

from tests import tls
from tests.support import TIMEOUT_SECONDS
from tests.tls import CURVE, Files, openssl

if TYPE_CHECKING:
    import ssl
    from pathlib import Path


class Ca(NamedTuple):
    """A certificate authority, with its files in a folder of its own."""

    folder: Path
    files: Files

    @classmethod
    def root(cls, parent: Path, name: str, subject: str = "", *, days: int = 365) -> Ca:
        """Make a root."""
        made = cls._in(parent, name)
        extensions = (
            "-addext",
            "basicConstraints=critical,CA:TRUE",
            "-addext",
            "keyUsage=critical,keyCertSign,cRLSign",
        )
        options = ("-subj", subject or f"/CN={name}", "-days", str(days), *extensions)
        openssl("req", "-x509", *CURVE, "-nodes", *options, "-keyout", made.files.key, "-out", made.files.certificate)
        return made

    @classmethod
    def _in(cls, parent: Path, name: str) -> Ca:
        folder = parent / name
        folder.mkdir()
        (folder / "config").write_text(tls.ca_config(folder))
        return cls(folder, Files(folder / "ca.pem", folder / "ca.key"))

    def below(self, name: str, subject: str = "") -> Ca:
        """Make an intermediate CA."""
        made = Ca._in(self.folder, name)
        self._sign(made.files, subject or f"/CN={name}", "authority", timedelta(0), timedelta(days=30))
        return made

    def with_comment(self, length: int) -> Ca:
        """Return the same CA. The certificates of its clients have a comment of so many characters."""
        made = Ca._in(self.folder, f"comment-{length}")
        with (made.folder / "config").open("a") as config:
            config.write(f"[client]\nnsComment = {'x' * length}\n")
        return made._replace(files=self.files)

    def issue(
        self,
        name: str,
        subject: str = "",
        *,
        use: str = "client",
        start: timedelta = timedelta(0),
        end: timedelta = timedelta(days=30),
    ) -> Files:
        """Issue a certificate.

        Args:
            name: The name of the files.
            subject: As openssl takes it; without it, CN is the name.
            use: `client` or `server`.
            start: When it begins to be valid, from now.
            end: When it expires, from now.
        """
        made = Files(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        self._sign(made, subject or f"/CN={name}", use, start, end)
        return made

    def revoke(self, files: Files) -> None:
        """Revoke a certificate. The next list has it."""
        self._run("-revoke", files.certificate)

    def crl(self, life: timedelta = timedelta(days=30), start: timedelta = timedelta(0)) -> str:
        """Return a revocation list."""
        path, now = self.folder / "crl.pem", datetime.now(UTC)
        times = [f"{now + each:%Y%m%d%H%M%SZ}" for each in (start, start + life)]
        self._run("-gencrl", "-crl_lastupdate", times[0], "-crl_nextupdate", times[1], "-out", path)
        return path.read_text()

    def _sign(self, files: Files, subject: str, section: str, start: timedelta, end: timedelta) -> None:
        request, now = files.key.with_suffix(".csr"), datetime.now(UTC)
        names = ("-subj", subject, "-utf8", "-multivalue-rdn")
        openssl("req", *CURVE, "-nodes", *names, "-keyout", files.key, "-out", request)
        times = ("-startdate", f"{now + start:%Y%m%d%H%M%SZ}", "-enddate", f"{now + end:%Y%m%d%H%M%SZ}")
        self._run(
            "-extensions", section, *times, "-preserveDN", "-utf8", "-notext", "-in", request, "-out", files.certificate
        )

    def _run(self, *arguments: str | Path) -> None:
        own = ("-keyfile", self.files.key, "-cert", self.files.certificate)
        openssl("ca", "-batch", "-config", self.folder / "config", *own, *arguments)


def context(files: Files | None, *issuers: Ca) -> ssl.SSLContext:
    """Return the context of a client with a certificate, and those of its issuers, or without one."""
    made = tls.context()
    if files:
        chain = files.certificate.with_suffix(".chain")
        chain.write_text(
            "".join(path.read_text() for path in (files.certificate, *(ca.files.certificate for ca in issuers)))
        )
        made.load_cert_chain(chain, files.key)
    return made


def connection(port: int, files: Files | None, *issuers: Ca, address: str = "127.0.0.1") -> HTTPSConnection:
    """Return a connection of HTTP/1.1 that has yet to be opened."""
    return HTTPSConnection(address, port, timeout=TIMEOUT_SECONDS, context=context(files, *issuers))
