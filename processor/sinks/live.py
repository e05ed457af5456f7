"""The live sink: sends events to the WebSocket server, which sends them to every browser."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from processor.sinks import Verdict
from tradewire import event, metrics, receipt
from tradewire.feed import Feed
from tradewire.limits import MAX_JOB_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tradewire.consumer import Consumer
    from tradewire.queue import Queue
    from tradewire.settings import Settings


class LiveSink:
    """Delivers events to the browsers that are connected now. It returns WAIT if no browser can take them.

    For events that were shown, it puts a receipt into the archive's tube. So the live path needs no database.

    Args:
        consumer: Its declaration.
        settings: They name the WebSocket server's unix socket for workers.
        queue: The processor's queue, for the receipts.
    """

    jobs_max = 500
    bytes_max = MAX_JOB_BYTES

    def __init__(self, consumer: Consumer, settings: Settings, queue: Queue) -> None:
        self._tube = consumer.name
        self._feed = Feed(settings.worker_socket)
        self._queue = queue

    def connect(self) -> None:
        """Connect to the WebSocket server."""
        self._feed.connect()

    def deliver(self, events: Sequence[bytes]) -> Verdict:
        """Send the events to the WebSocket server, and put a receipt for them."""
        browsers = self._feed.send(events)
        if browsers is None:
            return Verdict.WAIT
        now = datetime.now(UTC)
        ids, received = event.ids_and_times(events)
        shown = receipt.Receipt("shown", event.format_time(now), ids, self._tube, browsers)
        self._queue.put_receipt(receipt.encode(shown))
        if browsers:
            metrics.shown([age for time, count in received.items() for age in [_age_seconds(time, now)] * count])
        return Verdict.OK

    def hold_off(self, timeout_seconds: float) -> bool:
        """Wait for the WebSocket server's READY."""
        return self._feed.wait_ready(timeout_seconds)

    def close(self) -> None:
        """Close the connection to the WebSocket server."""
        self._feed.close()


def announce_gap(settings: Settings) -> None:
    """Tell the connected browsers that they miss events, which only the archive has.

    Raises:
        FeedUnavailable: The WebSocket server can't be reached.
    """
    feed = Feed(settings.worker_socket)
    try:
        feed.announce_gap()
    finally:
        feed.close()


def _age_seconds(received_at: str, now: datetime) -> float:
    """Return how long ago a time was. Return 0 if the text is not a time with an offset."""
    try:
        return (now - datetime.fromisoformat(received_at)).total_seconds()
    except (ValueError, TypeError):  # TypeError: it has no offset
        return 0.0
