"""What the integration tests share: clients as a browser, a worker and a producer would have them."""

from __future__ import annotations

import http.client
import shutil
import socket
import sys
import tempfile
import uuid
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import msgspec
import pytest
from websockets.sync.client import ClientConnection, unix_connect

from tests.support import EXAMPLE, PATIENCE_SECONDS, ROOT, Answer, running, wait_until
from tradewire.event import format_time
from tradewire.queue.beanstalk import BeanstalkQueue
from tradewire.settings import Settings

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator, Mapping

STATE = {
    "timePlaced": "2015-01-24T10:27:44Z",
    "amountSell": "1000",
    "amountBuy": "747.10",
    "rate": "0.7471",
    "flags": [],
}


def line(event_id: str | None = None, pad: int = 0) -> bytes:
    """Give an event as it lies in a job; `pad` more bytes go into a member that no one reads."""
    own = {"id": event_id or str(uuid.uuid4()), "receivedAt": format_time(datetime.now(UTC)), "pad": "x" * pad}
    return msgspec.json.encode(EXAMPLE | STATE | own)


def id_of(event: bytes) -> str:
    """Give an event's id."""
    found: str = msgspec.json.decode(event)["id"]
    return found


def queue_url(home: Path) -> str:
    """Give the URL of the beanstalkd in this home."""
    return Settings(home=home).queue


@contextmanager
def queue_of(home: Path, max_bytes: int = 10**9) -> Iterator[BeanstalkQueue]:
    """Give a connection to the beanstalkd in this home."""
    queue = BeanstalkQueue(queue_url(home), max_bytes)
    try:
        yield queue
    finally:
        queue.close()


def stats(home: Path) -> dict[str, str]:
    """Give beanstalkd's own statistics."""
    with socket.socket(socket.AF_UNIX) as sock, sock.makefile("rb") as answers:
        sock.settimeout(PATIENCE_SECONDS)
        sock.connect(str(home / "sock/beanstalkd.sock"))
        sock.sendall(b"stats\r\n")
        _, size = answers.readline().split()
        lines = answers.read(int(size)).decode().splitlines()[1:]
    return dict(one.split(": ", 1) for one in lines)


class Peer:
    """A WebSocket connection to the server in a home; a block closes it."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def text(self, seconds: float = PATIENCE_SECONDS) -> str:
        """Give the next frame; TimeoutError where none comes."""
        return str(self.connection.recv(seconds))

    def silent(self, seconds: float = 0.3) -> bool:
        """Tell whether nothing comes for that long."""
        try:
            self.connection.recv(seconds)
        except TimeoutError:
            return True
        return False


class Worker(Peer):
    """A worker's connection."""

    def __init__(self, home: Path) -> None:
        path = str(home / "sock/workers/wsserver.sock")
        super().__init__(unix_connect(path, uri="ws://wsserver/", compression=None, close_timeout=1, legacy=True))

    def ask(self, *events: bytes) -> str:
        """Send events as one frame and give the answer."""
        self.connection.send(b"\n".join(events), text=True)
        answer = self.text()
        return self.text() if answer == "READY" else answer


class Browser(Peer):
    """A browser's connection, its hello read; `stalls` makes one that reads nothing but when it is asked to."""

    def __init__(
        self,
        home: Path,
        query: str = "",
        *,
        stalls: bool = False,
        path: str = "/ws",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(
            unix_connect(
                str(home / "sock/browsers.sock"),
                uri=f"ws://localhost{path}{query}",
                compression=None,
                close_timeout=1,
                legacy=True,
                max_size=None,
                max_queue=1 if stalls else 1000,
                additional_headers=headers,
            )
        )
        self.gaps: list[int] = []
        self.frames = 0
        hello = self.frame()["hello"]
        self.epoch: str = hello["epoch"]
        self.offset = int(hello["offset"])
        self.resumed: bool = hello["resumed"]

    def frame(self, seconds: float = PATIENCE_SECONDS) -> dict[str, Any]:
        """Give the next frame, decoded."""
        decoded: dict[str, Any] = msgspec.json.decode(self.text(seconds))
        return decoded

    def ids(self, count: int, seconds: float = PATIENCE_SECONDS) -> list[str]:
        """Read events until there are that many at least; give their ids, in the order they came."""
        ids: list[str] = []
        while len(ids) < count:
            frame = self.frame(seconds)
            self.offset = frame["offset"]
            if "gap" in frame:
                self.gaps.append(len(ids))
            else:
                self.frames += 1
                ids += [event["id"] for event in frame["events"]]
        return ids


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=PATIENCE_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def call(
    path: Path,
    target: str,
    *,
    method: str = "GET",
    body: bytes | Iterator[bytes] | None = None,
    **headers: str,
) -> Answer:
    """Make one HTTP request over a unix socket."""
    connection = UnixConnection(path)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, target, body, named, encode_chunked="Transfer-Encoding" in named)
        response = connection.getresponse()
        return Answer(response.status, dict(response.getheaders()), response.read())
    finally:
        connection.close()


def api(home: Path, target: str, **more: Any) -> Answer:
    """Make one HTTP request to the API in this home."""
    return call(home / "sock/api-ingest.sock", target, **more)


def post(home: Path, body: bytes | Iterator[bytes], **headers: str) -> Answer:
    """Post one message to the API in this home."""
    return api(home, "/api/message", method="POST", body=body, **headers)


def ask(home: Path, target: str, **more: Any) -> Answer:
    """Ask the API's other program in this home, which answers questions."""
    return call(home / "sock/api-query.sock", target, **more)


@contextmanager
def gunicorn(home: Path, **env: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run the API in this home as it is deployed, the program that takes messages."""
    with _gunicorn(home, "gunicorn.conf.py", "sock/api-ingest.sock", env) as process:
        yield process


@contextmanager
def reads(home: Path, **env: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run the API in this home as it is deployed, the program that answers questions."""
    with _gunicorn(home, "gunicorn_reads.conf.py", "sock/api-query.sock", env) as process:
        yield process


@contextmanager
def _gunicorn(home: Path, config: str, path: str, env: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "gunicorn", "-c", str(ROOT / "deploy" / config)]

    def answers() -> bool:
        try:
            return call(home / path, "/healthz").status == 200
        except (OSError, http.client.HTTPException):
            return False

    with running(command, home, env) as process:
        wait_until(answers, "gunicorn answers")
        yield process


@contextmanager
def processor(home: Path, sink: str = "live", **env: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a processor in this home."""
    with running([sys.executable, "-m", "processor", sink], home, env) as process:
        yield process


@pytest.fixture(scope="module")
def module_home() -> Iterator[Path]:
    """Give a home that one module's tests share."""
    path = Path(tempfile.mkdtemp(prefix="tw-", dir="/tmp"))
    (path / "sock/workers").mkdir(parents=True)
    yield path
    shutil.rmtree(path, ignore_errors=True)
