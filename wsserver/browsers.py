"""Connections of browsers: which ones are accepted, and what each is sent. What a browser sends is ignored."""

from __future__ import annotations

from http import HTTPStatus
from time import monotonic
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
"""High-water mark of a browser's write buffer. Above it, the browser gets no frames until the buffer has drained."""
FRAME_SECONDS: Final = 1.0
"""Time in which one frame from a browser is accepted. A page sends none, but programs may send keepalive pings."""
FRAMES_AT_ONCE: Final = 100
"""Frames that may come sooner than that. More than this is abuse."""


class BrowserConnection(Connection):
    """A connection to one browser.

    Args:
        peers: All connections of browsers.
        throttle: Runs the handshakes of all connections.
        publisher: Sends the browser its events.
        is_full: Tells whether the server has as many browsers as it may have.
        public_origin: The page's origin behind a proxy that changes the host. Empty without such a proxy.
    """

    __slots__ = ("_browser", "_frames_until", "_is_full", "_public_origin", "_publisher")

    max_message_bytes = 1024
    chunk_bytes = 256
    pings = True

    def __init__(
        self,
        peers: set[Connection],
        throttle: HandshakeThrottle,
        publisher: Publisher,
        is_full: Callable[[], bool],
        public_origin: str,
    ) -> None:
        super().__init__(peers, throttle)
        self._publisher = publisher
        self._is_full = is_full
        self._public_origin = public_origin
        self._browser: Browser | None = None
        self._frames_until = 0.0
        """When the frames so far would have come at the accepted rate, on the monotonic clock, in seconds."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Bound the data buffered for a browser that does not read."""
        super().connection_made(transport)
        self.transport.set_write_buffer_limits(BUFFER_BYTES)

    def refusal(self, request: Request) -> Response | None:
        """Refuse other paths, pages of other origins, and browsers above the limit."""
        if request.path.partition("?")[0] != "/ws":
            return self.reject(HTTPStatus.NOT_FOUND, "Only /ws is served here.\n")
        if not _is_own_origin(request, self._public_origin):
            return self.reject(HTTPStatus.FORBIDDEN, "Only pages of this host may connect: see TRADEWIRE_PUBLIC_URL.\n")
        if self._is_full():
            response = self.reject(HTTPStatus.SERVICE_UNAVAILABLE, "Too many browsers.\n")
            response.headers["Retry-After"] = "10"
            return response
        return None

    def opened(self, request: Request) -> None:
        """Join the stream at the epoch and offset that the browser names."""
        query = parse_qs(request.path.partition("?")[2])
        epoch, offset = query.get("epoch", [""])[0], query.get("offset", [""])[0]
        self._browser = self._publisher.join(self, epoch, _offset(offset))
        self._publisher.resume(self._browser)

    def received(self, frame: Frame) -> None:  # noqa: ARG002 - its content is ignored
        """Count the frame and ignore its content. Pings count, since each of them is answered."""
        now = monotonic()
        self._frames_until = max(self._frames_until, now) + FRAME_SECONDS
        if self._frames_until > now + FRAMES_AT_ONCE * FRAME_SECONDS:
            self.fail(CloseCode.POLICY_VIOLATION, "too many frames: a browser has nothing to send")

    def send_heartbeat(self) -> None:
        """Send a frame that the page sees. Pings and pongs are handled by the browser and never reach the page."""
        if self._browser:
            self._publisher.send_heartbeat(self._browser)

    def closed(self) -> None:
        """Leave the stream."""
        browser, self._browser = self._browser, None
        if browser:
            self._publisher.leave(browser)

    def pause_writing(self) -> None:
        """Stop sending. asyncio calls this when the write buffer is above its high-water mark."""
        if self._browser:
            self._publisher.pause(self._browser)

    def resume_writing(self) -> None:
        """Continue at the browser's cursor. asyncio calls this when the write buffer has drained."""
        if self._browser:
            self._publisher.resume(self._browser)


def _is_own_origin(request: Request, public_origin: str) -> bool:
    """Return whether the request comes from the stack's own page, or from a program, which sends no Origin."""
    origins = request.headers.get_all("Origin")
    if not origins or (public_origin and origins == [public_origin]):
        return True
    try:
        return [urlsplit(origin).netloc for origin in origins] == request.headers.get_all("Host")
    except ValueError:  # the Origin is not a URL
        return False


def _offset(text: str) -> int:
    """Parse an offset. Return -1 for anything else; no browser can resume from there."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else -1  # noqa: PLR2004 - digits of 2**63
