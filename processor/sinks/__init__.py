"""What a processor feeds: the contract of a sink. One file each."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


class Verdict(Enum):
    """What became of events that were delivered. Anything else is an exception."""

    OK = "ok"
    WAIT = "wait"


class Sink(Protocol):
    """Where events go. Every call raises Unavailable where what is behind the sink is away."""

    tube: str
    """The tube whose jobs are for this sink."""
    jobs_max: int
    """How many jobs to take in hand at once, at most."""
    bytes_max: int
    """How large a delivery may be, its lines joined by line ends; no less than MAX_JOB_BYTES."""

    def connect(self) -> None:
        """Make sure that the sink can be reached; called before jobs are taken for it."""

    def deliver(self, events: Sequence[bytes]) -> Verdict:
        """Deliver events, all or none of them.

        OK: done. WAIT: not now, and nothing was taken. Raises InvalidEvent where at least one among them can
        never be delivered; the caller finds out which, by smaller pieces.
        """

    def hold_off(self, timeout_seconds: float) -> bool:
        """After a WAIT: wait until delivering is worth a try. True where the sink said so itself."""

    def close(self) -> None:
        """Close what is open. Harmless when closed."""
