"""The one tree of Tradewire's errors.

TradewireError
├── SettingsError       the environment holds a setting that can't be used; nothing starts
├── InvalidTrade        the message's own fault; carries every fault found
├── InvalidQuery        a question that can't be understood; carries every fault found
├── InvalidEvent           a job's body that no retry will mend; the processor buries it
└── Unavailable         never the message's fault: reconnect, or answer 503
    ├── QueueUnavailable
    ├── StoreUnavailable
    └── FeedUnavailable
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Fault(NamedTuple):
    """One thing wrong with a trade message, or with a question."""

    field: str | None
    """The message's field or the question's parameter, or None where the whole is at fault."""
    code: str
    """A stable word for programs, such as `unknown-currency`."""
    detail: str
    """A sentence for people."""


class TradewireError(Exception):
    """Every error that Tradewire raises on purpose."""


class SettingsError(TradewireError):
    """The environment can't be used. Raised once, with all that is wrong in `faults`."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = tuple(faults)


class InvalidTrade(TradewireError):  # noqa: N818 - the design's name, and what the reader looks for
    """A trade message that can't be accepted. Raised with every fault at once, never the first alone."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(fault.detail for fault in faults))
        self.faults = tuple(faults)


class InvalidQuery(TradewireError):  # noqa: N818 - as above
    """A question that can't be answered as it is asked. Raised with every fault at once."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(fault.detail for fault in faults))
        self.faults = tuple(faults)


class InvalidEvent(TradewireError):  # noqa: N818 - as above
    """What a sink was given holds something that is no event, and never will be."""


class Unavailable(TradewireError):  # noqa: N818 - as above
    """A neighbour can't be used just now. The message is not to blame, and nothing was promised."""


class QueueUnavailable(Unavailable):
    """The queue is away, or is there and can't promise to keep what it is given."""


class StoreUnavailable(Unavailable):
    """The archive's database is away, locked, full, or not set up yet."""


class FeedUnavailable(Unavailable):
    """The WebSocket server is away, slow, or answered what the protocol does not know."""
