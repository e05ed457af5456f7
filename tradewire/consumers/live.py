"""The consumer that shows each event to the browsers, through the WebSocket server."""

from __future__ import annotations

from typing import Final

from tradewire.consumer import Consumer, Outcome
from tradewire.queue import LIVE

CONSUMER: Final = Consumer(
    name=LIVE,
    sink="processor.sinks.live:LiveSink",
    title="Live",
    away="No processor sends trades to the live server. They wait in the queue to be shown.",
    outcomes=(Outcome("shown", "Shown", "to at least one browser"),),
    processors_max=8,
    max_age_seconds=3600,
    announce="processor.sinks.live:announce_gap",
)
