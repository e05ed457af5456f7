"""The sentence of each fault tells the producer the mistake."""

from __future__ import annotations

import msgspec
import pytest

from tests.support import example
from tests.unit.helpers import FIELDS, MESSAGE, NOW, with_extra_fields, with_field
from tradewire import trade
from tradewire.errors import InvalidTrade

ADVICE = f"Post the JSON object itself: {MESSAGE.decode()}"


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
        ("\u200b{}".encode(), "The body is not JSON: JSON is malformed: invalid character (byte 0), U+200B."),
        (
            "\ufeff\u00ad{\u201ca\u201d:1}".encode(),
            "The body is not JSON: JSON is malformed: object keys must be strings (byte 6), U+201C.",
        ),
        (b'{"a":"\x07"}', "The body is not JSON: JSON is malformed: invalid character (byte 6), U+0007."),
        (b"x", "The body is not JSON: JSON is malformed: invalid character (byte 0)."),
        (b"userId=1&rate=2", f"The body is a URL-encoded form, not JSON. {ADVICE}"),
        (b"%7B%22userId%22%3A1%7D=", f"The body is a URL-encoded form, not JSON. {ADVICE}"),
        (b'message={"userId":1}', f"The body is a URL-encoded form, not JSON. {ADVICE}"),
        (b"------x\r\nContent-Disposition: form-data", f"The body is a multipart form, not JSON. {ADVICE}"),
        (b"[]", "The message is not a JSON object."),
        (with_field("userId", r'"a\u0000b"'), "A message may not contain NUL characters."),
        (with_extra_fields('" rate":1'), "rate is given more than once."),
        (example(currencyTo="EUR"), "currencyFrom and currencyTo are the same currency."),
        (msgspec.json.encode(msgspec.json.decode(MESSAGE) | {"timePlaced": 7}), "timePlaced is not a string."),
        (example(timePlaced="0" * 41), "timePlaced is longer than 40 characters."),
        (example(timePlaced="2099-01-01T00:00:00Z"), "timePlaced is more than 5 minutes in the future."),
        (
            example(timePlaced="2015-01-24T10:27:44"),
            "timePlaced has no offset from UTC: append one, such as Z or +01:00.",
        ),
        (
            example(timePlaced="yesterday"),
            (
                "timePlaced is neither D-MON-YY H:MM:SS, such as 24-JAN-15 10:27:44,"
                " nor ISO 8601 with an offset, such as 2015-01-24T10:27:44Z."
            ),
        ),
        (
            example(timePlaced="24-MAI-15 10:27:44"),
            "timePlaced does not name an English month, such as JAN, SEPT or January.",
        ),
        (example(timePlaced="31-FEB-15 10:27:44"), "timePlaced names a day or a time of day that does not exist."),
        (example(timePlaced="1969-12-31T23:59:59Z"), "timePlaced is before 1970, as if it had never been set."),
        (example(userId=""), "userId is empty."),
        (example(userId="x" * 65), "userId is longer than 64 characters."),
        (example(userId="a\x7f"), "userId contains a control character, U+007F."),
        (example(currencyFrom="EURO"), "currencyFrom is not a currency code of ISO 4217."),
        (example(currencyFrom="CNH"), "currencyFrom is not a currency code of ISO 4217 (CNY?)."),
        (
            example(currencyFrom="DEM"),
            "currencyFrom is DEM, which circulated from 1948-06-20 to 2002-05-15, but not at timePlaced.",
        ),
        (
            example(currencyFrom="RUR"),
            "currencyFrom is RUR, which circulated from 1991-12-25 to 1998-12-31, but not at timePlaced (RUB?).",
        ),
        (example(currencyFrom="E\u200bUR"), "currencyFrom is not a currency code of ISO 4217 (it contains U+200B)."),
        (example(rate="1\u200e.5"), "rate is not a finite number (it contains U+200E)."),
        (example(userId="a\u202eb"), "userId contains a character that can't be seen, U+202E."),
        (example(originatingCountry="uk"), "originatingCountry is not a country code of ISO 3166-1 alpha-2 (GB?)."),
        (example(originatingCountry="ZZ"), "originatingCountry is not a country code of ISO 3166-1 alpha-2."),
        (example(amountSell=None), "amountSell is neither a number nor a numeric string."),
        (with_field("amountSell", "1" * 19), "amountSell has more than 18 digits before the decimal point."),
        (example(amountSell="1e18"), "amountSell has more than 18 digits before the decimal point."),
        (example(amountSell="1e-13"), "amountSell rounds to 0 at 12 digits after the decimal point."),
        (example(amountSell="1" * 65), "amountSell has more than 64 characters."),
        (example(amountSell="x"), "amountSell is not a finite number."),
        (with_field("rate", "0"), "rate is not greater than zero."),
    ],
)
def test_a_fault_is_explained_in_a_sentence(body: bytes, detail: str) -> None:
    assert details(body) == [detail]


def test_each_missing_field_is_named() -> None:
    assert details(b"{}") == [f"{field} is missing." for field in FIELDS]


@pytest.mark.parametrize(
    ("body", "reason"),
    [("1é", "trailing characters (byte 2)"), (r'{"a":"\é"}', "invalid escape character in string (byte 8)")],
)
def test_a_fault_that_the_decoder_finds_in_the_middle_of_a_character_is_explained(body: str, reason: str) -> None:
    [detail] = details(body.encode())
    assert detail.startswith(f"The body is not JSON: JSON is malformed: {reason}")
