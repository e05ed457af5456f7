"""The consumer that saves each event in the store, and the receipts about them."""

from __future__ import annotations

from typing import Final

from tradewire.consumer import Consumer, Outcome
from tradewire.queue import ARCHIVE

CONSUMER: Final = Consumer(
    name=ARCHIVE,
    sink="processor.sinks.archive:ArchiveSink",
    title="Archive",
    away="No processor archives trades. They wait in the queue, and history and statistics lack them.",
    outcomes=(Outcome("archived", "Archived", "stored permanently"),),
)
