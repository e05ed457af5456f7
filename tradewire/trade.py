"""The trade message: turns the body that a producer posts into a checked `Trade`.

A number's size and exponent are checked before any arithmetic or formatting: `1e9999999` is nine bytes on the
wire and ten megabytes written out. `tradewire/fields.py` declares the fields.

Example:
    trade, ignored = decode(body, datetime.now(UTC))
    trade.amount_buy  # Decimal("747.10")
"""

from __future__ import annotations

from itertools import compress
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import astuple

from tradewire import amount, invisible
from tradewire.amount import Rounded
from tradewire.code_checks import check_circulation
from tradewire.decoding import decode as decode_json
from tradewire.decoding import repeated_keys
from tradewire.errors import FAULTS_MAX, BadValue, Fault, InvalidTrade
from tradewire.field_types import CONTROL, NumberText
from tradewire.fields import FIELDS, POSTED, REQUIRED, TradeFields, struct

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from decimal import Decimal


RATE_MISMATCH: Final = "rate-mismatch"
"""Flag of a trade whose rate does not fit its amounts."""

# A message has room for thousands of unknown fields. These limits keep the response small.
IGNORED_MAX: Final = 100
"""A response names only the first unknown fields, up to this number."""
_NAME_CHARS_MAX: Final = 64
"""A response cuts longer names of unknown fields."""


def _as_is(value: Any, _now: datetime) -> Any:
    """Return the value of a field that the API sets. It was checked where it comes from."""
    return value


_ESCAPED_NUL: Final = rb"\u0000"
"""JSON has no other way to write the NUL character."""
_FIELD_NAMES: Final = frozenset(field.json_name for field in POSTED)
_REQUIRED_NAMES: Final = frozenset(field.json_name for field in REQUIRED)
_CHECKS: Final = [(field.json_name, _as_is if field.is_stamped else field.type.parse) for field in FIELDS]
_TO_TEXT: Final = [(index, field.type.to_text) for index, field in enumerate(FIELDS) if field.type.to_text]
_AMOUNT_NAMES: Final = [field.json_name for field in FIELDS if field.type.kind == "amount"]
_amounts: Final = attrgetter(*[field.name for field in FIELDS if field.type.kind == "amount"])
_CURRENCIES: Final = [(field.json_name, field.name) for field in FIELDS if field.type.kind == "currency"]
_decoder: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(float_hook=NumberText)


def _rounded(trade: Trade) -> list[str]:
    return [*compress(_AMOUNT_NAMES, [type(each) is Rounded for each in _amounts(trade)])]


def _flags(trade: Trade) -> list[str]:
    flags = [] if amount.rate_fits(trade.amount_sell, trade.rate, trade.amount_buy) else [RATE_MISMATCH]
    return [*flags, amount.ROUNDED] if Rounded in map(type, _amounts(trade)) else flags


if TYPE_CHECKING:

    class Trade(TradeFields[Decimal, datetime], msgspec.Struct, frozen=True):
        """One validated trade message."""

        def __init__(self, *values: Any) -> None: ...

        @property
        def rounded(self) -> list[str]:
            """Names of the fields whose amounts were rounded."""

        @property
        def flags(self) -> list[str]:
            """What is odd about the trade without being an error."""

else:
    Trade = struct(
        "Trade",
        """One validated trade message.

        Amounts keep the digits that the producer wrote: `747.10`. Times are in UTC. Codes are in capitals.
        """,
        Any,
        namespace={
            "rounded": property(_rounded, doc="Names of the fields whose amounts were rounded."),
            "flags": property(_flags, doc="What is odd about the trade without being an error."),
        },
        module=__name__,
        frozen=True,
    )


def decode(body: bytes, now: datetime, producer: str = "") -> tuple[Trade, list[str]]:
    """Decode and check one trade message.

    Args:
        body: A JSON object in UTF-8.
        now: The current time, to refuse trades from the future.
        producer: The name of the principal that posts it: 1 to 64 visible characters. Empty without names.

    Returns:
        The trade, and the names of the unknown fields that were ignored: the first 100, cut to 64 characters.

    Raises:
        InvalidTrade: The message can't be accepted.
    """
    message, body = decode_json(_decoder, body)
    if not isinstance(message, dict):
        raise InvalidTrade([Fault(None, "not-an-object", "The message is not a JSON object.")])
    return _Checker(message, body, now, producer).trade()


def to_texts(trade: Trade) -> list[Any]:
    """Return the values of a trade as text, in the order of FIELDS. Absent optional fields are None.

    The text does not depend on how the producer wrote the trade.
    """
    texts = list(astuple(trade))
    for index, to_text in _TO_TEXT:
        if (value := texts[index]) is not None:
            texts[index] = to_text(value)
    return texts


class _Checker:
    """Checks one message and collects every fault instead of stopping at the first."""

    def __init__(self, message: dict[str, Any], body: bytes, now: datetime, producer: str) -> None:
        self._now = now
        self._faults: list[Fault] = []
        self._faults_of_unknown: list[Fault] = []
        self._more_faults = 0
        self._ignored: list[str] = []
        is_plain = message.keys() <= _FIELD_NAMES and _ESCAPED_NUL not in body  # nearly all messages
        self._values = message if is_plain else self._fold(message)
        for name in map(invisible.fold, repeated_keys(body, message)):
            self._add_repeated(name)
        if producer:
            self._values["producer"] = producer

    def _fold(self, message: dict[str, Any]) -> dict[str, Any]:
        """Return the values by field name. Invisible characters in the names don't count."""
        values: dict[str, Any] = {}
        for key, value in message.items():
            name = key if key in _FIELD_NAMES else invisible.fold(key)
            known = name in _FIELD_NAMES
            if "\0" in key or (isinstance(value, str) and "\0" in value):
                self._add_nul(name if known else _printable(key), known=known)
            elif not known:
                if len(self._ignored) < IGNORED_MAX:
                    self._ignored.append(key[:_NAME_CHARS_MAX])
            elif name in values:
                self._add_repeated(name)
            else:
                values[name] = value
        return values

    def _add_repeated(self, name: str) -> None:
        fault = Fault(name, "duplicate-field", f"{name} is given more than once.")
        if name in _FIELD_NAMES and fault not in self._faults:
            self._faults.append(fault)

    def _add_nul(self, name: str, *, known: bool) -> None:
        fault = Fault(name, "nul", "A message may not contain NUL characters.")
        if known:
            self._faults.append(fault)
        elif len(self._faults_of_unknown) < FAULTS_MAX:
            self._faults_of_unknown.append(fault)
        else:
            self._more_faults += 1

    def trade(self) -> tuple[Trade, list[str]]:
        trade = Trade(*[self._parse(name, parse) for name, parse in _CHECKS])
        if trade.currency_from == trade.currency_to and not self._has_fault("currencyFrom"):
            self._faults.append(
                Fault("currencyTo", "same-currency", "currencyFrom and currencyTo are the same currency.")
            )
        self._check_circulation(trade)
        if self._faults or self._faults_of_unknown:
            raise InvalidTrade([*self._faults, *self._faults_of_unknown], self._more_faults)
        return trade, self._ignored

    def _parse(self, name: str, parse: Callable[[Any, datetime], Any]) -> Any:
        """Return a field's checked value, or None if it is absent or bad. Add a fault unless it may be absent."""
        if name not in self._values:
            if name in _REQUIRED_NAMES and not self._has_fault(name):
                self._faults.append(Fault(name, "missing", f"{name} is missing."))
            return None
        value = self._values[name]
        try:
            return parse(value, self._now)
        except BadValue as bad:
            self._faults.append(Fault(name, bad.code, f"{name} {bad.detail}{_unseen(value, bad.detail)}."))
            return None

    def _check_circulation(self, trade: Trade) -> None:
        if self._faults and self._has_fault("timePlaced"):
            return
        for json_name, name in _CURRENCIES:
            try:
                check_circulation(getattr(trade, name), trade.time_placed)
            except BadValue as bad:
                self._faults.append(Fault(json_name, bad.code, f"{json_name} {bad.detail}."))

    def _has_fault(self, field: str) -> bool:
        return any(fault.field == field for fault in self._faults)


def _unseen(value: Any, detail: str) -> str:
    """Return the end of a fault's sentence: it names what nobody can see in the value, unless the detail does."""
    hidden = invisible.first(invisible.strip(value)) if isinstance(value, str) else ""
    named = hidden and invisible.describe(hidden)
    return f" (it contains {named})" if named and named not in detail else ""


def _printable(key: str) -> str:
    return CONTROL.sub("?", key[:_NAME_CHARS_MAX])
