"""The server: its listeners for browsers and for workers, its housekeeping, and how it stops."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Final

from websockets.frames import CloseCode

from tradewire.feed import FeedHealth
from tradewire.version import VERSION
from wsserver.admission import Admission
from wsserver.browsers import BrowserConnection
from wsserver.connection import CLOSE_TIMEOUT_SECONDS
from wsserver.handshake_throttle import HandshakeThrottle
from wsserver.hub import Hub
from wsserver.publisher import Publisher
from wsserver.replay_budget import ReplayBudget
from wsserver.workers import WorkerConnection

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from structlog.stdlib import BoundLogger

    from tradewire.settings import Settings
    from wsserver.connection import Connection

BACKLOG: Final = 4096
"""Connections that the kernel queues for acceptance: more than the browsers that reconnect at once after a restart."""
ACCEPTS_PER_TURN: Final = 16
"""Connections accepted in one iteration of the event loop. Then other work gets its turn."""
CLOSE_SPREAD_SECONDS: Final = 1.5
"""At shutdown, browsers are closed at random times within this period, so that they don't all reconnect at once."""
HOUSEKEEPING_SECONDS: Final = 1.0
"""Time between two runs of the housekeeping."""


class WebSocketServer:
    """The whole WebSocket server.

    Args:
        settings: Where to listen, and how many browsers and events to keep.
        epoch: Identifies this run of the server.
        log: The log.
    """

    def __init__(self, settings: Settings, epoch: str, log: BoundLogger) -> None:
        self._settings = settings
        self._log = log
        self._hub = Hub(epoch, settings.replay_events)
        self._publisher = Publisher(self._hub)
        self._throttle = HandshakeThrottle()
        self._replays = ReplayBudget(settings.max_browsers_per_address)
        self._admission = Admission(settings)
        self._browsers: set[Connection] = set()
        self._workers: set[Connection] = set()
        self._listeners: list[asyncio.Server] = []

    async def start(self) -> None:
        """Listen for browsers and for workers."""
        self._listeners = [
            await _listen(self._settings.browser_socket, self._new_browser),
            await _listen(self._settings.worker_socket, self._new_worker),
        ]
        self._do_housekeeping()
        self._log.info("listening", version=VERSION, epoch=self._hub.epoch)

    async def stop(self) -> None:
        """Accept no new connections, send the staged events, close the workers, then the browsers."""
        for listener in self._listeners:
            listener.close()
        self._publisher.tick()
        for worker in [*self._workers]:
            worker.close(CloseCode.SERVICE_RESTART)
        await self._close_browsers()

    async def _close_browsers(self) -> None:
        """Close the browsers, spread over time, and wait until all have disconnected or their time is up."""
        loop = asyncio.get_running_loop()
        end = loop.time() + CLOSE_SPREAD_SECONDS + CLOSE_TIMEOUT_SECONDS
        for browser in self._browsers:
            delay = random.uniform(0, CLOSE_SPREAD_SECONDS)  # noqa: S311 - spreads load, keeps no secret
            loop.call_later(delay, browser.close, CloseCode.SERVICE_RESTART)
        while self._browsers and loop.time() < end:  # noqa: ASYNC110 - at the end of the process, polling costs nothing
            await asyncio.sleep(0.05)

    def _do_housekeeping(self) -> None:
        """Enforce deadlines and forget old ids, every HOUSEKEEPING_SECONDS.

        The next run is scheduled first, and each peer is handled in a callback of its own, so that an exception affects
        one peer only.
        """
        loop = asyncio.get_running_loop()
        loop.call_later(HOUSEKEEPING_SECONDS, self._do_housekeeping)
        now = loop.time()
        for peer in self._browsers | self._workers:
            if peer.deadline < now:
                loop.call_soon(peer.on_deadline)
        self._hub.dedup.expire(now)

    def _new_browser(self) -> BrowserConnection:
        return BrowserConnection(
            self._browsers,
            self._throttle,
            self._publisher,
            self._admission,
            self._is_full,
            self._replays,
        )

    def _new_worker(self) -> WorkerConnection:
        return WorkerConnection(self._workers, self._throttle, self._publisher, self._health)

    def _is_full(self) -> bool:
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


async def _listen(path: Path, new_connection: Callable[[], Connection]) -> asyncio.Server:
    """Listen on a unix socket.

    asyncio accepts up to `backlog` connections in one iteration of the event loop. So asyncio gets a small backlog, and
    the kernel a large one.
    """
    server = await asyncio.get_running_loop().create_unix_server(new_connection, path, backlog=ACCEPTS_PER_TURN)
    with server.sockets[0].dup() as sock:
        sock.listen(BACKLOG)
    return server
