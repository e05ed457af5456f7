"""The types of a trade's fields: how a value is checked, written as text, stored and described."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from tradewire import amount, invisible, time_placed
from tradewire.code_checks import COUNTRY_SCHEMA, CURRENCY_SCHEMA, check_country, check_currency
from tradewire.errors import BadValue

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

TEXT_MAX: Final = 64
"""Characters of a text, at most."""
WHOLE_DIGITS: Final = 18
"""Digits of an amount before the decimal point, at most."""
FRACTION_DIGITS: Final = 12
"""Digits of an amount after the decimal point, at most. More are rounded."""

_PLAIN_NUMBER: Final = re.compile(rf"\d{{1,{WHOLE_DIGITS}}}(\.\d{{1,{FRACTION_DIGITS}}})?", re.ASCII)
"""Matches nearly all numbers. Those that match need only one more check: that they are not zero."""
_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,8})?", re.ASCII)
_NUMBER_CHARS_MAX: Final = 64
CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
"""Matches a control character."""
NO_CONTROL_CHARACTERS: Final = r"^[^\u0000-\u001f\u007f-\u009f]*$"
"""Matches a text without control characters, in JSON Schema's syntax."""


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
    """Make the type of texts of 1 to `max_chars` characters without invisible characters."""

    def parse(value: Any, _now: datetime) -> str:
        return _check_visible_text(_stripped(value), max_chars)

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
    if control := CONTROL.search(value):
        raise BadValue("control-character", f"contains a control character, {invisible.describe(control[0])}")
    return value


def _check_visible_text(value: str, max_chars: int) -> str:
    """Return a text. Raises BadValue if `check_text` does, or if it contains a character that can't be seen."""
    if value.isascii() and value.isprintable() and 0 < len(value) <= max_chars:  # nearly all texts
        return value
    check_text(value, max_chars)
    if hidden := invisible.first(value):
        raise BadValue("format-character", f"contains a character that can't be seen, {invisible.describe(hidden)}")
    return value


def _stripped(value: Any) -> str:
    if not isinstance(value, str) or isinstance(value, NumberText):
        raise BadValue("wrong-type", "is not a string")
    return invisible.strip(value)


def _parse_user_id(value: Any, _now: datetime) -> str:
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    return _check_visible_text(str(value) if is_integer else _stripped(value), TEXT_MAX)


def _parse_currency(value: Any, _now: datetime) -> str:
    return check_currency(_stripped(value))


def _parse_country(value: Any, _now: datetime) -> str:
    return check_country(_stripped(value))


def _parse_amount(value: Any, _now: datetime) -> Decimal:
    """Parse a JSON number or a numeric string exactly."""
    if isinstance(value, str):
        number = Decimal(value) if _PLAIN_NUMBER.fullmatch(value) else _parse_number(invisible.strip(value))
    elif isinstance(value, bool) or not isinstance(value, int):
        raise BadValue("wrong-type", "is neither a number nor a numeric string")
    elif abs(value) >= 10**WHOLE_DIGITS:
        raise BadValue("too-large", f"has more than {WHOLE_DIGITS} digits before the decimal point")
    else:
        number = Decimal(value)
    if number <= 0:
        raise BadValue("not-positive", "is not greater than zero")
    return number


def _parse_number(number_text: str) -> Decimal:
    if len(number_text) > _NUMBER_CHARS_MAX:
        raise BadValue("too-long", f"has more than {_NUMBER_CHARS_MAX} characters")
    if not _NUMBER.fullmatch(number_text):
        raise BadValue("not-a-number", "is not a finite number")
    number = Decimal(number_text)  # exact, and cheap for any exponent, since the digits are not expanded
    if number > 0 and -amount.exponent(number) > FRACTION_DIGITS:
        number = amount.rounded(number, FRACTION_DIGITS)
        if not number:
            raise BadValue("too-precise", f"rounds to 0 at {FRACTION_DIGITS} digits after the decimal point")
    if number and number.adjusted() >= WHOLE_DIGITS:
        raise BadValue("too-large", f"has more than {WHOLE_DIGITS} digits before the decimal point")
    return number


def _parse_time(value: Any, now: datetime) -> datetime:
    return time_placed.parse(_stripped(value), now)


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
    schema=CURRENCY_SCHEMA,
    filter=FilterType(check_currency, CURRENCY_SCHEMA),
    code_chars=3,
)
COUNTRY: Final = FieldType(
    kind="country",
    parse=_parse_country,
    schema=COUNTRY_SCHEMA,
    filter=FilterType(check_country, COUNTRY_SCHEMA),
    code_chars=2,
)
AMOUNT: Final = FieldType(
    kind="amount",
    parse=_parse_amount,
    schema={
        "anyOf": [
            {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 10**WHOLE_DIGITS},
            {"type": "string", "pattern": rf"^(?=.*[1-9])[0-9]{{1,{WHOLE_DIGITS}}}(\.[0-9]{{1,45}})?$"},
        ],
        "description": f"Kept exactly. Up to {WHOLE_DIGITS} digits before the point. After it, digits beyond the"
        f" {FRACTION_DIGITS}th are rounded half to even, and the trade gets the flag `{amount.ROUNDED}`.",
    },
    to_text=amount.to_text,
)
"""Value: a Decimal that keeps the digits of the message."""
TIME: Final = FieldType(
    kind="time",
    parse=_parse_time,
    schema={
        "type": "string",
        "description": "D-MON-YY H:MM:SS in UTC, or ISO 8601 with an offset. From 1970 to 5 minutes in the future.",
        "examples": ["24-JAN-15 10:27:44", "2015-01-24T10:27:44Z"],
    },
    to_text=time_placed.to_text,
)
"""Value: a datetime in UTC."""
