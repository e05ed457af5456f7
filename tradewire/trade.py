"""The trade message: turns the body that a producer posts into a checked `Trade`.

A number's size and exponent are checked before any arithmetic or formatting: `1e9999999` is nine bytes on the
wire and ten megabytes written out. `tradewire/fields.py` declares the fields.

Example:
    trade, ignored = decode(body, datetime.now(UTC))
    trade.amount_buy  # Decimal("747.10")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import astuple

from tradewire import amount
from tradewire.decoding import decoding_fault
from tradewire.errors import Fault, InvalidTrade
from tradewire.field_types import CONTROL, BadValue, NumberText
from tradewire.fields import FIELDS, REQUIRED, TradeFields, struct

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from decimal import Decimal


RATE_MISMATCH: Final = "rate-mismatch"
"""Flag of a trade whose rate does not fit its amounts."""

# A message has room for thousands of unknown fields. These limits keep the response small.
IGNORED_MAX: Final = 100
"""A response names only the first unknown fields, up to this number."""
_UNKNOWN_FIELD_FAULTS_MAX: Final = 10
"""A response reports only the first faults of unknown fields, up to this number."""
_NAME_CHARS_MAX: Final = 64
"""A response cuts longer names of unknown fields."""


_FIELD_NAMES: Final = frozenset(field.json_name for field in FIELDS)
_REQUIRED_NAMES: Final = frozenset(field.json_name for field in REQUIRED)
_CHECKS: Final = [(field.json_name, field.type.parse) for field in FIELDS]
_TO_TEXT: Final = [(index, field.type.to_text) for index, field in enumerate(FIELDS) if field.type.to_text]
_decoder: Final = msgspec.json.Decoder(float_hook=NumberText)


def _flags(trade: Trade) -> list[str]:
    return [] if amount.rate_fits(trade.amount_sell, trade.rate, trade.amount_buy) else [RATE_MISMATCH]


if TYPE_CHECKING:

    class Trade(TradeFields[Decimal, datetime], msgspec.Struct, frozen=True):
        """One validated trade message."""

        def __init__(self, *values: Any) -> None: ...

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
        namespace={"flags": property(_flags, doc="What is odd about the trade without being an error.")},
        module=__name__,
        frozen=True,
    )


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

    def __init__(self, message: dict[str, Any], now: datetime) -> None:
        self._now = now
        self._faults: list[Fault] = []
        self._ignored: list[str] = []
        self._values = self._fold(message)

    def _fold(self, message: dict[str, Any]) -> dict[str, Any]:
        """Return the values by field name, with white space in the names removed."""
        values: dict[str, Any] = {}
        for key, value in message.items():
            name = key if key in _FIELD_NAMES else "".join(key.split())
            known = name in _FIELD_NAMES
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
        if (field in _FIELD_NAMES or len(self._faults) < _UNKNOWN_FIELD_FAULTS_MAX) and fault not in self._faults:
            self._faults.append(fault)

    def trade(self) -> tuple[Trade, list[str]]:
        trade = Trade(*[self._parse(name, parse) for name, parse in _CHECKS])
        if trade.currency_from == trade.currency_to and not self._has_fault("currencyFrom"):
            self._faults.append(
                Fault("currencyTo", "same-currency", "currencyFrom and currencyTo are the same currency.")
            )
        if self._faults:
            raise InvalidTrade(self._faults)
        return trade, self._ignored

    def _parse(self, name: str, parse: Callable[[Any, datetime], Any]) -> Any:
        """Return a field's checked value, or None if it is absent or bad. Add a fault unless it may be absent."""
        if name not in self._values:
            if name in _REQUIRED_NAMES and not self._has_fault(name):
                self._faults.append(Fault(name, "missing", f"{name} is missing."))
            return None
        try:
            return parse(self._values[name], self._now)
        except BadValue as bad:
            self._faults.append(Fault(name, bad.code, f"{name} {bad.detail}."))
            return None

    def _has_fault(self, field: str) -> bool:
        return any(fault.field == field for fault in self._faults)


def _printable(key: str) -> str:
    return CONTROL.sub("?", key[:_NAME_CHARS_MAX])
