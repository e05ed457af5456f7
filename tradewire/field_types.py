"""The types of a trade's fields: how a value is checked, written as text, stored and described."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from tradewire import amount
from tradewire.codes import COUNTRIES, CURRENCIES

if TYPE_CHECKING:
    from collections.abc import Callable

TEXT_MAX: Final = 64
"""Characters of a text, at most."""
WHOLE_DIGITS: Final = 18
"""Digits of an amount before the decimal point, at most."""
FRACTION_DIGITS: Final = 12
"""Digits of an amount after the decimal point, at most."""
FUTURE_TOLERANCE: Final = timedelta(minutes=5)
"""How far a time may lie in the future, since clocks differ."""

_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"), start=1
    )
}
_CLASSIC_TIME: Final = re.compile(r"(\d\d)-([A-Z]{3})-(\d\d) (\d\d):(\d\d):(\d\d)", re.ASCII | re.IGNORECASE)
_PLAIN_NUMBER: Final = re.compile(rf"\d{{1,{WHOLE_DIGITS}}}(\.\d{{1,{FRACTION_DIGITS}}})?", re.ASCII)
"""Matches nearly all numbers. Those that match need only one more check: that they are not zero."""
_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,8})?", re.ASCII)
_NUMBER_CHARS_MAX: Final = 64
_TIME_CHARS_MAX: Final = 40
CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
"""Matches a control character."""
NO_CONTROL_CHARACTERS: Final = r"^[^\u0000-\u001f\u007f-\u009f]*$"
"""Matches a text without control characters, in JSON Schema's syntax."""


class BadValue(Exception):  # noqa: N818 - as in tradewire.errors
    """A value does not belong to its type.

    Args:
        code: The fault's code.
        detail: The rest of a sentence that begins with the name of the field or parameter, without the period:
            `is empty`.
    """

    def __init__(self, code: str, detail: str) -> None:
        self.code = code
        self.detail = detail


class NumberText(str):
    """A JSON number with a decimal point or an exponent, as it was written."""

    __slots__ = ()


class FilterType(NamedTuple):
    """How a query parameter selects the values of a field."""

    parse: Callable[[str], str]
    """Returns the value that the field must equal. Raises BadValue."""
    schema: dict[str, Any]
    """The JSON Schema of the parameter."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FieldType:
    """The type of a field of a trade."""

    kind: Literal["text", "currency", "country", "amount", "time"]
    """Amounts are stored as exact decimals, all other kinds as text. The page aligns and reads values by kind."""
    parse: Callable[[Any, datetime], Any]
    """Takes the value in a message, and the current time. Returns the checked value. Raises BadValue."""
    schema: dict[str, Any]
    """The JSON Schema of the values that producers may post."""
    to_text: Callable[[Any], str] | None = None
    """Writes a checked value as text. None if it is text already."""
    filter: FilterType | None = None
    """None if messages can't be selected by an exact value."""
    code_chars: int | None = None
    """Characters of each code. None if the type is no code."""
    max_chars: int = TEXT_MAX
    """Characters of a text, at most."""


def text(max_chars: int = TEXT_MAX) -> FieldType:
    """Make the type of texts of 1 to `max_chars` characters without control characters."""

    def parse(value: Any, _now: datetime) -> str:
        return check_text(_stripped(value), max_chars)

    def parse_filter(value: str) -> str:
        return check_text(value, max_chars)

    limits = {"type": "string", "minLength": 1, "maxLength": max_chars}
    return FieldType(
        kind="text",
        parse=parse,
        schema=limits | {"pattern": r"^[!-~]+( [!-~]+)*$"},
        filter=FilterType(parse_filter, limits | {"pattern": NO_CONTROL_CHARACTERS}),
        max_chars=max_chars,
    )


def check_text(value: str, max_chars: int) -> str:
    """Return a text. Raises BadValue if it is empty, too long, or contains a control character."""
    if not value:
        raise BadValue("empty", "is empty")
    if len(value) > max_chars:
        raise BadValue("too-long", f"is longer than {max_chars} characters")
    if CONTROL.search(value):
        raise BadValue("control-character", "contains a control character")
    return value


def check_currency(code: str) -> str:
    """Return a currency code in capitals. Raises BadValue."""
    code = _to_capitals(code)
    if code not in CURRENCIES:
        raise BadValue("unknown-currency", "is not a currency code of ISO 4217")
    return code


def check_country(code: str) -> str:
    """Return a country code in capitals. Raises BadValue."""
    code = _to_capitals(code)
    if code not in COUNTRIES:
        raise BadValue("unknown-country", "is not a country code of ISO 3166-1 alpha-2")
    return code


def _stripped(value: Any) -> str:
    if not isinstance(value, str) or isinstance(value, NumberText):
        raise BadValue("wrong-type", "is not a string")
    return value.strip()


def _to_capitals(code: str) -> str:
    code = code.strip()
    return code.upper() if code.isascii() else code  # upper() would turn a long s (U+017F) into an S


def _parse_user_id(value: Any, _now: datetime) -> str:
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    return check_text(str(value) if is_integer else _stripped(value), TEXT_MAX)


def _parse_currency(value: Any, _now: datetime) -> str:
    return check_currency(_stripped(value))


def _parse_country(value: Any, _now: datetime) -> str:
    return check_country(_stripped(value))


def _parse_amount(value: Any, _now: datetime) -> Decimal:
    """Parse a JSON number or a numeric string exactly."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise BadValue("wrong-type", "is neither a number nor a numeric string")
    if isinstance(value, int):
        if abs(value) >= 10**WHOLE_DIGITS:
            raise BadValue("too-large", f"has more than {WHOLE_DIGITS} digits before the decimal point")
        number = Decimal(value)
    else:
        number = Decimal(value) if _PLAIN_NUMBER.fullmatch(value) else _parse_number(value.strip())
    if number <= 0:
        raise BadValue("not-positive", "is not greater than zero")
    return number


def _parse_number(number_text: str) -> Decimal:
    if len(number_text) > _NUMBER_CHARS_MAX:
        raise BadValue("too-long", f"has more than {_NUMBER_CHARS_MAX} characters")
    if not _NUMBER.fullmatch(number_text):
        raise BadValue("not-a-number", "is not a finite number")
    number = Decimal(number_text)  # exact, and cheap for any exponent, since the digits are not expanded
    if number and number.adjusted() >= WHOLE_DIGITS:
        raise BadValue("too-large", f"has more than {WHOLE_DIGITS} digits before the decimal point")
    if number and -amount.exponent(number) > FRACTION_DIGITS:
        raise BadValue("too-precise", f"has more than {FRACTION_DIGITS} digits after the decimal point")
    return number


def _parse_time(value: Any, now: datetime) -> datetime:
    time_text = _stripped(value)
    if len(time_text) > _TIME_CHARS_MAX:  # a fraction may have any number of digits, and _read_time caches the text
        raise BadValue("bad-time", f"is longer than {_TIME_CHARS_MAX} characters")
    time = _read_time(time_text)
    if time > now + FUTURE_TOLERANCE:
        raise BadValue("in-the-future", "is more than 5 minutes in the future")
    return time


@lru_cache(1024)  # trades arrive roughly in order of time, many in the same second
def _read_time(time_text: str) -> datetime:
    classic = _CLASSIC_TIME.fullmatch(time_text)
    try:
        time = _classic_time(*classic.groups()) if classic else datetime.fromisoformat(time_text)
        if time.tzinfo is None:
            raise BadValue("bad-time", "has no offset from UTC")
        return time.astimezone(UTC)
    except (ValueError, OverflowError):  # no such day, or outside the years 1 to 9999 in UTC
        raise BadValue("bad-time", "is neither DD-MON-YY HH:MM:SS nor ISO 8601 with an offset") from None


def _classic_time(day: str, month: str, year: str, hour: str, minute: str, second: str) -> datetime:
    if month.upper() not in _MONTHS:
        raise BadValue("bad-time", "does not name an English month")
    number = _MONTHS[month.upper()]
    return datetime(2000 + int(year), number, int(day), int(hour), int(minute), int(second), tzinfo=UTC)


@lru_cache(1024)  # many trades are placed in the same second
def _time_to_text(time: datetime) -> str:
    return time.isoformat().removesuffix("+00:00") + "Z"


_CURRENCY_SCHEMA: Final = {"type": "string", "enum": sorted(CURRENCIES)}
_COUNTRY_SCHEMA: Final = {"type": "string", "enum": sorted(COUNTRIES)}
_TEXT: Final = text()

USER_ID: Final = FieldType(
    kind="text",
    parse=_parse_user_id,
    schema={"anyOf": [_TEXT.schema, {"type": "integer"}]},
    filter=_TEXT.filter,
)
"""Text. An integer is taken as its digits."""
CURRENCY: Final = FieldType(
    kind="currency",
    parse=_parse_currency,
    schema=_CURRENCY_SCHEMA,
    filter=FilterType(check_currency, _CURRENCY_SCHEMA),
    code_chars=3,
)
COUNTRY: Final = FieldType(
    kind="country",
    parse=_parse_country,
    schema=_COUNTRY_SCHEMA,
    filter=FilterType(check_country, _COUNTRY_SCHEMA),
    code_chars=2,
)
AMOUNT: Final = FieldType(
    kind="amount",
    parse=_parse_amount,
    schema={
        "anyOf": [
            {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 10**WHOLE_DIGITS},
            {"type": "string", "pattern": rf"^(?=.*[1-9])[0-9]{{1,{WHOLE_DIGITS}}}(\.[0-9]{{1,{FRACTION_DIGITS}}})?$"},
        ],
        "description": f"Kept exactly. Up to {WHOLE_DIGITS} digits before the point and {FRACTION_DIGITS} after it.",
    },
    to_text=amount.to_text,
)
"""Value: a Decimal that keeps the digits of the message."""
TIME: Final = FieldType(
    kind="time",
    parse=_parse_time,
    schema={
        "type": "string",
        "description": "DD-MON-YY HH:MM:SS in UTC, or ISO 8601 with an offset. At most 5 minutes in the future.",
        "examples": ["24-JAN-15 10:27:44", "2015-01-24T10:27:44Z"],
    },
    to_text=_time_to_text,
)
"""Value: a datetime in UTC."""
