"""The trade message: from whatever a producer posts to one checked `Trade`.

Nothing here does arithmetic on, or formats, a number before its size and exponent are known to be small:
`1e9999999` is nine bytes on the wire and ten megabytes written out.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from tradewire import amount
from tradewire.codes import COUNTRIES, CURRENCIES
from tradewire.errors import Fault, InvalidTrade

if TYPE_CHECKING:
    from collections.abc import Callable

FIELDS: Final = (
    "userId",
    "currencyFrom",
    "currencyTo",
    "amountSell",
    "amountBuy",
    "rate",
    "timePlaced",
    "originatingCountry",
)
USER_ID_MAX: Final = 64
WHOLE_DIGITS: Final = 18
FRACTION_DIGITS: Final = 12
FUTURE_TOLERANCE: Final = timedelta(minutes=5)
RATE_MISMATCH: Final = "rate-mismatch"

_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"), start=1
    )
}
_CLASSIC_TIME: Final = re.compile(r"(\d\d)-([A-Z]{3})-(\d\d) (\d\d):(\d\d):(\d\d)", re.ASCII | re.IGNORECASE)
_PLAIN_NUMBER: Final = re.compile(rf"\d{{1,{WHOLE_DIGITS}}}(\.\d{{1,{FRACTION_DIGITS}}})?", re.ASCII)
"""What nearly all numbers are; nothing more need be known of one but that it is not zero."""
_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,8})?", re.ASCII)
_NUMBER_CHARS_MAX: Final = 64
_TIME_CHARS_MAX: Final = 40
_LONE_SURROGATE: Final = re.compile(
    rb"""\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F]"""
)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")

# A message has room for thousands of names that mean nothing; an answer shall not.
IGNORED_MAX: Final = 100
"""Unknown fields that are named, the first ones."""
_ODD_NAMES_MAX: Final = 10
"""Faults of fields that are none of ours, the first ones."""
_NAME_CHARS_SHOWN: Final = 64


class _NumberText(str):
    """A JSON number with a point or an exponent, as it was written."""

    __slots__ = ()


_decoder: Final = msgspec.json.Decoder(float_hook=_NumberText)


class Trade(NamedTuple):
    """One validated trade message: exact amounts, UTC time."""

    user_id: str
    currency_from: str
    currency_to: str
    amount_sell: Decimal
    amount_buy: Decimal
    rate: Decimal
    time_placed: datetime
    originating_country: str

    @property
    def flags(self) -> list[str]:
        """What is odd about the trade without being an error."""
        return [] if amount.rate_fits(self.amount_sell, self.rate, self.amount_buy) else [RATE_MISMATCH]


def decode(body: bytes | msgspec.Raw, now: datetime) -> tuple[Trade, list[str]]:
    """Decode one trade message; `now` is the moment it is checked against.

    Gives the trade, and the names of the first unknown fields that were ignored, cut to 64 characters. Raises
    InvalidTrade with every fault there is; of those of unknown fields, the first ten.
    """
    try:
        message = _decoder.decode(body)
    except (UnicodeDecodeError, RecursionError, msgspec.MsgspecError) as error:
        raise InvalidTrade([unreadable(bytes(body), error)]) from None
    if not isinstance(message, dict):
        raise InvalidTrade([Fault(None, "not-an-object", "The message is not a JSON object.")])
    return _Checker(message, now).trade()


def unreadable(body: bytes, error: Exception) -> Fault:
    """Say why the body could not be decoded, in the producer's terms rather than the decoder's."""
    if not body.strip():
        return Fault(None, "empty", "The body is empty.")
    try:
        body.decode()
    except UnicodeDecodeError as utf:
        return Fault(None, "not-utf-8", f"The body is not UTF-8: {utf.reason} at byte {utf.start}.")
    if isinstance(error, RecursionError):
        return Fault(None, "too-deep", "The body is nested too deep.")
    if isinstance(error, msgspec.ValidationError):
        return Fault(None, "number-too-long", "The body holds a whole number of too many digits.")
    if _LONE_SURROGATE.search(body):
        return Fault(None, "lone-surrogate", "The body holds half of a surrogate pair, which is no character.")
    return Fault(None, "not-json", f"The body is not JSON: {error}.")


class _Bad(Exception):  # noqa: N818 - as in tradewire.errors
    """Why one field can't be taken."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail


class _Checker:
    """Checks one message, gathering every fault instead of stopping at the first."""

    def __init__(self, message: dict[str, Any], now: datetime) -> None:
        self._now = now
        self._faults: list[Fault] = []
        self._ignored: list[str] = []
        self._given = self._fold(message)

    def _fold(self, message: dict[str, Any]) -> dict[str, Any]:
        given: dict[str, Any] = {}
        for key, value in message.items():
            name = key if key in _FIELD_SET else "".join(key.split())
            known = name in _FIELD_SET
            if "\0" in key or (isinstance(value, str) and "\0" in value):
                self._blame(name if known else _shown(key), "nul", "A NUL character may not be in a message.")
            elif not known:
                if len(self._ignored) < IGNORED_MAX:
                    self._ignored.append(key[:_NAME_CHARS_SHOWN])
            elif name in given:
                self._blame(name, "duplicate", f"{name} is given twice, differently spaced.")
            else:
                given[name] = value
        return given

    def _blame(self, field: str, code: str, detail: str) -> None:
        """Note what is wrong with a name; once, and with unknown ones only for the first few."""
        fault = Fault(field, code, detail)
        if (field in _FIELD_SET or len(self._faults) < _ODD_NAMES_MAX) and fault not in self._faults:
            self._faults.append(fault)

    def trade(self) -> tuple[Trade, list[str]]:
        take = self._take
        trade = Trade(
            take("userId", _user_id),
            take("currencyFrom", _currency),
            take("currencyTo", _currency),
            take("amountSell", _amount),
            take("amountBuy", _amount),
            take("rate", _amount),
            take("timePlaced", self._time),
            take("originatingCountry", _country),
        )
        if trade.currency_from == trade.currency_to and not self._faulted("currencyFrom"):
            self._faults.append(
                Fault("currencyTo", "same-currency", "currencyFrom and currencyTo are the same currency.")
            )
        if self._faults:
            raise InvalidTrade(self._faults)
        return trade, self._ignored

    def _take(self, field: str, parse: Callable[[Any], Any]) -> Any:
        """Give the field's checked value; where there is none, note the fault and give None."""
        if field not in self._given:
            if not self._faulted(field):
                self._faults.append(Fault(field, "missing", f"{field} is missing."))
            return None
        try:
            return parse(self._given[field])
        except _Bad as bad:
            self._faults.append(Fault(field, bad.code, f"{field} {bad.detail}."))
            return None

    def _faulted(self, field: str) -> bool:
        return any(fault.field == field for fault in self._faults)

    def _time(self, value: Any) -> datetime:
        text = _text(value)
        if len(text) > _TIME_CHARS_MAX:  # a fraction may have any number of digits, and what is parsed is kept
            raise _Bad("bad-time", f"is longer than {_TIME_CHARS_MAX} characters")
        placed = _parse_time(text)
        if placed > self._now + FUTURE_TOLERANCE:
            raise _Bad("in-the-future", "is more than 5 minutes in the future")
        return placed


_FIELD_SET: Final = frozenset(FIELDS)


def _shown(key: str) -> str:
    return _CONTROL.sub("?", key[:_NAME_CHARS_SHOWN])


def _text(value: Any) -> str:
    if not isinstance(value, str) or isinstance(value, _NumberText):
        raise _Bad("wrong-type", "is not a string")
    return value.strip()


def _user_id(value: Any) -> str:
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    text = str(value) if is_integer else _text(value)
    if not text:
        raise _Bad("empty", "is empty")
    if len(text) > USER_ID_MAX:
        raise _Bad("too-long", f"is longer than {USER_ID_MAX} characters")
    if _CONTROL.search(text):
        raise _Bad("control-character", "holds a control character")
    return text


def _code(value: Any) -> str:
    text = _text(value)
    return text.upper() if text.isascii() else text  # other alphabets have letters whose capitals are ASCII


def _currency(value: Any) -> str:
    code = _code(value)
    if code not in CURRENCIES:
        raise _Bad("unknown-currency", "is not a currency code of ISO 4217")
    return code


def _country(value: Any) -> str:
    code = _code(value)
    if code not in COUNTRIES:
        raise _Bad("unknown-country", "is not a country code of ISO 3166-1 alpha-2")
    return code


def _amount(value: Any) -> Decimal:
    """Take a JSON number or a numeric string, exactly as it was written."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise _Bad("wrong-type", "is neither a number nor a numeric string")
    if isinstance(value, int):
        if abs(value) >= 10**WHOLE_DIGITS:
            raise _Bad("too-large", f"has more than {WHOLE_DIGITS} digits before the point")
        number = Decimal(value)
    else:
        number = Decimal(value) if _PLAIN_NUMBER.fullmatch(value) else _parse_number(value.strip())
    if number <= 0:
        raise _Bad("not-positive", "is not greater than zero")
    return number


def _parse_number(text: str) -> Decimal:
    if len(text) > _NUMBER_CHARS_MAX:
        raise _Bad("too-long", f"is written with more than {_NUMBER_CHARS_MAX} characters")
    if not _NUMBER.fullmatch(text):
        raise _Bad("not-a-number", "is not a finite number")
    number = Decimal(text)  # exact, and cheap whatever the exponent: no digit is written out
    if number and number.adjusted() >= WHOLE_DIGITS:
        raise _Bad("too-large", f"has more than {WHOLE_DIGITS} digits before the point")
    if number and -amount.exponent(number) > FRACTION_DIGITS:
        raise _Bad("too-precise", f"has more than {FRACTION_DIGITS} digits behind the point")
    return number


@lru_cache(1024)  # trades come in the order of time, many in the same second
def _parse_time(text: str) -> datetime:
    classic = _CLASSIC_TIME.fullmatch(text)
    try:
        placed = _classic_time(*classic.groups()) if classic else datetime.fromisoformat(text)
        if placed.tzinfo is None:
            raise _Bad("bad-time", "has no offset from UTC")
        return placed.astimezone(UTC)
    except (ValueError, OverflowError):  # no such day, or beyond the years 1 to 9999 once in UTC
        raise _Bad("bad-time", "is neither DD-MON-YY HH:MM:SS nor ISO 8601 with an offset") from None


def _classic_time(day: str, month: str, year: str, hour: str, minute: str, second: str) -> datetime:
    if month.upper() not in _MONTHS:
        raise _Bad("bad-time", "names no English month")
    number = _MONTHS[month.upper()]
    return datetime(2000 + int(year), number, int(day), int(hour), int(minute), int(second), tzinfo=UTC)
