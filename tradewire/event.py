"""The trade event: a trade with its id, its time of receipt and its flags. This is what travels and is stored.

The API encodes each event once, as one line of JSON. These bytes go unchanged through the queue to the browsers.

Example:
    received_at = datetime.now(UTC)
    trade, _ = tradewire.trade.decode(body, received_at)
    line = encode(trade, new_id(), received_at)
    assert decode(line).user_id == trade.user_id
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple
from uuid import UUID

import msgspec
import uuid_utils

from tradewire.errors import InvalidEvent
from tradewire.field_types import TEXT_MAX
from tradewire.fields import OPTIONAL, REQUIRED, TradeFields, struct
from tradewire.trade import to_texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tradewire.trade import Trade

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_UUID: Final = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z"
_PATTERN: Final = f"`str` matching regex {_UUID!r}"
"""How msgspec describes an id in its errors. Operators are shown `a UUID` instead."""

Id = Annotated[str, msgspec.Meta(pattern=_UUID)]
_Text = Annotated[str, msgspec.Meta(max_length=TEXT_MAX)]

if TYPE_CHECKING:

    class TradeEvent(TradeFields[str, str], msgspec.Struct, frozen=True):
        """A trade with id, time of receipt and flags."""

        id: str
        received_at: str
        flags: list[str]

        def __init__(self, *values: Any, **values_by_name: Any) -> None: ...

else:
    TradeEvent = struct(
        "TradeEvent",
        # Also this type's description in the OpenAPI document, so keep it a single paragraph.
        "A trade with id, time of receipt and flags. Amounts are decimal text, times ISO 8601 in UTC with a `Z`.",
        _Text,
        head=[
            ("id", Id),  # a UUID in lower case: see `new_id` and `keyed_id`
            ("received_at", _Text),  # when the API received the message, to the microsecond
        ],
        tail=[("flags", list[_Text])],  # oddities of the trade that are no errors, such as `rate-mismatch`
        module=__name__,
        frozen=True,
        rename="camel",
        omit_defaults=True,
    )


_REQUIRED_COUNT: Final = len(REQUIRED)
_OPTIONAL_NAMES: Final = [field.json_name for field in OPTIONAL]
_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(TradeEvent)


def encode(trade: Trade, event_id: str, received_at: datetime) -> bytes:
    """Encode a trade as an event.

    Args:
        trade: The validated trade.
        event_id: A UUID from `new_id` or `keyed_id`.
        received_at: When the message was received, in UTC.

    Returns:
        One JSON object in UTF-8, without a line end.
    """
    values = to_texts(trade)
    values.insert(_REQUIRED_COUNT, trade.flags)
    return _encoder.encode(TradeEvent(event_id, format_time(received_at), *values))


def decode(line: bytes) -> TradeEvent:
    """Decode and check one event. Unknown members are ignored.

    Raises:
        InvalidEvent: The line is not exactly one event; the message says why.
    """
    try:
        line.decode()  # msgspec does not check the strings of members that it skips
        return _decoder.decode(line)
    except UnicodeDecodeError as error:
        raise InvalidEvent(f"not UTF-8: {error.reason} at byte {error.start}") from None
    except RecursionError:
        raise InvalidEvent("nested too deeply") from None
    except msgspec.MsgspecError as error:
        torn = "; a part of it is zeros, as a power cut may leave it" if b"\0" in line else ""
        raise InvalidEvent(f"not an event: {str(error).replace(_PATTERN, 'a UUID')}{torn}") from None


class _EventWithUncheckedId(TradeEvent, frozen=True, rename="camel", omit_defaults=True, gc=False):
    """A trade event whose id is checked for its length only.

    Matching the pattern for each id would take half of the total time.
    """

    id: Annotated[str, msgspec.Meta(max_length=36)]


_unchecked_id_decoder: Final = msgspec.json.Decoder(_EventWithUncheckedId)
_UUIDS: Final = re.compile("(?:{0},)*{0}".format(_UUID.removeprefix("^").removesuffix(r"\Z")))


def decode_all(lines: Sequence[bytes]) -> Sequence[TradeEvent]:
    """Decode and check many events as strictly as `decode`, in little more than half the time.

    Args:
        lines: One encoded event each.

    Raises:
        InvalidEvent: A line is not exactly one event.
    """
    try:
        b"\n".join(lines).decode()
        events = [*map(_unchecked_id_decoder.decode, lines)]
    except (UnicodeDecodeError, RecursionError, msgspec.MsgspecError):
        events = []
    if not _UUIDS.fullmatch(",".join([event.id for event in events])):
        return [decode(line) for line in lines]  # raises with the exact reason
    return events


def packed_ids(lines: Sequence[bytes]) -> list[bytes]:
    """Check many encoded events as `decode_all` does, and return their ids.

    Args:
        lines: One encoded event each.

    Returns:
        The ids in the same order, 16 bytes each.

    Raises:
        InvalidEvent: A line is not exactly one event.
    """
    ids = ",".join([event.id for event in decode_all(lines)])
    packed = bytes.fromhex(ids.replace("-", "").replace(",", ""))
    return [packed[start : start + 16] for start in range(0, len(packed), 16)]


class EventHeader(NamedTuple):
    """The parts of an event that code needs when it passes the event on undecoded."""

    id: str
    received_at: datetime | None
    """None if the event has no readable time of receipt."""


class _Header(msgspec.Struct, rename="camel"):
    id: str
    received_at: Any = None


_header_decoder: Final = msgspec.json.Decoder(_Header)


def ids_and_times(lines: Iterable[bytes]) -> tuple[list[str], Counter[str]]:
    """Read ids and times of receipt from events that have already been checked.

    Args:
        lines: One encoded event each.

    Returns:
        The ids in order, and the number of events for each `receivedAt`. Both are text.
    """
    headers = [*map(_header_decoder.decode, lines)]
    return [header.id for header in headers], Counter([header.received_at for header in headers])


def peek(line: bytes) -> EventHeader | None:
    """Read the header of an event that may be damaged. Return None if it has no valid id."""
    try:
        header = _header_decoder.decode(line)
    except (UnicodeDecodeError, RecursionError, msgspec.MsgspecError):
        return None
    return EventHeader(header.id, _parse_time(header.received_at)) if _UUIDS.fullmatch(header.id) else None


def _parse_time(text: object) -> datetime | None:
    """Parse ISO 8601 with an offset. Return None for anything else."""
    with suppress(ValueError, TypeError):
        parsed = datetime.fromisoformat(text)  # type: ignore[arg-type] # TypeError if it is not a string
        return parsed if parsed.tzinfo else None
    return None


def new_id() -> str:
    """Make an id for a message posted without a key: UUIDv7 (RFC 9562), ordered by time."""
    return str(uuid_utils.uuid7())


def keyed_id(key: str, index: int, trade: Trade) -> str:
    """Make the id of a message posted under an Idempotency-Key: UUIDv8 (RFC 9562, section 5.8).

    The id is computed from the arguments alone. So a retry is the same message, a different trade under the same key or
    the same one from another producer is a different message, and no record of past keys is needed.

    Args:
        key: The value of the Idempotency-Key header.
        index: The message's place in its batch, from 0; 0 for a message posted alone.
        trade: The validated trade. Two spellings of the same trade give the same id.
    """
    texts = to_texts(trade)
    identity: tuple[Any, ...] = (key, index, texts[:_REQUIRED_COUNT])
    if any(texts[_REQUIRED_COUNT:]):  # otherwise the id is the same as in earlier releases
        named = zip(_OPTIONAL_NAMES, texts[_REQUIRED_COUNT:], strict=True)
        optional = {name: text for name, text in sorted(named) if text is not None}
        identity += (optional.pop("producer", ""), optional)
    digest = hashlib.sha256(_encoder.encode(identity)).digest()
    number = int.from_bytes(digest[:16], "big")
    number = number & ~(0xF << 76) | 8 << 76  # version
    number = number & ~(0x3 << 62) | 2 << 62  # variant
    return str(UUID(int=number))


@lru_cache(1024)  # a batch has one time of receipt
def format_time(time: datetime, timespec: str = "microseconds") -> str:
    """Format a time in UTC as ISO 8601 with a `Z`. `timespec` is that of `datetime.isoformat`."""
    return time.isoformat(timespec=timespec).removesuffix("+00:00") + "Z"


def to_microseconds(time: datetime) -> int:
    """Convert a time to microseconds since 1970, UTC."""
    return (time - _EPOCH) // _MICROSECOND


def from_microseconds(microseconds: int) -> datetime:
    """Convert microseconds since 1970 to a time in UTC."""
    return _EPOCH + timedelta(microseconds=microseconds)
