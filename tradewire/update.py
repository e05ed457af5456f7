"""The update: a trade with its id, the moment it was received and its flags, as it travels and is shown.

The API encodes it once. The parts after it pass those bytes on, one JSON object a line.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Final
from uuid import UUID

import msgspec
import uuid_utils

from tradewire.amount import written
from tradewire.errors import BadUpdate

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tradewire.trade import Trade

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_UUID: Final = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z"
_PATTERN: Final = f"`str` matching regex {_UUID!r}"
"""How msgspec names what an id must be, which is no word for an operator."""

Id = Annotated[str, msgspec.Meta(pattern=_UUID)]
_Text = Annotated[str, msgspec.Meta(max_length=64)]


class Update(msgspec.Struct, frozen=True, rename="camel"):
    """One update. Amounts are decimal text (`747.10`), times ISO 8601 in UTC with a `Z`."""

    id: Id
    received_at: _Text
    user_id: _Text
    currency_from: _Text
    currency_to: _Text
    amount_sell: _Text
    amount_buy: _Text
    rate: _Text
    time_placed: _Text
    originating_country: _Text
    flags: list[_Text]


_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(Update)


def encode(trade: Trade, update_id: str, received_at: datetime) -> bytes:
    """Encode a trade as an update: one JSON object without a line end in it."""
    return _encoder.encode(Update(update_id, utc(received_at), *_texts(trade), trade.flags))


def decode(line: bytes) -> Update:
    """Decode one update. Raises BadUpdate where the line is not exactly one."""
    try:
        line.decode()  # msgspec does not look into the strings of members that it skips
        return _decoder.decode(line)
    except UnicodeDecodeError as error:
        raise BadUpdate(f"not UTF-8: {error.reason} at byte {error.start}") from None
    except RecursionError:
        raise BadUpdate("nested too deep") from None
    except msgspec.MsgspecError as error:
        raise BadUpdate(f"not an update: {str(error).replace(_PATTERN, 'a UUID')}") from None


class _Unnamed(Update, frozen=True, rename="camel", gc=False):
    """An update whose id is only no longer than one: to match it, one by one, would take half of the time."""

    id: Annotated[str, msgspec.Meta(max_length=36)]


_unnamed_decoder: Final = msgspec.json.Decoder(_Unnamed)
_UUIDS: Final = re.compile("(?:{0},)*{0}".format(_UUID.removeprefix("^").removesuffix(r"\Z")))


def keys(lines: Sequence[bytes]) -> list[bytes]:
    """Give the ids of updates, as 16 bytes each. Raises BadUpdate where a line is not exactly one.

    It is `decode` for many, at less than half the price.
    """
    try:
        b"\n".join(lines).decode()
        ids = ",".join([one.id for one in map(_unnamed_decoder.decode, lines)])
    except (UnicodeDecodeError, RecursionError, msgspec.MsgspecError):
        ids = ""
    if not _UUIDS.fullmatch(ids):
        ids = ",".join([decode(line).id for line in lines])  # it says what is wrong
    packed = bytes.fromhex(ids.replace("-", "").replace(",", ""))
    return [packed[start : start + 16] for start in range(0, len(packed), 16)]


class _Origin(msgspec.Struct, rename="camel"):
    id: str
    received_at: str


_origin_decoder: Final = msgspec.json.Decoder(_Origin)


def origins(lines: Iterable[bytes]) -> tuple[list[str], Counter[str]]:
    """Give the ids of updates that have been checked, and how many of them were received at which moment, as text."""
    found = [*map(_origin_decoder.decode, lines)]
    return [one.id for one in found], Counter([one.received_at for one in found])


class Head(msgspec.Struct, frozen=True, rename="camel"):
    """Which update it is, for who passes it on without looking further."""

    id: Id
    received_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class _Named(msgspec.Struct):
    id: Id


_head_decoder: Final = msgspec.json.Decoder(Head)
_name_decoder: Final = msgspec.json.Decoder(_Named)


def head(line: bytes) -> Head | None:
    """Read which update it is, and when it was received where that can be told; None where neither can."""
    with suppress(UnicodeDecodeError, RecursionError, msgspec.MsgspecError):
        return _head_decoder.decode(line)
    with suppress(UnicodeDecodeError, RecursionError, msgspec.MsgspecError):
        return Head(_name_decoder.decode(line).id)
    return None


def new_id() -> str:
    """Make an id for a message posted without a key: UUIDv7 (RFC 9562), ordered by time."""
    return str(uuid_utils.uuid7())


def keyed_id(key: str, place: int, trade: Trade) -> str:
    """Make the id of a message posted under an Idempotency-Key: UUIDv8 (RFC 9562, section 5.8).

    It is a function of the key, the message's place in its batch and the trade, so a retry is the same
    message, and another trade under the same key is another message, without anyone having to remember.
    """
    digest = hashlib.sha256(_encoder.encode((key, place, _texts(trade)))).digest()
    number = int.from_bytes(digest[:16], "big")
    number = number & ~(0xF << 76) | 8 << 76  # version
    number = number & ~(0x3 << 62) | 2 << 62  # variant
    return str(UUID(int=number))


def _texts(trade: Trade) -> tuple[str, str, str, str, str, str, str, str]:
    """Write out a trade, in the order of its fields: however it was written when it came, the same way."""
    return (
        trade.user_id,
        trade.currency_from,
        trade.currency_to,
        written(trade.amount_sell),
        written(trade.amount_buy),
        written(trade.rate),
        utc(trade.time_placed, "auto"),
        trade.originating_country,
    )


@lru_cache(1024)  # a batch is received in one moment, and those who trade do so in the same seconds
def utc(moment: datetime, timespec: str = "microseconds") -> str:
    """Write a moment in UTC as ISO 8601 with a `Z`."""
    return moment.isoformat(timespec=timespec).removesuffix("+00:00") + "Z"


def microseconds(moment: datetime) -> int:
    """Give a moment as microseconds since 1970, UTC."""
    return (moment - _EPOCH) // _MICROSECOND


def at(since_1970: int) -> datetime:
    """Give the moment that is so many microseconds after 1970, in UTC."""
    return _EPOCH + timedelta(microseconds=since_1970)
