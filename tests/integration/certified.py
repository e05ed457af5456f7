"""A running stack that asks producers for a certificate, for the tests of them."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tests import pki, tls
from tests.pki import Ca
from tests.stack import Stack, stack
from tests.support import example, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support import Response
    from tests.tls import Files


class Certified(NamedTuple):
    """A stack with a client listener."""

    stack: Stack
    port: int
    """Of the client listener."""
    folder: Path
    """Of the authorities."""
    ca: Ca
    """The CA that the settings name."""
    ca_file: Path
    crl_file: Path

    def ask(self, files: Files | None, path: str, method: str = "GET", *issuers: Ca, **headers: Any) -> Response:
        """Send a request with a certificate, or without one."""
        with closing(pki.connection(self.port, files, *issuers)) as opened:
            return tls.ask(opened, path, method, **headers)

    def post(self, files: Files | None, *issuers: Ca, **headers: Any) -> Response:
        """Post the example with a certificate, or without one."""
        return self.ask(files, "/api/message", "POST", *issuers, **{"body": example(), **headers})

    def add(self, name: str, files: Files, role: str = "producer", *options: str) -> None:
        """Make a key for a certificate."""
        done = self.stack.deploy("key", "add", name, "--role", role, "--certificate", str(files.certificate), *options)
        assert done.returncode == 0, done.stderr

    def trust(self, *authorities: Ca) -> Any:
        """Let the settings' files have these CAs, each with a new revocation list, and let the stack take them."""
        self.ca_file.write_text("".join(each.files.certificate.read_text() for each in authorities))
        self.crl_file.write_text("".join(each.crl() for each in authorities))
        return self.stack.deploy("reload")


@contextmanager
def certified_stack(*, has_crl: bool = False) -> Iterator[Certified]:
    """Run a stack for several tests. Each of them makes keys of its own, and leaves it with the same CA."""
    home = Path(tempfile.mkdtemp(prefix="tw-", dir="/tmp"))
    home.chmod(0o755)
    (home / "sock/workers").mkdir(parents=True)
    with tempfile.TemporaryDirectory() as made:
        folder, port = Path(made), free_port()
        own, ca = tls.make(folder, "own"), Ca.root(folder, "root", "/O=Firm/CN=Firm Root")
        ca_file, crl_file = folder / "ca.pem", folder / "crl.pem"
        ca_file.write_text(ca.files.certificate.read_text())
        crl_file.write_text(ca.crl())
        settings = {**own.settings, "CLIENT_CA": str(ca_file), "CLIENT_LISTEN": f"localhost:{port}", "ACCESS": "keys"}
        settings |= {"CLIENT_CRL": str(crl_file)} if has_crl else {}
        with stack(home, RATE_LIMIT="off", **settings) as running:
            yield Certified(running, port, folder, ca, ca_file, crl_file)
    shutil.rmtree(home, ignore_errors=True)
