"""The live sink: updates go to the WebSocket server, and from it to every browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tradewire.feed import Feed, Verdict
from tradewire.queue import LIVE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tradewire.settings import Settings


class LiveSink:
    """Delivers to whoever watches now; with nobody there, it says WAIT."""

    tube = LIVE

    def __init__(self, settings: Settings) -> None:
        self._feed = Feed(settings.worker_socket)

    def connect(self) -> None:
        """Connect to the WebSocket server."""
        self._feed.connect()

    def deliver(self, updates: Sequence[bytes]) -> Verdict:
        """Hand the updates to the WebSocket server."""
        return self._feed.send(updates)

    def hold_off(self, timeout_seconds: float) -> bool:
        """Wait for the WebSocket server's READY."""
        return self._feed.wait_ready(timeout_seconds)

    def close(self) -> None:
        """Close the connection to the WebSocket server."""
        self._feed.close()
