"""The kinds of values that questions hold, with the codes of what may be wrong with each."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from api.http.parameters import BadValue, ParameterType
from tradewire.codes import COUNTRIES, CURRENCIES
from tradewire.event import to_microseconds
from tradewire.trade import FRACTION_DIGITS, USER_ID_MAX, WHOLE_DIGITS

if TYPE_CHECKING:
    from collections.abc import Callable

_WORDS_CHARS_MAX: Final = 128
_PLAIN: Final = r"^[^\u0000-\u001f\u007f-\u009f]*$"
_FLAG: Final = r"^[a-z0-9-]{1,64}$"
_AMOUNT: Final = rf"^[0-9]{{1,{WHOLE_DIGITS}}}(\.[0-9]{{1,{FRACTION_DIGITS}}})?$"
_WINDOW: Final = r"^[1-9][0-9]{0,3}[mhd]$"
_TIMESTAMP: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d([.,]\d{1,9})?)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_UNIT_SECONDS: Final = {"m": 60, "h": 3600, "d": 86400}
_EARLIEST: Final = 0
_LATEST: Final = to_microseconds(datetime(9998, 1, 1, tzinfo=UTC))


def _folded(text: str) -> str:
    code = text.strip()
    return code.upper() if code.isascii() else code  # other alphabets have letters whose capitals are ASCII


def _currency(text: str) -> str:
    code = _folded(text)
    if code not in CURRENCIES:
        raise BadValue("unknown-currency", "is not a currency code of ISO 4217")
    return code


def _country(text: str) -> str:
    code = _folded(text)
    if code not in COUNTRIES:
        raise BadValue("unknown-country", "is not a country code of ISO 3166-1 alpha-2")
    return code


def _user(text: str) -> str:
    if not text:
        raise BadValue("empty", "is empty")
    return _plain(text, USER_ID_MAX)


def _words(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_plain(text, _WORDS_CHARS_MAX).split()))


def _plain(text: str, chars_max: int) -> str:
    if len(text) > chars_max:
        raise BadValue("too-long", f"is longer than {chars_max} characters")
    if not re.fullmatch(_PLAIN, text):
        raise BadValue("control-character", "holds a control character")
    return text


def _flag(text: str) -> str:
    if not re.fullmatch(_FLAG, text):
        raise BadValue("bad-flag", "is not a flag, such as rate-mismatch")
    return text


def _amount(text: str) -> Decimal:
    if not re.fullmatch(_AMOUNT, text):
        digits = f"up to {WHOLE_DIGITS} digits before the point and {FRACTION_DIGITS} behind it"
        raise BadValue("bad-amount", f"is not an amount, such as 747.10: {digits}")
    return Decimal(text)


def _timestamp(text: str) -> int:
    try:
        if not _TIMESTAMP.fullmatch(text):
            raise ValueError
        moment = to_microseconds(datetime.fromisoformat(text.upper()))
    except ValueError:
        raise BadValue(
            "bad-time", "is not ISO 8601 with an offset, such as 2026-01-31T12:00:00Z (a + is written %2B here)"
        ) from None
    return min(max(moment, _EARLIEST), _LATEST)  # nothing was received before, nor will be after


def _window(text: str) -> int:
    if not re.fullmatch(_WINDOW, text):
        raise BadValue("bad-window", "is not a number, up to 9999, of minutes, hours or days, such as 15m, 24h or 30d")
    return int(text[:-1]) * _UNIT_SECONDS[text[-1]]


def whole(low: int, high: int) -> ParameterType:
    """Make the kind of whole numbers between two bounds, both included."""

    def read(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,15}", text) or not low <= int(text) <= high:
            raise BadValue("out-of-range", f"is not a whole number from {low} to {high}")
        return int(text)

    return ParameterType(read, {"type": "integer", "minimum": low, "maximum": high})


def one_of(*words: str) -> ParameterType:
    """Make the kind of a few words."""

    def read(text: str) -> str:
        if text not in words:
            raise BadValue("unknown-value", f"is not one of {', '.join(words)}")
        return text

    return ParameterType(read, {"type": "string", "enum": list(words)})


def text(read: Callable[[str], object], **schema: object) -> ParameterType:
    """Make a kind whose values are written as text that fits a schema."""
    return ParameterType(read, {"type": "string", **schema})


CURRENCY: Final = text(_currency, enum=sorted(CURRENCIES))
COUNTRY: Final = text(_country, enum=sorted(COUNTRIES))
USER: Final = text(_user, minLength=1, maxLength=USER_ID_MAX, pattern=_PLAIN)
WORDS: Final = text(_words, maxLength=_WORDS_CHARS_MAX, pattern=_PLAIN)
"""As a tuple."""
FLAG: Final = text(_flag, pattern=_FLAG)
AMOUNT: Final = text(_amount, pattern=_AMOUNT)
"""As a Decimal."""
TIMESTAMP: Final = text(_timestamp, format="date-time")
"""As to_microseconds since 1970."""
WINDOW: Final = text(_window, pattern=_WINDOW)
"""As seconds."""
