"""The trade message: turns the body that a producer posts into a checked `Trade`.

A number's size and exponent are checked before any arithmetic or formatting: `1e9999999` is nine bytes on the
wire and ten megabytes written out.

Example:
    trade, ignored = decode(body, datetime.now(UTC))
    trade.amount_buy  # Decimal("747.10")
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
from tradewire.decoding import decoding_fault
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
"""The names of the message's fields, in the order of `Trade`."""
USER_ID_MAX: Final = 64
"""Characters of a user id, at most."""
WHOLE_DIGITS: Final = 18
"""Digits of an amount before the decimal point, at most."""
FRACTION_DIGITS: Final = 12
"""Digits of an amount after the decimal point, at most."""
FUTURE_TOLERANCE: Final = timedelta(minutes=5)
"""How far `timePlaced` may lie in the future, since clocks differ."""
RATE_MISMATCH: Final = "rate-mismatch"
"""Flag of a trade whose rate does not fit its amounts."""

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
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")

# A message has room for thousands of unknown fields. These limits keep the response small.
IGNORED_MAX: Final = 100
"""A response names only the first unknown fields, up to this number."""
_UNKNOWN_FIELD_FAULTS_MAX: Final = 10
"""A response reports only the first faults of unknown fields, up to this number."""
_NAME_CHARS_MAX: Final = 64
"""A response cuts longer names of unknown fields."""


class _NumberText(str):
    """A JSON number with a decimal point or an exponent, as it was written."""

    __slots__ = ()


_decoder: Final = msgspec.json.Decoder(float_hook=_NumberText)


class Trade(NamedTuple):
    """One validated trade message.

    Amounts keep the digits that the producer wrote: `747.10`. `time_placed` is in UTC. Codes are in capitals.
    """

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
    """Decode and check one trade message.

    Args:
        body: A JSON object in UTF-8.
        now: The current time, to refuse trades from the future.

    Returns:
        The trade, and the names of the unknown fields that were ignored: the first 100, cut to 64 characters.

    Raises:
        InvalidTrade: The message can't be accepted. The error carries every fault, but few of unknown fields.
    """
    try:
        message = _decoder.decode(body)
    except (UnicodeDecodeError, RecursionError, msgspec.MsgspecError) as error:
        raise InvalidTrade([decoding_fault(bytes(body), error)]) from None
    if not isinstance(message, dict):
        raise InvalidTrade([Fault(None, "not-an-object", "The message is not a JSON object.")])
    return _Checker(message, now).trade()


class _BadValue(Exception):  # noqa: N818 - as in tradewire.errors
    """A field's value can't be accepted."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail


class _Checker:
    """Checks one message and collects every fault instead of stopping at the first."""

    def __init__(self, message: dict[str, Any], now: datetime) -> None:
        self._now = now
        self._faults: list[Fault] = []
        self._ignored: list[str] = []
        self._values = self._fold(message)

    def _fold(self, message: dict[str, Any]) -> dict[str, Any]:
        """Return the values by field name, with white space in the names removed."""
        values: dict[str, Any] = {}
        for key, value in message.items():
            name = key if key in _FIELD_SET else "".join(key.split())
            known = name in _FIELD_SET
            if "\0" in key or (isinstance(value, str) and "\0" in value):
                self._add_fault(name if known else _printable(key), "nul", "A message may not contain NUL characters.")
            elif not known:
                if len(self._ignored) < IGNORED_MAX:
                    self._ignored.append(key[:_NAME_CHARS_MAX])
            elif name in values:
                self._add_fault(name, "duplicate", f"{name} is given twice, with different white space.")
            else:
                values[name] = value
        return values

    def _add_fault(self, field: str, code: str, detail: str) -> None:
        """Add a fault, once. For unknown fields, add only the first few."""
        fault = Fault(field, code, detail)
        if (field in _FIELD_SET or len(self._faults) < _UNKNOWN_FIELD_FAULTS_MAX) and fault not in self._faults:
            self._faults.append(fault)

    def trade(self) -> tuple[Trade, list[str]]:
        parse = self._parse
        trade = Trade(
            parse("userId", _user_id),
            parse("currencyFrom", _currency),
            parse("currencyTo", _currency),
            parse("amountSell", _amount),
            parse("amountBuy", _amount),
            parse("rate", _amount),
            parse("timePlaced", self._time),
            parse("originatingCountry", _country),
        )
        if trade.currency_from == trade.currency_to and not self._has_fault("currencyFrom"):
            self._faults.append(
                Fault("currencyTo", "same-currency", "currencyFrom and currencyTo are the same currency.")
            )
        if self._faults:
            raise InvalidTrade(self._faults)
        return trade, self._ignored

    def _parse(self, field: str, parse: Callable[[Any], Any]) -> Any:
        """Return a field's checked value. If it is missing or bad, add a fault and return None."""
        if field not in self._values:
            if not self._has_fault(field):
                self._faults.append(Fault(field, "missing", f"{field} is missing."))
            return None
        try:
            return parse(self._values[field])
        except _BadValue as bad:
            self._faults.append(Fault(field, bad.code, f"{field} {bad.detail}."))
            return None

    def _has_fault(self, field: str) -> bool:
        return any(fault.field == field for fault in self._faults)

    def _time(self, value: Any) -> datetime:
        text = _text(value)
        if len(text) > _TIME_CHARS_MAX:  # a fraction may have any number of digits, and _parse_time caches the text
            raise _BadValue("bad-time", f"is longer than {_TIME_CHARS_MAX} characters")
        placed = _parse_time(text)
        if placed > self._now + FUTURE_TOLERANCE:
            raise _BadValue("in-the-future", "is more than 5 minutes in the future")
        return placed


_FIELD_SET: Final = frozenset(FIELDS)


def _printable(key: str) -> str:
    return _CONTROL.sub("?", key[:_NAME_CHARS_MAX])


def _text(value: Any) -> str:
    if not isinstance(value, str) or isinstance(value, _NumberText):
        raise _BadValue("wrong-type", "is not a string")
    return value.strip()


def _user_id(value: Any) -> str:
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    text = str(value) if is_integer else _text(value)
    if not text:
        raise _BadValue("empty", "is empty")
    if len(text) > USER_ID_MAX:
        raise _BadValue("too-long", f"is longer than {USER_ID_MAX} characters")
    if _CONTROL.search(text):
        raise _BadValue("control-character", "contains a control character")
    return text


def _code(value: Any) -> str:
    text = _text(value)
    return text.upper() if text.isascii() else text  # some other letters have ASCII capitals


def _currency(value: Any) -> str:
    code = _code(value)
    if code not in CURRENCIES:
        raise _BadValue("unknown-currency", "is not a currency code of ISO 4217")
    return code


def _country(value: Any) -> str:
    code = _code(value)
    if code not in COUNTRIES:
        raise _BadValue("unknown-country", "is not a country code of ISO 3166-1 alpha-2")
    return code


def _amount(value: Any) -> Decimal:
    """Parse a JSON number or a numeric string exactly."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise _BadValue("wrong-type", "is neither a number nor a numeric string")
    if isinstance(value, int):
        if abs(value) >= 10**WHOLE_DIGITS:
            raise _BadValue("too-large", f"has more than {WHOLE_DIGITS} digits before the decimal point")
        number = Decimal(value)
    else:
        number = Decimal(value) if _PLAIN_NUMBER.fullmatch(value) else _parse_number(value.strip())
    if number <= 0:
        raise _BadValue("not-positive", "is not greater than zero")
    return number


def _parse_number(text: str) -> Decimal:
    if len(text) > _NUMBER_CHARS_MAX:
        raise _BadValue("too-long", f"has more than {_NUMBER_CHARS_MAX} characters")
    if not _NUMBER.fullmatch(text):
        raise _BadValue("not-a-number", "is not a finite number")
    number = Decimal(text)  # exact, and cheap for any exponent, since the digits are not expanded
    if number and number.adjusted() >= WHOLE_DIGITS:
        raise _BadValue("too-large", f"has more than {WHOLE_DIGITS} digits before the decimal point")
    if number and -amount.exponent(number) > FRACTION_DIGITS:
        raise _BadValue("too-precise", f"has more than {FRACTION_DIGITS} digits after the decimal point")
    return number


@lru_cache(1024)  # trades arrive roughly in order of time, many in the same second
def _parse_time(text: str) -> datetime:
    classic = _CLASSIC_TIME.fullmatch(text)
    try:
        placed = _classic_time(*classic.groups()) if classic else datetime.fromisoformat(text)
        if placed.tzinfo is None:
            raise _BadValue("bad-time", "has no offset from UTC")
        return placed.astimezone(UTC)
    except (ValueError, OverflowError):  # no such day, or outside the years 1 to 9999 in UTC
        raise _BadValue("bad-time", "is neither DD-MON-YY HH:MM:SS nor ISO 8601 with an offset") from None


def _classic_time(day: str, month: str, year: str, hour: str, minute: str, second: str) -> datetime:
    if month.upper() not in _MONTHS:
        raise _BadValue("bad-time", "does not name an English month")
    number = _MONTHS[month.upper()]
    return datetime(2000 + int(year), number, int(day), int(hour), int(minute), int(second), tzinfo=UTC)
