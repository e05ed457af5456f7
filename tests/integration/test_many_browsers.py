"""A few addresses open as many WebSockets as they can, with the limits that a stack has by default: others connect."""

from __future__ import annotations

import shutil
import socket
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.stack import Stack, stack
from tests.support import ASK_SECONDS, TIMEOUT_SECONDS, wait_until
from tradewire.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

ADDRESSES: Final = [f"127.0.5.{number}" for number in range(1, 6)]
EACH: Final = 200
HANDSHAKE: Final = (
    b"GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


@pytest.fixture(scope="module")
def started() -> Iterator[Stack]:
    home = Path(tempfile.mkdtemp(prefix="tw-", dir="/tmp"))
    home.chmod(0o755)
    (home / "sock/workers").mkdir(parents=True)
    with stack(home) as running:
        running.wait_ready()
        yield running
    shutil.rmtree(home, ignore_errors=True)


def test_five_addresses_with_two_hundred_web_sockets_each_leave_places_to_others(started: Stack) -> None:
    def connect(address: str) -> int:
        """Connect a browser that stays. Return the status."""
        browser = socket.create_connection(("127.0.0.1", started.port), TIMEOUT_SECONDS, source_address=(address, 0))
        connected.enter_context(browser)
        browser.sendall(HANDSHAKE)
        return int(browser.recv(12)[9:])

    share = Settings.max_browsers_per_address
    assert len(ADDRESSES) * EACH >= Settings.max_browsers > len(ADDRESSES) * share
    with ExitStack() as connected:
        for address in ADDRESSES:
            statuses = [connect(address) for _ in range(EACH)]
            assert (statuses.count(101), statuses.count(429)) == (share, EACH - share)
        assert connect("127.0.6.1") == 101
    wait_until(
        lambda: started.get("/readyz").json["components"]["wsserver"]["browsers"] == 0, "all have left", 60, ASK_SECONDS
    )
