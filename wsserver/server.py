"""The server's two listeners, one for browsers and one for workers, and how it stops."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, urlsplit

import msgspec
from websockets.asyncio.server import Server, ServerConnection, unix_serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode

from tradewire.errors import BadUpdate
from tradewire.feed import FeedHealth
from tradewire.limits import MAX_JOB_BYTES
from wsserver.hub import Hub
from wsserver.publisher import Publisher

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable

    from structlog.stdlib import BoundLogger
    from websockets.http11 import Request, Response

    from tradewire.settings import Settings
    from wsserver.hub import Browser

BROWSER_BUFFER_BYTES: Final = 64 * 1024
"""A browser whose buffer is above this is given nothing more until it has drained."""
BROWSER_MESSAGE_BYTES: Final = 1024
BROWSER_MESSAGES: Final = 100
"""A browser has nothing to say; one that says more than this is sent away."""
GOODBYE_SECONDS: Final = 1.5
"""Over which browsers are told to come back, so that they don't come all at once."""
CLOSE_SECONDS: Final = 3


class BrowserConnection(ServerConnection):
    """A browser's connection; its server is told when its buffer has drained."""

    browser: Browser | None = None
    publisher: Publisher

    def resume_writing(self) -> None:
        """Go on where the browser stands (asyncio calls this)."""
        super().resume_writing()
        if self.browser:
            self.publisher.pump(self.browser)


class WebSocketServer:
    """Everything that wsserver does, between `start` and `stop`."""

    def __init__(self, settings: Settings, epoch: str, log: BoundLogger) -> None:
        self._settings = settings
        self._log = log
        self._hub = Hub(epoch, settings.replay_updates)
        self._publisher = Publisher(self._hub)
        self._workers: set[ServerConnection] = set()
        self._listeners: list[Server] = []

    async def start(self) -> None:
        """Listen for browsers and for workers."""
        browsers = unix_serve(
            self._serve_browser,
            self._settings.browser_socket,
            process_request=self._admit_browser,
            create_connection=BrowserConnection,
            compression=None,
            max_size=BROWSER_MESSAGE_BYTES,
            max_queue=4,
            write_limit=BROWSER_BUFFER_BYTES,
            close_timeout=CLOSE_SECONDS,
            server_header=None,
            backlog=1024,
        )
        workers = unix_serve(
            self._serve_worker,
            self._settings.worker_socket,
            process_request=self._answer_health,
            compression=None,
            max_size=MAX_JOB_BYTES,
            max_queue=1,
            close_timeout=CLOSE_SECONDS,
            server_header=None,
        )
        self._listeners = [await browsers, await workers]
        self._log.info("listening", epoch=self._hub.epoch)

    async def stop(self) -> None:
        """Take no new peers, show what is collected, let workers go, tell browsers to come back."""
        for listener in self._listeners:
            listener.close(close_connections=False)
        self._publisher.flush()
        await _within(CLOSE_SECONDS, (worker.close(CloseCode.SERVICE_RESTART) for worker in self._workers))
        browsers, _ = self._listeners
        await _within(GOODBYE_SECONDS + CLOSE_SECONDS, map(_dismiss, browsers.connections))
        # Who has not even said what it wants by now is left to the end of the process.

    def _admit_browser(self, connection: ServerConnection, request: Request) -> Response | None:
        """Refuse, before the handshake, what asks for another path, a stranger's page, and one too many."""
        path, _, _ = request.path.partition("?")
        if path != "/ws":
            return connection.respond(HTTPStatus.NOT_FOUND, "There is nothing but /ws here.\n")
        if not _same_origin(request):
            return connection.respond(HTTPStatus.FORBIDDEN, "Only pages of this host may connect.\n")
        if len(self._hub.browsers) >= self._settings.max_browsers:
            self._log.warning("browser refused", reason="too many", browsers=len(self._hub.browsers))
            response = connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "Too many browsers.\n")
            response.headers["Retry-After"] = "10"
            return response
        return None

    async def _serve_browser(self, connection: ServerConnection) -> None:
        assert isinstance(connection, BrowserConnection)  # noqa: S101 - the listener makes no other
        assert connection.request is not None  # noqa: S101 - it was admitted
        if len(self._hub.browsers) >= self._settings.max_browsers:  # many were admitted in one moment
            await connection.close(CloseCode.TRY_AGAIN_LATER, "too many browsers")
            return
        query = parse_qs(connection.request.path.partition("?")[2])
        epoch, offset = query.get("epoch", [""])[0], query.get("offset", [""])[0]
        connection.publisher = self._publisher
        browser = self._publisher.join(connection, epoch, _offset(offset))
        connection.browser = browser
        try:
            await _ignore(connection)
        finally:
            connection.browser = None
            self._publisher.leave(browser)
        await connection.close(CloseCode.POLICY_VIOLATION, "a browser has nothing to send")

    async def _serve_worker(self, connection: ServerConnection) -> None:
        self._workers.add(connection)
        try:
            while True:
                frame = await connection.recv(decode=False)
                try:
                    answer = await self._publisher.publish(frame.split(b"\n"))
                except BadUpdate as error:
                    answer = f"BAD {error}"
                await connection.send(answer)
                if answer == "WAIT":
                    self._publisher.waits(connection)
        except ConnectionClosed:
            pass
        finally:
            self._workers.discard(connection)
            self._publisher.forget(connection)

    def _answer_health(self, connection: ServerConnection, request: Request) -> Response | None:
        if request.path != "/health":
            return None
        browsers = len(self._hub.browsers)
        health = FeedHealth(
            epoch=self._hub.epoch,
            offset=self._hub.offset,
            browsers=browsers,
            lagging=browsers - self._hub.takers,
            workers=len(self._workers),
        )
        return connection.respond(HTTPStatus.OK, msgspec.json.encode(health).decode())


def _same_origin(request: Request) -> bool:
    """Tell whether the request comes from a page of this host, or from no page at all."""
    origins = request.headers.get_all("Origin")
    try:
        return not origins or [urlsplit(origin).netloc for origin in origins] == request.headers.get_all("Host")
    except ValueError:  # an Origin that is no address
        return False


async def _within(seconds: float, goodbyes: Iterable[Coroutine[None, None, None]]) -> None:
    """Say all goodbyes at once, and wait for them so long: a peer may have stopped listening."""
    tasks = [asyncio.create_task(goodbye) for goodbye in goodbyes]
    if tasks:
        await asyncio.wait(tasks, timeout=seconds)


async def _ignore(connection: ServerConnection) -> None:
    """Read what the browser sends, until it leaves or has sent too much."""
    with suppress(ConnectionClosed):
        for _ in range(BROWSER_MESSAGES):
            await connection.recv(decode=False)


async def _dismiss(connection: ServerConnection) -> None:
    await asyncio.sleep(random.uniform(0, GOODBYE_SECONDS))  # noqa: S311 - spreads load, keeps no secret
    await connection.close(CloseCode.SERVICE_RESTART)


def _offset(text: str) -> int:
    """Read an offset; what is none is the offset of nobody, and so resumes nothing."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else -1  # noqa: PLR2004 - digits of 2**63
