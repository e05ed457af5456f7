"""One address that resumes on /ws again and again, through nginx: it gets few replays, and others get theirs."""

from __future__ import annotations

import shutil
import socket
import tempfile
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from websockets.sync.client import connect

from tests.stack import Stack, stack
from tests.support import TIMEOUT_SECONDS, example, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from websockets.sync.client import ClientConnection

MESSAGES = 15_000
"""Their events have three times the bytes of a minute's budget of one browser, which take minutes to be earned."""


@pytest.fixture(scope="module")
def started() -> Iterator[Stack]:
    """Give a stack that the tests share. An address may have one browser."""
    home = Path(tempfile.mkdtemp(prefix="tw-", dir="/tmp"))
    home.chmod(0o755)
    (home / "sock/workers").mkdir(parents=True)
    with stack(home, BATCH_RATE_LIMIT="off", MAX_BROWSERS_PER_ADDRESS="1") as running:
        running.wait_ready()
        yield running
    shutil.rmtree(home, ignore_errors=True)


def browser(started: Stack, address: str, query: str = "", **headers: str) -> ClientConnection:
    """Connect a browser from one of this machine's addresses."""
    sock = socket.create_connection(("127.0.0.1", started.port), TIMEOUT_SECONDS, source_address=(address, 0))
    url = f"ws://localhost/ws{query}"
    return connect(url, sock=sock, additional_headers=headers, max_size=None, compression=None)


def frame(connection: ClientConnection) -> dict[str, Any]:
    """Give the next frame."""
    decoded: dict[str, Any] = msgspec.json.decode(connection.recv(TIMEOUT_SECONDS))
    return decoded


def test_an_address_that_resumes_again_and_again_gets_few_replays_and_others_get_theirs(started: Stack) -> None:
    with browser(started, "127.0.1.1") as first:
        epoch, offset = frame(first)["hello"]["epoch"], 0
        while offset < MESSAGES:
            batch = {"method": "POST", "body": b"\n".join([example()] * 1000)}
            assert started.get("/api/messages", **batch).status == 201
            until = offset + 1000
            while offset < until:
                offset = frame(first)["offset"]

    def resumes(address: str, **headers: str) -> bool:
        with browser(started, address, f"?epoch={epoch}&offset=0", **headers) as connection:
            return bool(frame(connection)["hello"]["resumed"])

    assert resumes("127.0.1.2")
    wait_until(lambda: status_of(started, "127.0.1.2") == 426, "its browser has left")
    assert not resumes("127.0.1.2", **{"X-Forwarded-For": "192.0.2.1", "X-Real-IP": "192.0.2.1"})
    assert resumes("127.0.1.3")


def status_of(started: Stack, address: str) -> int:
    """Ask for /ws without an upgrade, and return the status."""
    connection = HTTPConnection("127.0.0.1", started.port, timeout=TIMEOUT_SECONDS, source_address=(address, 0))
    with closing(connection):
        connection.request("GET", "/ws", headers={"X-Forwarded-For": "192.0.2.1"})
        return connection.getresponse().status


def test_an_address_that_connects_again_and_again_gets_429_and_others_connect(started: Stack) -> None:
    wait_until(lambda: status_of(started, "127.0.2.1") == 429, "the address is refused")
    assert status_of(started, "127.0.2.2") == 426
    wait_until(lambda: status_of(started, "127.0.2.1") == 426, "it may connect again")
