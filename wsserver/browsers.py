"""Browsers: who may come in, and what becomes of what they send: nothing."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, urlsplit

from websockets.frames import CloseCode

from wsserver.connection import Connection

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from websockets.frames import Frame
    from websockets.http11 import Request, Response

    from wsserver.handshake_throttle import HandshakeThrottle
    from wsserver.hub import Browser
    from wsserver.publisher import Publisher

BUFFER_BYTES: Final = 64 * 1024
"""A browser whose buffer is above this is given nothing more until it has drained."""
FRAMES_MAX: Final = 100
"""A browser has nothing to say; one that says more than this is sent away."""


class BrowserConnection(Connection):
    """A browser's connection."""

    __slots__ = ("_browser", "_frames", "_full", "_publisher")

    max_message_bytes = 1024
    chunk_bytes = 256
    pings = True

    def __init__(
        self, peers: set[Connection], throttle: HandshakeThrottle, publisher: Publisher, full: Callable[[], bool]
    ) -> None:
        super().__init__(peers, throttle)
        self._publisher = publisher
        self._full = full
        self._browser: Browser | None = None
        self._frames = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Bound what is kept for a browser that does not read."""
        super().connection_made(transport)
        self.transport.set_write_buffer_limits(BUFFER_BYTES)

    def refusal(self, request: Request) -> Response | None:
        """Refuse what asks for another path, a stranger's page, and one too many."""
        if request.path.partition("?")[0] != "/ws":
            return self.reject(HTTPStatus.NOT_FOUND, "There is nothing but /ws here.\n")
        if not _same_origin(request):
            return self.reject(HTTPStatus.FORBIDDEN, "Only pages of this host may connect.\n")
        if self._full():
            response = self.reject(HTTPStatus.SERVICE_UNAVAILABLE, "Too many browsers.\n")
            response.headers["Retry-After"] = "10"
            return response
        return None

    def opened(self, request: Request) -> None:
        """Join the feed, from where the browser says that it was."""
        query = parse_qs(request.path.partition("?")[2])
        epoch, offset = query.get("epoch", [""])[0], query.get("offset", [""])[0]
        self._browser = self._publisher.join(self, epoch, _offset(offset))
        self._publisher.resume(self._browser)

    def received(self, frame: Frame) -> None:  # noqa: ARG002 - whatever it is
        """Ignore it."""
        self._frames += 1
        if self._frames > FRAMES_MAX:
            self.expel(CloseCode.POLICY_VIOLATION, "a browser has nothing to send")

    def send_heartbeat(self) -> None:
        """Show a sign of life: what WebSocket itself asks and answers never gets to a page."""
        if self._browser:
            self._publisher.send_heartbeat(self._browser)

    def closed(self) -> None:
        """Leave the feed."""
        browser, self._browser = self._browser, None
        if browser:
            self._publisher.leave(browser)

    def pause_writing(self) -> None:
        """Take nothing more: the buffer is full (asyncio calls this)."""
        if self._browser:
            self._publisher.pause(self._browser)

    def resume_writing(self) -> None:
        """Go on where the browser stands: the buffer has drained (asyncio calls this)."""
        if self._browser:
            self._publisher.resume(self._browser)


def _same_origin(request: Request) -> bool:
    """Tell whether the request comes from a page of this host, or from no page at all."""
    origins = request.headers.get_all("Origin")
    try:
        return not origins or [urlsplit(origin).netloc for origin in origins] == request.headers.get_all("Host")
    except ValueError:  # an Origin that is no address
        return False


def _offset(text: str) -> int:
    """Read an offset; what is none is the offset of nobody, and so resumes nothing."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else -1  # noqa: PLR2004 - digits of 2**63
