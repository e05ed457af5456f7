"""What tests share: real programs on free ports, in homes of their own, awaited by readiness."""

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
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

ROOT = Path(__file__).parents[1]
PATIENCE_SECONDS = 20.0

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
WIDELY_COPIED = (
    b'{"userId": "134259","currencyFrom": " EUR","currencyTo": "GBP","amountSell": 1000,"amountBuy": 747.10,'
    b'"rate": 0.7471,"timePla ced" : "24-JAN-15 10:27:44","originatingCountry" : "FR"}'
)
"""The example that is found all over the web, with both of its slips."""


def example(**changes: object) -> bytes:
    """Give the example message with some fields changed, as JSON."""
    return msgspec.json.encode(EXAMPLE | changes)


def need(program: str) -> str:
    """Give the program's path; where it is missing, skip the test on a developer's machine and fail in CI."""
    path = shutil.which(program)
    if path is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{program} is not installed")
    return path


def free_port() -> int:
    """Give a TCP port of loopback that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def wait_until(condition: Callable[[], object], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until the condition holds; fail, saying what did not come about, when it takes too long."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            pytest.fail(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.01)


def connects(path: Path) -> bool:
    """Tell whether someone listens on the unix socket."""
    with socket.socket(socket.AF_UNIX) as sock:
        try:
            sock.connect(str(path))
        except OSError:
            return False
        return True


@contextmanager
def running(
    command: Sequence[str | Path], home: Path, env: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program in a home, its output in a log there, and end it with the block, by its id."""
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
    """Run a beanstalkd on the stack's socket in this home, with a log unless the options say otherwise."""
    program = need("beanstalkd")
    (home / "queue").mkdir(exist_ok=True)
    path = home / "sock/beanstalkd.sock"
    command = [program, "-l", f"unix:{path}", "-z", "1052672", *(options or ("-b", str(home / "queue")))]
    with running(command, home) as process:
        wait_until(lambda: connects(path), "beanstalkd listens")
        yield process


@contextmanager
def wsserver(home: Path, **env: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run the WebSocket server in this home."""
    with running([sys.executable, "-m", "wsserver"], home, env) as process:
        wait_until(lambda: connects(home / "sock/workers/wsserver.sock"), "wsserver listens")
        yield process


def get(port: int, path: str, *, method: str = "GET", body: bytes | None = None, **headers: str) -> Answer:
    """Make one HTTP request to loopback."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        return Answer(response.status, dict(response.getheaders()), response.read())
    finally:
        connection.close()


class Answer(msgspec.Struct):
    """An HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return msgspec.json.decode(self.body)
