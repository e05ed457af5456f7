"""Helpers for all tests: they run real programs in home directories of their own and wait for readiness."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import pytest

from tradewire.audit.chain import KEY_BYTES
from tradewire.audit.trail import Trail
from tradewire.audit.walk import Walk
from tradewire.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

_T = TypeVar("_T")

ROOT = Path(__file__).parents[1]
TIMEOUT_SECONDS = 60.0
ASK_SECONDS = 0.1
"""The pause of a test that asks nginx again and again. nginx admits 20 queries a second."""
TUBES = Settings(home=ROOT).tubes
"""The tubes of a stack with the default settings."""

_IPV6 = Path("/proc/net/if_inet6")
needs_ipv6 = pytest.mark.skipif(not (_IPV6.exists() and _IPV6.read_text()), reason="this machine has no IPv6")

EXAMPLE: dict[str, Any] = {
    "userId": "134259",
    "currencyFrom": "EUR",
    "currencyTo": "GBP",
    "amountSell": 1000,
    "amountBuy": 747.10,
    "rate": 0.7471,
    "timePlaced": "24-JAN-15 10:27:44",
    "originatingCountry": "FR",
}
EXAMPLE_WITH_TYPOS = (
    b'{"userId": "134259","currencyFrom": " EUR","currencyTo": "GBP","amountSell": 1000,"amountBuy": 747.10,'
    b'"rate": 0.7471,"timePla ced" : "24-JAN-15 10:27:44","originatingCountry" : "FR"}'
)
"""The example as it is copied all over the web, with two typos."""


def example(**changes: object) -> bytes:
    """Return the example message as JSON, with some fields changed."""
    return msgspec.json.encode(EXAMPLE | changes)


def require_program(program: str) -> str:
    """Return the path of a program. If it is missing, skip the test, or fail in CI."""
    path = shutil.which(program)
    if path is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{program} is not installed")
    return path


def free_port() -> int:
    """Return a free TCP port of the loopback interface."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def wait_until(
    condition: Callable[[], _T | None],
    description: str | Callable[[], str],
    seconds: float = TIMEOUT_SECONDS,
    pause_seconds: float = 0.01,
) -> _T:
    """Wait until a condition holds. Return its value then: another look could find another one.

    After a timeout, fail with the description of the condition. If it is a function, it is called then.
    """
    end = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > end:
            pytest.fail(f"not within {seconds:.0f} s: {description if isinstance(description, str) else description()}")
        time.sleep(pause_seconds)
    return value


def is_listening(path: Path) -> bool:
    """Return whether a process accepts connections on a unix socket."""
    with socket.socket(socket.AF_UNIX) as sock:
        try:
            sock.connect(str(path))
        except OSError:
            return False
        return True


def make_audit_key(home: Path) -> None:
    """Make the secret of the audit trail, as deploy/up does. Without it, operators' actions and exports are refused."""
    path = Settings(home=home).audit_key
    path.touch(mode=0o600)
    path.write_text("0f" * KEY_BYTES + "\n")


def audited(home: Path, *actions: str) -> list[dict[str, Any]]:
    """Check that the chain of the audit trail is whole. Return its records, or those of some actions."""
    settings = Settings(home=home)
    walk = Walk(Trail(settings.audit, settings.audit_key))
    walk.advance()
    assert (walk.fault, walk.is_torn, walk.torn) == (None, False, [])
    lines = settings.audit.read_bytes().splitlines() if settings.audit.exists() else []
    records: list[dict[str, Any]] = [msgspec.json.decode(line) for line in lines]
    return [record for record in records if not actions or record["action"] in actions]


@contextmanager
def running(
    command: Sequence[str | Path], home: Path, env: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program in a home directory, with its output in a log there. Terminate it at the end of the block."""
    log = home / f"{Path(command[0]).name}-{time.monotonic_ns()}.log"
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "TRADEWIRE_HOME": str(home),
        **(env or {}),
    }
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=home, env=environ, stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def beanstalkd(home: Path, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run beanstalkd on the stack's socket in a home directory. By default it writes a log (`-b`)."""
    program = require_program("beanstalkd")
    (home / "queue").mkdir(exist_ok=True)
    path = home / "sock/beanstalkd.sock"
    command = [program, "-l", f"unix:{path}", "-z", "1052672", *(options or ("-b", str(home / "queue")))]
    with running(command, home) as process:
        wait_until(lambda: is_listening(path), "beanstalkd listens")
        yield process


@contextmanager
def wsserver(home: Path, **env: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run the WebSocket server in a home directory."""
    with running([sys.executable, "-m", "wsserver"], home, env) as process:
        wait_until(lambda: is_listening(home / "sock/workers/wsserver.sock"), "wsserver listens")
        yield process


def get(
    port: int,
    path: str,
    *,
    method: str = "GET",
    body: bytes | None = None,
    timeout_seconds: float = TIMEOUT_SECONDS,
    **headers: str,
) -> Response:
    """Send one HTTP request to a loopback port."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_seconds)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        set_cookies = response.headers.get_all("Set-Cookie", [])
        return Response(response.status, dict(response.getheaders()), response.read(), set_cookies)
    finally:
        connection.close()


class Response(msgspec.Struct):
    """An HTTP response."""

    status: int
    headers: dict[str, str]
    """Of a repeated header, the last one."""
    body: bytes
    set_cookies: list[str] = []

    @property
    def json(self) -> Any:
        """The body, decoded from JSON."""
        return msgspec.json.decode(self.body)
