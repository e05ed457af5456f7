"""The server: its two listeners, one for browsers and one for workers, and how it stops."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Final

from websockets.frames import CloseCode

from tradewire.feed import FeedHealth
from wsserver.browsers import BrowserConnection
from wsserver.connection import CLOSE_SECONDS
from wsserver.handshake_throttle import HandshakeThrottle
from wsserver.hub import Hub
from wsserver.publisher import Publisher
from wsserver.workers import WorkerConnection

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from structlog.stdlib import BoundLogger

    from tradewire.settings import Settings
    from wsserver.connection import Connection

BACKLOG: Final = 4096
"""Peers that may wait to be accepted: more browsers than come back at once, after a restart."""
ACCEPTED_A_TURN: Final = 16
"""Peers accepted before everybody else has a turn."""
GOODBYE_SECONDS: Final = 1.5
"""Over which browsers are told to come back, so that they don't come all at once."""
LOOK_SECONDS: Final = 1.0


class WebSocketServer:
    """Everything that wsserver does, between `start` and `stop`."""

    def __init__(self, settings: Settings, epoch: str, log: BoundLogger) -> None:
        self._settings = settings
        self._log = log
        self._hub = Hub(epoch, settings.replay_events)
        self._publisher = Publisher(self._hub)
        self._throttle = HandshakeThrottle()
        self._browsers: set[Connection] = set()
        self._workers: set[Connection] = set()
        self._listeners: list[asyncio.Server] = []

    async def start(self) -> None:
        """Listen for browsers and for workers."""
        self._listeners = [
            await _listen(self._settings.browser_socket, self._browser),
            await _listen(self._settings.worker_socket, self._worker),
        ]
        self._look_after()
        self._log.info("listening", epoch=self._hub.epoch)

    async def stop(self) -> None:
        """Take no new peers, show what is collected, let workers go, tell browsers to come back."""
        for listener in self._listeners:
            listener.close()
        self._publisher.flush()
        for worker in [*self._workers]:
            worker.close(CloseCode.SERVICE_RESTART)
        await self._dismiss_browsers()

    async def _dismiss_browsers(self) -> None:
        """Say goodbye to each in its own moment, and wait for those who answer."""
        loop = asyncio.get_running_loop()
        end = loop.time() + GOODBYE_SECONDS + CLOSE_SECONDS
        for browser in self._browsers:
            wait = random.uniform(0, GOODBYE_SECONDS)  # noqa: S311 - spreads load, keeps no secret
            loop.call_later(wait, browser.close, CloseCode.SERVICE_RESTART)
        while self._browsers and loop.time() < end:  # noqa: ASYNC110 - the process ends: no time to be gained
            await asyncio.sleep(0.05)

    def _look_after(self) -> None:
        """Once a second, do what is due: ask the silent, cut off the dead, forget what is old.

        The next look is set first, and each peer is dealt with apart, so that a fault with one ends nothing.
        """
        loop = asyncio.get_running_loop()
        loop.call_later(LOOK_SECONDS, self._look_after)
        now = loop.time()
        for peer in self._browsers | self._workers:
            if peer.deadline < now:
                loop.call_soon(peer.on_deadline)
        self._hub.dedup.expire(now)

    def _browser(self) -> BrowserConnection:
        return BrowserConnection(self._browsers, self._throttle, self._publisher, self._full)

    def _worker(self) -> WorkerConnection:
        return WorkerConnection(self._workers, self._throttle, self._publisher, self._health)

    def _full(self) -> bool:
        browsers = len(self._hub.browsers)
        if browsers < self._settings.max_browsers:
            return False
        self._log.warning("browser refused", reason="too many", browsers=browsers)
        return True

    def _health(self) -> FeedHealth:
        browsers = len(self._hub.browsers)
        return FeedHealth(
            epoch=self._hub.epoch,
            offset=self._hub.offset,
            browsers=browsers,
            lagging=browsers - self._hub.ready_count,
            workers=sum(worker.open for worker in self._workers),
        )


async def _listen(path: Path, connection: Callable[[], Connection]) -> asyncio.Server:
    """Listen on a unix socket.

    asyncio accepts, in one turn, as many peers as it was told may wait. So it is told a few, and the kernel many.
    """
    server = await asyncio.get_running_loop().create_unix_server(connection, path, backlog=ACCEPTED_A_TURN)
    with server.sockets[0].dup() as sock:
        sock.listen(BACKLOG)
    return server
