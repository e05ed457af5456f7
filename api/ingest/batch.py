"""A batch of trade messages. It is split, and each message is checked as if it had been posted alone."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from tradewire import event, trade
from tradewire.decoding import decode as decode_json
from tradewire.errors import Fault, InvalidTrade
from tradewire.fields import FIELDS
from tradewire.limits import MAX_BATCH_MESSAGES, MAX_MESSAGE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

_MESSAGES_PER_TURN: Final = 100
"""Messages checked before other requests get a turn: about 1 ms of work."""
_TOO_LARGE: Final = Fault(None, "too-large", f"The message is larger than {MAX_MESSAGE_BYTES // 1024} KiB.")
_BOM: Final = "\ufeff".encode()
_array: Final = msgspec.json.Decoder(list[msgspec.Raw])


class CheckedBatch(NamedTuple):
    """The messages of a batch after the check."""

    ids: list[str | None]
    """By index in the batch; None if the message is refused."""
    events: list[bytes]
    """The events of the accepted messages, in order."""
    refused: Mapping[int, Sequence[Fault]]
    """The first faults of each refused message, by its index."""
    more_faults: int
    """The number of the other faults of refused messages."""
    ignored: list[str]
    """Names of unknown fields, each once, up to `trade.IGNORED_MAX`."""
    rounded: list[str]
    """Names of fields whose amounts were rounded in some message, each once."""


def check(body: bytes, key: str | None, now: datetime, producer: str = "") -> CheckedBatch:
    """Check each message of a batch.

    Args:
        body: A JSON array, or NDJSON: one message a line.
        key: The batch's Idempotency-Key. The id of each message depends on it and on the message's index.
        now: The time of receipt.
        producer: The name of the principal that posts it; empty without names.

    Returns:
        The events of the valid messages and the faults of the others.

    Raises:
        InvalidTrade: The body can't be split into messages, so none is accepted.
    """
    ids: list[str | None] = []
    events: list[bytes] = []
    refused: dict[int, Sequence[Fault]] = {}
    more_faults = 0
    ignored: dict[str, None] = {}
    rounded: set[str] = set()
    for index, message in enumerate(map(bytes, _messages(body))):
        if index % _MESSAGES_PER_TURN == 0:
            time.sleep(0)  # let other requests run: a single message must not wait for a whole batch
        try:
            if len(message) > MAX_MESSAGE_BYTES:
                raise InvalidTrade([_TOO_LARGE])
            checked_trade, unknown = trade.decode(message, now, producer)
        except InvalidTrade as error:
            ids.append(None)
            refused[index] = error.faults
            more_faults += error.more
            continue
        message_id = event.keyed_id(key, index, checked_trade) if key else event.new_id()
        ids.append(message_id)
        events.append(event.encode(checked_trade, message_id, now))
        if unknown and len(ignored) < trade.IGNORED_MAX:
            ignored |= dict.fromkeys(unknown)
        rounded.update(checked_trade.rounded)
    in_order = [field.json_name for field in FIELDS if field.json_name in rounded]
    return CheckedBatch(ids, events, refused, more_faults, list(ignored)[: trade.IGNORED_MAX], in_order)


def _messages(body: bytes) -> Sequence[bytes | msgspec.Raw]:
    body = body.removeprefix(_BOM)
    messages = _elements(body) if body.lstrip().startswith(b"[") else [*_lines(body)]
    if not messages:
        raise InvalidTrade([Fault(None, "empty", "The batch contains no message.")])
    if len(messages) > MAX_BATCH_MESSAGES:
        detail = f"The batch contains {len(messages)} messages; the maximum is {MAX_BATCH_MESSAGES}."
        raise InvalidTrade([Fault(None, "too-many", detail)])
    return messages


def _elements(body: bytes) -> list[msgspec.Raw]:
    elements, _ = decode_json(_array, body)
    return elements


def _lines(body: bytes) -> Iterator[bytes]:
    return (message for line in body.split(b"\n") if (message := line.strip(b" \t\r")))
