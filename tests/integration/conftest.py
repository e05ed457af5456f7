"""Helpers for the integration tests: running programs, and clients that act as browser, worker and producer."""

from __future__ import annotations

import http.client
import os
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

from tests.support import EXAMPLE, ROOT, TIMEOUT_SECONDS, Response, make_audit_key, running, wait_until
from tradewire.event import format_time
from tradewire.queue import factory
from tradewire.settings import Settings

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator, Mapping

    from tradewire.queue import Queue

FAST_LANE = "api.wsgi:app"
"""The API's application as it is deployed."""
NORMALIZED_FIELDS = {
    "timePlaced": "2015-01-24T10:27:44Z",
    "amountSell": "1000",
    "amountBuy": "747.10",
    "rate": "0.7471",
    "flags": [],
}


def event_json(event_id: str | None = None, pad: int = 0) -> bytes:
    """Return an encoded event. `pad` extra bytes are in a field that no program reads."""
    fields = {"id": event_id or str(uuid.uuid4()), "receivedAt": format_time(datetime.now(UTC)), "pad": "x" * pad}
    return msgspec.json.encode(EXAMPLE | NORMALIZED_FIELDS | fields)


def id_of(event: bytes) -> str:
    """Return the id of an encoded event."""
    decoded: dict[str, Any] = msgspec.json.decode(event)
    return str(decoded["id"])


def queue_url(home: Path) -> str:
    """Return the URL of the queue in a home directory."""
    return Settings(home=home).queue


@contextmanager
def open_queue(home: Path, max_bytes: int = 10**9) -> Iterator[Queue]:
    """Return a connection to the queue in a home directory."""
    counters = home / "ledger"
    if counters.exists() and counters.stat().st_uid != os.geteuid():
        counters = home / "run"  # the programs of a whole stack could not read what root counts in their folder
    queue = factory.open_queue(queue_url(home), max_bytes, counters)
    try:
        yield queue
    finally:
        queue.close()


def beanstalkd_stats(home: Path) -> dict[str, str]:
    """Return the response to beanstalkd's `stats` command."""
    with socket.socket(socket.AF_UNIX) as sock, sock.makefile("rb") as reader:
        sock.settimeout(TIMEOUT_SECONDS)
        sock.connect(str(home / "sock/beanstalkd.sock"))
        sock.sendall(b"stats\r\n")
        _, size = reader.readline().split()
        lines = reader.read(int(size)).decode().splitlines()[1:]
    return dict(line.split(": ", 1) for line in lines)


class Peer:
    """A WebSocket connection. The end of a `with` block closes it."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def receive(self, seconds: float = TIMEOUT_SECONDS) -> str:
        """Return the next text frame, or raise TimeoutError."""
        return str(self.connection.recv(seconds))

    def is_silent(self, seconds: float = 0.3) -> bool:
        """Return whether no frame arrives within this time."""
        try:
            self.connection.recv(seconds)
        except TimeoutError:
            return True
        return False


class Worker(Peer):
    """A worker connection to the WebSocket server."""

    def __init__(self, home: Path) -> None:
        path = str(home / "sock/workers/wsserver.sock")
        super().__init__(unix_connect(path, uri="ws://wsserver/", compression=None, close_timeout=1, legacy=True))

    def send(self, *events: bytes) -> str:
        """Send events as one frame and return the reply. Skip a READY that arrives before it."""
        self.connection.send(b"\n".join(events), text=True)
        reply = self.receive()
        return self.receive() if reply == "READY" else reply


class Browser(Peer):
    """A browser connection that has read its hello. With `stalls`, its socket is read only when a test receives."""

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
        hello = self.receive_frame()["hello"]
        self.epoch: str = hello["epoch"]
        self.offset = int(hello["offset"])
        self.resumed: bool = hello["resumed"]

    def receive_frame(self, seconds: float = TIMEOUT_SECONDS) -> dict[str, Any]:
        """Return the next frame, decoded from JSON."""
        decoded: dict[str, Any] = msgspec.json.decode(self.receive(seconds))
        return decoded

    def receive_ids(self, count: int, seconds: float = TIMEOUT_SECONDS) -> list[str]:
        """Receive at least `count` events and return their ids in order."""
        ids: list[str] = []
        while len(ids) < count:
            frame = self.receive_frame(seconds)
            self.offset = frame["offset"]
            if "gap" in frame:
                self.gaps.append(len(ids))
            else:
                self.frames += 1
                ids += [event["id"] for event in frame["events"]]
        return ids


class UnixConnection(http.client.HTTPConnection):
    """An HTTP connection over a unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=TIMEOUT_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def http_call(
    path: Path,
    target: str,
    *,
    method: str = "GET",
    body: bytes | Iterator[bytes] | None = None,
    **headers: str,
) -> Response:
    """Send one HTTP request over a unix socket."""
    connection = UnixConnection(path)
    try:
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, target, body, fields, encode_chunked="Transfer-Encoding" in fields)
        response = connection.getresponse()
        return Response(response.status, dict(response.getheaders()), response.read())
    finally:
        connection.close()


def call_ingest(home: Path, target: str, **options: Any) -> Response:
    """Send one HTTP request to the api-ingest program in a home directory."""
    return http_call(home / "sock/api-ingest.sock", target, **options)


def post(home: Path, body: bytes | Iterator[bytes], **headers: str) -> Response:
    """Post one message to the api-ingest program in a home directory."""
    return call_ingest(home, "/api/message", method="POST", body=body, **headers)


def call_query(home: Path, target: str, **options: Any) -> Response:
    """Send one HTTP request to the api-query program in a home directory."""
    return http_call(home / "sock/api-query.sock", target, **options)


def wait_ok(home: Path, component: str) -> None:
    """Wait until /readyz says that a component is ok. The API looks at each only every few seconds."""

    def status() -> object:
        return call_query(home, "/readyz").json["components"][component]["status"]

    wait_until(lambda: status() == "ok", f"{component} is ok")


@pytest.fixture(scope="module", params=[FAST_LANE, "tests.integration.slow_lane:app"], ids=["fast lane", "slow lane"])
def lane(request: pytest.FixtureRequest) -> str:
    """Return the API's application, once as it is deployed, and once without the fast lane."""
    return str(request.param)


@contextmanager
def ingest_api(home: Path, lane: str = FAST_LANE, **env: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run the api-ingest program in a home directory, with its deployed configuration."""
    with _gunicorn(home, "gunicorn_ingest.conf.py", "sock/api-ingest.sock", lane, env) as process:
        yield process


@contextmanager
def query_api(home: Path, lane: str = FAST_LANE, **env: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run the api-query program in a home directory, with its deployed configuration."""
    with _gunicorn(home, "gunicorn_query.conf.py", "sock/api-query.sock", lane, env) as process:
        yield process


@contextmanager
def _gunicorn(
    home: Path, config: str, path: str, lane: str, env: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "gunicorn", "-c", str(ROOT / "deploy" / config), lane]

    def is_healthy() -> bool:
        try:
            return http_call(home / path, "/healthz").status == 200
        except (OSError, http.client.HTTPException):
            return False

    with running(command, home, env) as process:
        wait_until(is_healthy, "gunicorn responds")
        yield process


@contextmanager
def processor(home: Path, sink: str = "live", **env: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a processor in a home directory."""
    with running([sys.executable, "-m", "processor", sink], home, env) as process:
        yield process


@contextmanager
def keeper(home: Path, **env: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run the keeper in a home directory."""
    with running([sys.executable, "-m", "processor.keeper"], home, env) as process:
        yield process


@contextmanager
def reconciler(home: Path, **env: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run the reconciler in a home directory."""
    with running([sys.executable, "-m", "processor.reconciler"], home, env) as process:
        yield process


@pytest.fixture(scope="module")
def module_home() -> Iterator[Path]:
    """Return a home directory that the tests of a module share."""
    path = Path(tempfile.mkdtemp(prefix="tw-", dir="/tmp"))
    (path / "sock/workers").mkdir(parents=True)
    make_audit_key(path)
    yield path
    shutil.rmtree(path, ignore_errors=True)
