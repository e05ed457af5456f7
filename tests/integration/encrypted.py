"""A running stack that speaks https, for the tests of its certificate."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests import tls
from tests.stack import Stack, stack
from tests.support import free_port
from tests.tls import HOST, Files

if TYPE_CHECKING:
    from collections.abc import Iterator


class Encrypted(NamedTuple):
    """A stack that speaks https."""

    stack: Stack
    redirect_port: int
    files: Files
    """Those that its settings name."""
    original: Files
    """The pair that it was started with."""

    @property
    def port(self) -> int:
        """The port of https."""
        return self.stack.port

    def components(self) -> dict[str, dict[str, str]]:
        """Return the components of /readyz, asked at a rate that nginx admits."""
        found: dict[str, dict[str, str]] = tls.get(self.port, "/readyz").json["components"]
        return found


@contextmanager
def encrypted_stack() -> Iterator[Encrypted]:
    """Run a stack for several tests, as each of them leaves it whole. It takes one post of an address at a time."""
    home = Path(tempfile.mkdtemp(prefix="tw-", dir="/tmp"))
    home.chmod(0o755)
    (home / "sock/workers").mkdir(parents=True)
    with tempfile.TemporaryDirectory() as folder:
        files, original = tls.make(Path(folder), "own"), tls.make(Path(folder), "original")
        files.replace(original)
        redirect_port = free_port()
        settings = {**files.settings, "REDIRECT_LISTEN": f"127.0.0.1:{redirect_port}", "HOSTS": HOST}
        with stack(home, RATE_LIMIT="off", MAX_POSTS_PER_ADDRESS="1", **settings) as running:
            yield Encrypted(running, redirect_port, files, original)
    shutil.rmtree(home, ignore_errors=True)
