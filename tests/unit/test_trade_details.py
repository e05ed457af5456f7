"""The sentence of each fault tells the producer what is wrong."""

from __future__ import annotations

import msgspec
import pytest

from tests.support import example
from tests.unit.helpers import FIELDS, MESSAGE, NOW, with_extra_fields, with_field
from tradewire import trade
from tradewire.errors import InvalidTrade


def details(body: bytes) -> list[str]:
    """Return the sentences of all faults of a body."""
    with pytest.raises(InvalidTrade) as caught:
        trade.decode(body, NOW)
    return [fault.detail for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "The body is empty."),
        (b"\xff", "The body is not UTF-8: invalid start byte at byte 0."),
        (b"[" * 100_000, "The body is nested too deeply."),
        (with_field("amountSell", "9" * 5000), "The body contains an integer with too many digits."),
        (
            with_field("userId", r'"\ud800"'),
            "The body contains half of a surrogate pair, which is not a character.",
        ),
        (b"{", "The body is not JSON: Input data was truncated."),
        (b"[]", "The message is not a JSON object."),
        (with_field("userId", r'"a\u0000b"'), "A message may not contain NUL characters."),
        (with_extra_fields('" rate":1'), "rate is given twice, with different white space."),
        (example(currencyTo="EUR"), "currencyFrom and currencyTo are the same currency."),
        (msgspec.json.encode(msgspec.json.decode(MESSAGE) | {"timePlaced": 7}), "timePlaced is not a string."),
        (example(timePlaced="0" * 41), "timePlaced is longer than 40 characters."),
        (example(timePlaced="2099-01-01T00:00:00Z"), "timePlaced is more than 5 minutes in the future."),
        (example(timePlaced="2015-01-24T10:27:44"), "timePlaced has no offset from UTC."),
        (
            example(timePlaced="yesterday"),
            "timePlaced is neither DD-MON-YY HH:MM:SS nor ISO 8601 with an offset.",
        ),
        (example(timePlaced="24-MAI-15 10:27:44"), "timePlaced does not name an English month."),
        (example(userId=""), "userId is empty."),
        (example(userId="x" * 65), "userId is longer than 64 characters."),
        (example(userId="a\x7f"), "userId contains a control character."),
        (example(currencyFrom="EURO"), "currencyFrom is not a currency code of ISO 4217."),
        (example(originatingCountry="ZZ"), "originatingCountry is not a country code of ISO 3166-1 alpha-2."),
        (example(amountSell=None), "amountSell is neither a number nor a numeric string."),
        (with_field("amountSell", "1" * 19), "amountSell has more than 18 digits before the decimal point."),
        (example(amountSell="1e18"), "amountSell has more than 18 digits before the decimal point."),
        (example(amountSell="1e-13"), "amountSell has more than 12 digits after the decimal point."),
        (example(amountSell="1" * 65), "amountSell has more than 64 characters."),
        (example(amountSell="x"), "amountSell is not a finite number."),
        (with_field("rate", "0"), "rate is not greater than zero."),
    ],
)
def test_a_fault_is_explained_in_a_sentence(body: bytes, detail: str) -> None:
    assert details(body) == [detail]


def test_each_missing_field_is_named() -> None:
    assert details(b"{}") == [f"{field} is missing." for field in FIELDS]
