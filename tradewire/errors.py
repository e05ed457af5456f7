"""The tree of Tradewire's errors.

TradewireError
├── SettingsError         the environment holds invalid settings; nothing starts
├── InvalidTrade          the posted message is at fault; carries every fault
├── InvalidQuery          the query is at fault; carries every fault
├── InvalidEvent          job data that no retry would fix; it becomes a dead letter
└── Unavailable           never the message's fault: reconnect, or answer 503
    ├── QueueUnavailable
    ├── StoreUnavailable
    └── FeedUnavailable
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Fault(NamedTuple):
    """One fault of a trade message or of a query."""

    field: str | None
    """The message's field or the query's parameter. None if the whole is at fault."""
    code: str
    """A stable code for programs, such as `unknown-currency`."""
    detail: str
    """A sentence for people."""


class TradewireError(Exception):
    """Base class of every error that Tradewire raises on purpose."""


class SettingsError(TradewireError):
    """The settings in the environment are invalid. Raised once, with every fault in `faults`."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = tuple(faults)


class InvalidTrade(TradewireError):  # noqa: N818 - named after its cause
    """A trade message can't be accepted. Raised once, with every fault in `faults`."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(fault.detail for fault in faults))
        self.faults = tuple(faults)


class InvalidQuery(TradewireError):  # noqa: N818 - as above
    """A query can't be answered as it stands. Raised once, with every fault in `faults`."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(fault.detail for fault in faults))
        self.faults = tuple(faults)


class InvalidEvent(TradewireError):  # noqa: N818 - as above
    """Data from a job is not a valid event or receipt, and no retry would make it one."""


class Unavailable(TradewireError):  # noqa: N818 - as above
    """A required service can't be used right now. The message is not at fault, and nothing was promised."""


class QueueUnavailable(Unavailable):
    """The queue can't be reached, or can't guarantee to keep new jobs."""


class StoreUnavailable(Unavailable):
    """The archive's database can't be reached, or is locked, full, or not set up yet."""


class FeedUnavailable(Unavailable):
    """The WebSocket server can't be reached, is too slow, or broke the protocol."""
