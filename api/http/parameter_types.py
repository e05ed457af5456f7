"""The types of query parameters: how each is parsed, and the code of each possible fault."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from api.http.parameters import ParameterType
from tradewire import field_types
from tradewire.errors import BadValue
from tradewire.event import to_microseconds
from tradewire.field_types import FRACTION_DIGITS, NO_CONTROL_CHARACTERS, WHOLE_DIGITS, check_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from tradewire.field_types import FieldType

_MAX_WORDS_CHARS: Final = 128
_FLAG: Final = r"^[a-z0-9-]{1,64}$"
_AMOUNT: Final = rf"^[0-9]{{1,{WHOLE_DIGITS}}}(\.[0-9]{{1,{FRACTION_DIGITS}}})?$"
_WINDOW: Final = r"^[1-9][0-9]{0,3}[mhd]$"
_TIMESTAMP: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d([.,]\d{1,9})?)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_UNIT_SECONDS: Final = {"m": 60, "h": 3600, "d": 86400}
_EARLIEST: Final = 0
_LATEST: Final = to_microseconds(datetime(9998, 1, 1, tzinfo=UTC))


def _words(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(check_text(text, _MAX_WORDS_CHARS).split())) if text else ()


def _flag(text: str) -> str:
    if not re.fullmatch(_FLAG, text):
        raise BadValue("bad-flag", "is not a flag such as rate-mismatch")
    return text


def _amount(text: str) -> Decimal:
    if not re.fullmatch(_AMOUNT, text):
        digits = f"up to {WHOLE_DIGITS} digits before the point and {FRACTION_DIGITS} after it"
        raise BadValue("bad-amount", f"is not an amount such as 747.10, with {digits}")
    return Decimal(text)


def _timestamp(text: str) -> int:
    try:
        if not _TIMESTAMP.fullmatch(text):
            raise ValueError
        microseconds = to_microseconds(datetime.fromisoformat(text.upper()))
    except ValueError:
        raise BadValue(
            "bad-time", "is not ISO 8601 with an offset, such as 2026-01-31T12:00:00Z (encode a + as %2B)"
        ) from None
    return min(max(microseconds, _EARLIEST), _LATEST)  # no message is received outside these bounds


def _window(text: str) -> int:
    if not re.fullmatch(_WINDOW, text):
        raise BadValue("bad-window", "is not 1 to 9999 minutes, hours or days, such as 15m, 24h or 30d")
    return int(text[:-1]) * _UNIT_SECONDS[text[-1]]


def integer(minimum: int, maximum: int) -> ParameterType:
    """Make the type of integers between two bounds, both included."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,15}", text) or not minimum <= int(text) <= maximum:
            raise BadValue("out-of-range", f"is not a whole number from {minimum} to {maximum}")
        return int(text)

    return ParameterType(parse, {"type": "integer", "minimum": minimum, "maximum": maximum})


def one_of(*values: str) -> ParameterType:
    """Make the type of a fixed set of values."""

    def parse(text: str) -> str:
        if text not in values:
            raise BadValue("unknown-value", f"is not one of {', '.join(values)}")
        return text

    return ParameterType(parse, {"type": "string", "enum": list(values)})


def of_field(field_type: FieldType) -> ParameterType:
    """Make the type of parameters that select messages by the exact value of a field."""
    assert field_type.filter, f"a field of kind {field_type.kind} can't have a filter"  # noqa: S101 - a faulty declaration
    return ParameterType(*field_type.filter)


def string(parse: Callable[[str], object], **schema: object) -> ParameterType:
    """Make a type whose text has the given JSON Schema keywords."""
    return ParameterType(parse, {"type": "string", **schema})


CURRENCY: Final = of_field(field_types.CURRENCY)
COUNTRY: Final = of_field(field_types.COUNTRY)
WORDS: Final = string(_words, maxLength=_MAX_WORDS_CHARS, pattern=NO_CONTROL_CHARACTERS)
"""Value: a tuple of words, each once."""
FLAG: Final = string(_flag, pattern=_FLAG)
AMOUNT: Final = string(_amount, pattern=_AMOUNT)
"""Value: a Decimal."""
TIMESTAMP: Final = string(_timestamp, format="date-time")
"""Value: microseconds since 1970."""
WINDOW: Final = string(_window, pattern=_WINDOW)
"""Value: seconds."""
