"""The WebSocket server disconnects peers that exceed their deadlines."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tradewire.logging import setup
from tradewire.settings import Settings
from wsserver import connection, server

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("sock", ["browser_socket", "worker_socket"])
def test_a_peer_that_sends_no_handshake_is_disconnected(home: Path, monkeypatch: pytest.MonkeyPatch, sock: str) -> None:
    monkeypatch.setattr(connection, "OPEN_TIMEOUT_SECONDS", 0.01)
    monkeypatch.setattr(server, "HOUSEKEEPING_SECONDS", 0.01)
    settings = Settings(home=home)

    async def silent() -> bytes:
        running = server.WebSocketServer(settings, "e", setup("wsserver"))
        await running.start()
        reader, writer = await asyncio.open_unix_connection(getattr(settings, sock))
        async with asyncio.timeout(10):
            received = await reader.read()
        writer.close()
        await running.stop()
        return received

    assert asyncio.run(silent()) == b""
