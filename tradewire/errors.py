"""The tree of Tradewire's errors.

TradewireError
├── SettingsError         the environment holds invalid settings; nothing starts
├── InvalidInput          a client sent what can't be accepted; carries the first faults
│   ├── InvalidTrade      the posted message is at fault
│   └── InvalidQuery      the query is at fault
├── BadCredentials        prove nothing; answered 401
│   ├── BadToken          a JSON Web Token, or a client certificate
│   └── BadIdentity       the headers of a proxy in front
├── InvalidEvent          job data that no retry would fix; it becomes a dead letter
└── Unavailable           never the message's fault: reconnect, or answer 503
    ├── UnknownKey        of a JSON Web Token
    ├── Unconfirmed       a session that a provider has not confirmed lately
    ├── QueueUnavailable
    ├── StoreUnavailable
    └── FeedUnavailable
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

FAULTS_MAX: Final = 10
"""A refusal reports the first faults of a message or a query, up to this number, and counts the others."""


class Fault(NamedTuple):
    """One fault of a trade message or of a query."""

    field: str | None
    """The message's field or the query's parameter. None if the whole is at fault."""
    code: str
    """A stable code for programs, such as `unknown-currency`."""
    detail: str
    """A sentence for people."""


class BadValue(Exception):  # noqa: N818 - named after its cause
    """A value does not belong to its type. The check of the message or the query makes it a fault.

    Args:
        code: The fault's code.
        detail: The rest of a sentence that begins with the name of the field or parameter, without the period:
            `is empty`.
    """

    def __init__(self, code: str, detail: str) -> None:
        self.code = code
        self.detail = detail


class TradewireError(Exception):
    """Base class of every error that Tradewire raises on purpose."""


class SettingsError(TradewireError):
    """The settings in the environment are invalid. Raised once, with every fault in `faults`."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = tuple(faults)


class InvalidInput(TradewireError):  # noqa: N818 - as above
    """A client sent what can't be accepted. Raised once.

    Args:
        faults: The faults. The error carries the first FAULTS_MAX of them.
        more: The number of faults that are not among these.
    """

    def __init__(self, faults: Sequence[Fault], more: int = 0) -> None:
        self.faults = tuple(faults[:FAULTS_MAX])
        self.more = more + len(faults) - len(self.faults)
        super().__init__("; ".join(fault.detail for fault in self.faults))


class InvalidTrade(InvalidInput):
    """A trade message can't be accepted."""


class InvalidQuery(InvalidInput):
    """A query can't be answered as it stands."""


class BadCredentials(TradewireError):  # noqa: N818 - as above
    """Credentials do not prove who sends a request. The text is a sentence that says why."""


class BadToken(BadCredentials):
    """A JSON Web Token, or a client certificate, does not prove it."""


class BadIdentity(BadCredentials):
    """A trusted proxy in front does not say clearly who it is."""


class InvalidEvent(TradewireError):  # noqa: N818 - as above
    """Data from a job is not a valid event or receipt, and no retry would make it one."""


class Unavailable(TradewireError):  # noqa: N818 - as above
    """A required service can't be used right now. The message is not at fault, and nothing was promised."""


class UnknownKey(Unavailable):
    """The issuer's key of a JSON Web Token is not known now. It may be fetched, or withdrawn."""


class Unconfirmed(Unavailable):
    """The provider has not confirmed a person's session lately: it is away."""


class QueueUnavailable(Unavailable):
    """The queue can't be reached, or can't guarantee to keep new jobs."""


class StoreUnavailable(Unavailable):
    """The archive's database can't be reached, or is locked, full, or not set up yet."""


class FeedUnavailable(Unavailable):
    """The WebSocket server can't be reached, is too slow, or broke the protocol."""
