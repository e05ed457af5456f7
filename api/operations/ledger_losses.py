"""The losses and spans in the answer of the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import replace

from api.http.timestamps import Timestamp, timestamp_from_microseconds

if TYPE_CHECKING:
    from tradewire.ledger.losses import Loss, Span


class LossItem(msgspec.Struct, frozen=True, rename="camel"):
    """Messages of one request that are lost."""

    tube: str
    received_at: Timestamp
    """When the request was received."""
    messages: int
    of: Annotated[int, Meta(description="The number of messages that the request had.")]
    first_id: Annotated[str, Meta(description="The id of the first message of the request.")]
    ids: Annotated[list[str], Meta(description="The ids of the lost messages, if they are known: ten at most.")]
    named_at: Timestamp
    """When the loss was found out."""
    settled_at: Annotated[Timestamp | UnsetType, Meta(description="When an operator settled it.")] = UNSET


class SpanItem(msgspec.Struct, frozen=True, rename="camel"):
    """A time whose messages may be lost: the stack was restored from a backup that was begun before."""

    since: Timestamp
    """Messages received before this time were in the backup."""
    until: Timestamp
    """When the stack was restored."""
    backup: Annotated[str, Meta(description="The name of the backup.")]
    named_at: Timestamp
    settled_at: Annotated[Timestamp | UnsetType, Meta(description="When an operator settled it.")] = UNSET


def loss_item(loss: Loss) -> LossItem:
    """Return a loss as the answer has it."""
    received_at = timestamp_from_microseconds(loss.received_at)
    item = LossItem(loss.tube, received_at, loss.messages, loss.of, loss.first_id, loss.ids, loss.named_at)
    return replace(item, settled_at=loss.settled_at) if loss.settled_at else item


def span_item(span: Span) -> SpanItem:
    """Return a span as the answer has it."""
    since, until = map(timestamp_from_microseconds, (span.since, span.until))
    item = SpanItem(since, until, span.backup, span.named_at)
    return replace(item, settled_at=span.settled_at) if span.settled_at else item
