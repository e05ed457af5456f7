"""A batch of trade messages: cut into messages, each checked, and bounded in size, as if it came alone."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from tradewire import event, trade
from tradewire.decoding import decoding_fault
from tradewire.errors import Fault, InvalidTrade
from tradewire.limits import MAX_BATCH_MESSAGES, MAX_MESSAGE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

_AT_A_STRETCH: Final = 100
"""Messages checked before whoever else waits for this process has a turn: about a millisecond's worth."""
_TOO_LARGE: Final = Fault(None, "too-large", f"The message is larger than {MAX_MESSAGE_BYTES // 1024} KiB.")
_array: Final = msgspec.json.Decoder(list[msgspec.Raw])


class Checked(NamedTuple):
    """What came of a batch."""

    ids: list[str | None]
    """By place in the batch; None where the message was refused."""
    events: list[bytes]
    """Those that can be taken, in order."""
    refused: Mapping[int, Sequence[Fault]]
    """All faults of each of the others, by place."""
    ignored: list[str]
    """Names of unknown fields, each once; the first ones."""


def check(body: bytes, key: str | None, now: datetime) -> Checked:
    """Check each message of a JSON array, or of NDJSON: one a line.

    Raises InvalidTrade where the body can't be cut into messages: then none is taken.
    """
    ids: list[str | None] = []
    events: list[bytes] = []
    refused: dict[int, Sequence[Fault]] = {}
    ignored: dict[str, None] = {}
    for place, message in enumerate(_messages(body)):
        if place % _AT_A_STRETCH == 0:
            time.sleep(0)  # a message that comes alone meanwhile need not wait for all of these
        try:
            if memoryview(message).nbytes > MAX_MESSAGE_BYTES:
                raise InvalidTrade([_TOO_LARGE])
            placed, unknown = trade.decode(message, now)
        except InvalidTrade as error:
            ids.append(None)
            refused[place] = error.faults
            continue
        message_id = event.keyed_id(key, place, placed) if key else event.new_id()
        ids.append(message_id)
        events.append(event.encode(placed, message_id, now))
        if unknown and len(ignored) < trade.IGNORED_MAX:
            ignored |= dict.fromkeys(unknown)
    return Checked(ids, events, refused, list(ignored)[: trade.IGNORED_MAX])


def _messages(body: bytes) -> Sequence[bytes | msgspec.Raw]:
    messages = _elements(body) if body.lstrip().startswith(b"[") else [*_lines(body)]
    if not messages:
        raise InvalidTrade([Fault(None, "empty", "The batch holds no message.")])
    if len(messages) > MAX_BATCH_MESSAGES:
        detail = f"The batch holds {len(messages)} messages; {MAX_BATCH_MESSAGES} are the most."
        raise InvalidTrade([Fault(None, "too-many", detail)])
    return messages


def _elements(body: bytes) -> list[msgspec.Raw]:
    try:
        return _array.decode(body)
    except (UnicodeDecodeError, RecursionError, msgspec.MsgspecError) as error:
        raise InvalidTrade([decoding_fault(body, error)]) from None


def _lines(body: bytes) -> Iterator[bytes]:
    return (message for line in body.split(b"\n") if (message := line.strip(b" \t\r")))
