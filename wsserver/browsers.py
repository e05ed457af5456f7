"""Connections of browsers: which ones are accepted, and what each is sent. What a browser sends is ignored."""

from __future__ import annotations

import asyncio
import math
from http import HTTPStatus
from time import monotonic
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

from websockets.frames import CloseCode

from tradewire.client import client_at
from tradewire.errors import Unavailable
from wsserver.admission import LOG_IN_AGAIN, REASON
from wsserver.connection import Connection

if TYPE_CHECKING:
    from collections.abc import Callable

    from websockets.frames import Frame
    from websockets.http11 import Request, Response

    from tradewire.access.principal import Principal
    from wsserver.admission import Admission
    from wsserver.handshake_throttle import HandshakeThrottle
    from wsserver.hub import Browser
    from wsserver.publisher import Publisher
    from wsserver.replay_budget import ReplayBudget

BUFFER_BYTES: Final = 64 * 1024
"""High-water mark of a browser's write buffer. Above it, the browser gets no frames until the buffer has drained."""
FRAME_SECONDS: Final = 1.0
"""Time in which one frame from a browser is accepted. A page sends none, but programs may send keepalive pings."""
FRAMES_AT_ONCE: Final = 100
"""Frames that may come sooner than that. More than this is abuse."""


RECHECK: Final = "connect again"
"""The reason beside the close code 1012 if the server goes on, and wants to know again who the browser's person is. The
page connects at once, and its reader does not see it."""


class BrowserConnection(Connection):
    """A connection to one browser.

    Args:
        peers: All connections of browsers.
        throttle: Runs the handshakes of all connections.
        publisher: Sends the browser its events.
        admission: Tells which browsers may follow the feed.
        is_full: Tells whether the server has as many browsers as it may have.
        replays: Limits the replays of each client, which nginx names in `X-Forwarded-For`.
    """

    __slots__ = (
        "_admission",
        "_browser",
        "_end",
        "_frames_until",
        "_is_full",
        "_publisher",
        "_replays",
        "_viewer",
    )

    max_message_bytes = 1024
    chunk_bytes = 256
    pings = True

    def __init__(
        self,
        peers: set[Connection],
        throttle: HandshakeThrottle,
        publisher: Publisher,
        admission: Admission,
        is_full: Callable[[], bool],
        replays: ReplayBudget,
    ) -> None:
        super().__init__(peers, throttle)
        self._admission = admission
        self._viewer: Principal | None = None
        """The principal whose browser it is. None: it is not admitted."""
        self._publisher = publisher
        self._is_full = is_full
        self._replays = replays
        self._browser: Browser | None = None
        self._end: asyncio.TimerHandle | None = None
        """The time at which the browser has to connect anew. None: it need not."""
        self._frames_until = 0.0
        """When the frames so far would have come at the accepted rate, on the monotonic clock, in seconds."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Bound the data buffered for a browser that does not read."""
        super().connection_made(transport)
        self.transport.set_write_buffer_limits(BUFFER_BYTES)

    def refusal(self, request: Request) -> Response | None:
        """Refuse other paths, pages of other origins, and browsers above the limits."""
        if request.path.partition("?")[0] != "/ws":
            return self.reject(HTTPStatus.NOT_FOUND, "Only /ws is served here.\n")
        if not self._admission.is_own_page(request.headers):
            return self.reject(HTTPStatus.FORBIDDEN, "Only pages of this host may connect: see TRADEWIRE_PUBLIC_URL.\n")
        if self._is_full():
            return self._not_now("Too many browsers.\n")
        try:
            self._viewer = self._admission.admit(request.headers)
        except Unavailable as error:
            return self._not_now(f"{error}\n")
        if self._viewer and not self._admission.places.are_free(self._viewer.name):
            return self._not_now("Too many browsers of this principal.\n", HTTPStatus.TOO_MANY_REQUESTS)
        return None

    def opened(self, request: Request) -> None:
        """Join the stream at the epoch and offset that the browser names, if its budget allows and it is admitted."""
        if self._viewer is None:
            self.close(LOG_IN_AGAIN, REASON)
            return
        self._admission.places.take(self._viewer.name)
        query = parse_qs(request.path.partition("?")[2])
        epoch, offset = query.get("epoch", [""])[0], _offset(query.get("offset", [""])[0])
        client = client_at(",".join(request.headers.get_all("X-Forwarded-For")))
        if not self._replays.take(client, self._publisher.replay_bytes(epoch, offset), monotonic()):
            offset = -1  # as if it had been away for too long: the archive has what it missed
        self._browser = self._publisher.join(self, epoch, offset)
        self._publisher.resume(self._browser)
        seconds = self._admission.seconds(self._viewer)
        if seconds < math.inf:
            self._end = asyncio.get_running_loop().call_later(seconds, self.close, CloseCode.SERVICE_RESTART, RECHECK)

    def on_deadline(self) -> None:
        """Close a browser whose session has ended, or whose key is not valid. This is looked at before each ping."""
        if not self._ends():
            super().on_deadline()

    def ponged(self) -> None:
        """Look at it after each pong, too. A slow browser may answer late, so the next ping alone would be too late."""
        self._ends()

    def _ends(self) -> bool:
        if not self.open or self._viewer is None or self._admission.still_admits(self._viewer):
            return False
        self.close(LOG_IN_AGAIN, REASON)
        return True

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
        if self._end:
            self._end.cancel()
        browser, self._browser = self._browser, None
        if browser and self._viewer:
            self._publisher.leave(browser)
            self._admission.places.give_back(self._viewer.name)

    def pause_writing(self) -> None:
        """Stop sending. asyncio calls this when the write buffer is above its high-water mark."""
        if self._browser:
            self._publisher.pause(self._browser)

    def resume_writing(self) -> None:
        """Continue at the browser's cursor. asyncio calls this when the write buffer has drained."""
        if self._browser:
            self._publisher.resume(self._browser)

    def _not_now(self, text: str, status: HTTPStatus = HTTPStatus.SERVICE_UNAVAILABLE) -> Response:
        response = self.reject(status, text)
        response.headers["Retry-After"] = "10"
        return response


def _offset(text: str) -> int:
    """Parse an offset. Return -1 for anything else; no browser can resume from there."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else -1  # noqa: PLR2004 - digits of 2**63
