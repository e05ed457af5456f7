"""Losses that the reconciler has named, and spans that a restore has named. Each stays until an operator settles it.

They are lines of JSON in a file that is only appended to. Processes may append at the same time.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec
from msgspec.structs import replace

from tradewire.ledger.counters import translate_errors

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

_FILE: Final = "losses.jsonl"
IDS_MAX: Final = 10
"""Most ids that are kept of one loss."""


class Loss(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Messages of one request that were accepted and are nowhere to be found."""

    tube: str
    """The tube that lost them."""
    received_at: int
    """When the request was received, in microseconds since 1970. It identifies the request."""
    messages: int
    """How many messages of the request are lost."""
    of: int
    """How many messages the request had."""
    first_id: str
    """The id of the first message of the request."""
    ids: list[str] = []
    """The ids of the lost messages, if they are known: ten at most."""
    named_at: str = ""
    """When the loss was named, ISO 8601 in UTC with a `Z`."""
    settled_at: str = ""
    """When an operator settled it, in the same form. Empty while it is unsettled."""


class Span(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A time whose messages may be lost: the home was restored from a set that was begun before."""

    since: int
    """Every message received before this time and answered 201 was in the set. Microseconds since 1970."""
    until: int
    """When the home was restored. Messages received from then on are accounted for."""
    backup: str
    """The name of the set."""
    named_at: str
    """When the span was named, ISO 8601 in UTC with a `Z`."""
    settled_at: str = ""
    """When an operator settled it, in the same form. Empty while it is unsettled."""


class _Settled(msgspec.Struct, frozen=True):
    """An operator has settled all losses before this line."""

    settled: str
    """When, ISO 8601 in UTC with a `Z`."""


class Losses(NamedTuple):
    """The losses by their state."""

    unsettled: Sequence[Loss]
    settled: Sequence[Loss]
    """In the order in which they were settled."""
    spans: Sequence[Span] = ()
    """All spans, oldest first."""


_loss: Final = msgspec.json.Decoder(Loss)
_span: Final = msgspec.json.Decoder(Span)
_settled: Final = msgspec.json.Decoder(_Settled)


def name(folder: Path, losses: Iterable[Loss]) -> None:
    """Name losses. They are on the disk when this returns.

    Args:
        folder: The folder of the ledger.
        losses: The losses. Naming one twice changes nothing.

    Raises:
        Unavailable: They can't be written.
    """
    _append(folder, map(msgspec.json.encode, losses))


def name_span(folder: Path, span: Span) -> None:
    """Name a span. It is on the disk when this returns.

    Args:
        folder: The folder of the ledger.
        span: The span.

    Raises:
        Unavailable: It can't be written.
    """
    _append(folder, [msgspec.json.encode(span)])


def settle(folder: Path, now: str) -> None:
    """Settle all losses and spans that were named so far.

    Args:
        folder: The folder of the ledger.
        now: The time, ISO 8601 in UTC with a `Z`.

    Raises:
        Unavailable: That can't be written.
    """
    _append(folder, [msgspec.json.encode(_Settled(now))])


def read(folder: Path) -> Losses:
    """Return all losses and spans.

    Args:
        folder: The folder of the ledger.

    Raises:
        Unavailable: They can't be read.
    """
    with translate_errors(folder):
        try:
            lines = (folder / _FILE).read_bytes().splitlines()
        except FileNotFoundError:
            lines = []
    unsettled: dict[tuple[str, int], Loss] = {}
    settled: dict[tuple[str, int], Loss] = {}
    spans: list[Span] = []
    for line in lines:
        with suppress(msgspec.MsgspecError, UnicodeDecodeError):  # a line is torn if the disk was full
            loss = _loss.decode(line)
            key = (loss.tube, loss.received_at)
            if key not in settled:
                unsettled.setdefault(key, loss)
        with suppress(msgspec.MsgspecError, UnicodeDecodeError):
            spans.append(_span.decode(line))
        with suppress(msgspec.MsgspecError, UnicodeDecodeError):
            settled_at = _settled.decode(line).settled
            settled |= {key: replace(loss, settled_at=settled_at) for key, loss in unsettled.items()}
            unsettled.clear()
            spans = [span if span.settled_at else replace(span, settled_at=settled_at) for span in spans]
    return Losses(list(unsettled.values()), list(settled.values()), tuple(spans))


def _append(folder: Path, lines: Iterable[bytes]) -> None:
    with translate_errors(folder):
        file = os.open(folder / _FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            rest = b"".join(b"\n" + line for line in lines)  # the line end comes first, and ends a torn line
            while rest:
                rest = rest[os.write(file, rest) :]
            os.fsync(file)
        finally:
            os.close(file)
