"""All fields of a trade message except its time: valid values up to their limits, and invalid ones."""

from __future__ import annotations

import sys
import tracemalloc
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING
from unicodedata import category

import pytest

from tests.support import example
from tests.unit.helpers import FIELDS, decode_trade, fault_codes, with_field
from tradewire import code_checks, field_types
from tradewire.errors import InvalidTrade
from tradewire.trade import to_texts

if TYPE_CHECKING:
    from collections.abc import Callable

AMOUNTS = ("amountSell", "amountBuy", "rate")


def as_number(text: str) -> str:
    return text


def as_string(text: str) -> str:
    return f'"{text}"'


@pytest.mark.parametrize("field", AMOUNTS)
@pytest.mark.parametrize("form", [as_number, as_string])
@pytest.mark.parametrize(
    "text",
    [
        "747.10",
        "0.1",
        "1000",
        "1000.000000000000",
        "1e17",
        "1E-12",
        "12.50e2",
        "0.000000000001",
        "999999999999999999",
        "999999999999999999.999999999999",
    ],
)
def test_an_amount_is_kept_exactly(field: str, form: Callable[[str], str], text: str) -> None:
    trade = decode_trade(with_field(field, form(text)))
    amounts = dict(zip(AMOUNTS, (trade.amount_sell, trade.amount_buy, trade.rate), strict=True))
    assert amounts[field].as_tuple() == Decimal(text).as_tuple()


@pytest.mark.parametrize("field", AMOUNTS)
@pytest.mark.parametrize("form", [as_number, as_string])
@pytest.mark.parametrize(
    ("text", "rounded"),
    [
        pytest.param("1533.5986119999998", "1533.598612", id="computed with floats"),
        pytest.param("0.30000000000000004", "0.3", id="zeros made by rounding are cut"),
        pytest.param("0.1234567890125", "0.123456789012", id="half to even, down"),
        pytest.param("0.1234567890135", "0.123456789014", id="half to even, up"),
        pytest.param("0.12345678901250000000000000001", "0.123456789013", id="more than half"),
        pytest.param("0.0000000000006", "0.000000000001", id="the smallest amount"),
        pytest.param("6e-13", "0.000000000001", id="the smallest amount with an exponent"),
        pytest.param("99999999999999999.9999999999996", "100000000000000000", id="nines"),
        pytest.param("999999999999999999.9999999999994", "999999999999999999.999999999999", id="30 digits"),
        pytest.param("1.0000000000000", "1", id="13 fractional zeros"),
        pytest.param("123.4e-13", "0.000000000012", id="an exponent that moves the digits"),
    ],
)
def test_more_than_12_fractional_digits_are_rounded_half_to_even_and_flagged(
    field: str, form: Callable[[str], str], text: str, rounded: str
) -> None:
    trade = decode_trade(with_field(field, form(text)))
    texts = dict(zip(FIELDS, to_texts(trade)[: len(FIELDS)], strict=True))
    assert (texts[field], trade.rounded) == (rounded, [field])
    assert "rounded" in trade.flags


def test_an_amount_with_12_fractional_digits_is_not_rounded() -> None:
    trade = decode_trade(example(rate="0.747100000000"))
    assert (trade.rounded, trade.flags, str(trade.rate)) == ([], [], "0.747100000000")


def test_every_rounded_field_is_named_in_the_order_of_the_fields() -> None:
    trade = decode_trade(example(rate=0.30000000000000004, amountSell="1.00000000000005", amountBuy=0.3))
    assert trade.rounded == ["amountSell", "rate"]


@pytest.mark.parametrize("text", ["+5", "5.", " 5 ", "0" * 63 + "5"])
def test_a_numeric_string_may_have_a_sign_spaces_and_leading_zeros_up_to_64_characters(text: str) -> None:
    assert decode_trade(example(rate=text)).rate == Decimal(5)


@pytest.mark.parametrize("field", AMOUNTS)
@pytest.mark.parametrize("form", [as_number, as_string])
@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param("0", "not-positive", id="zero"),
        pytest.param("0.000", "not-positive", id="zero with fractional digits"),
        pytest.param("0e9999999", "not-positive", id="zero with an exponent"),
        pytest.param("-0", "not-positive", id="minus zero"),
        pytest.param("-1", "not-positive", id="a negative number"),
        pytest.param("-0.000000000001", "not-positive", id="the smallest negative number"),
        pytest.param("1000000000000000000", "too-large", id="19 digits"),
        pytest.param("1e18", "too-large", id="19 digits because of an exponent"),
        pytest.param("10000000000000000.0e2", "too-large", id="19 digits with a point and an exponent"),
        pytest.param("18446744073709551616", "too-large", id="more than 64 bits"),
        pytest.param("1" * 40, "too-large", id="40 digits"),
        pytest.param("-" + "1" * 40, "too-large", id="40 negative digits"),
        pytest.param("0.0000000000001", "too-precise", id="0 when rounded"),
        pytest.param("1e-13", "too-precise", id="0 when rounded, because of an exponent"),
        pytest.param("0.0000000000005", "too-precise", id="just 0 when rounded half to even"),
        pytest.param("-0.0000000000001", "not-positive", id="a negative number that would be 0 when rounded"),
        pytest.param("999999999999999999.9999999999995", "too-large", id="19 digits when rounded"),
        pytest.param("1e400", "too-large", id="more than a float can hold"),
        pytest.param("0." + "1" * 63, "too-long", id="65 characters"),
    ],
)
def test_an_amount_beyond_a_limit_is_refused(field: str, form: Callable[[str], str], text: str, code: str) -> None:
    assert fault_codes(with_field(field, form(text))) == [(field, code)]


@pytest.mark.parametrize("field", AMOUNTS)
@pytest.mark.parametrize("form", [as_number, as_string])
@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("1e9999999", "too-large"),
        ("-1e9999999", "too-large"),
        ("1e99999999", "too-large"),
        ("1e-9999999", "too-precise"),
        ("0e-9999999", "not-positive"),
    ],
)
def test_a_short_number_with_a_huge_exponent_is_refused_without_expanding_it(
    field: str, form: Callable[[str], str], text: str, code: str
) -> None:
    body = with_field(field, form(text))
    tracemalloc.start()
    try:
        faults = fault_codes(body)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert faults == [(field, code)]
    assert peak_bytes < 100_000


@pytest.mark.parametrize("text", ["1e999999999", "1e-99999999999999999999"])
def test_an_exponent_of_more_than_eight_digits_is_refused(text: str) -> None:
    assert [field for field, _ in fault_codes(with_field("rate", text))] == ["rate"]


@pytest.mark.parametrize("text", ["NaN", "-nan", "sNaN", "Infinity", "-inf"])
def test_a_number_that_is_not_finite_is_refused(text: str) -> None:
    assert fault_codes(example(rate=text)) == [("rate", "not-a-number")]


@pytest.mark.parametrize(
    "text", ["", " ", "1,5", "1_000", "0x10", "1 000", "\u0661", "½", "1e", "e5", ".", "--1", "1\x1f2"]
)
def test_a_string_that_is_not_a_number_is_refused(text: str) -> None:
    assert fault_codes(example(amountSell=text)) == [("amountSell", "not-a-number")]


@pytest.mark.parametrize("digits", [5000, 60_000])
def test_an_integer_too_long_for_python_is_refused(digits: int) -> None:
    assert fault_codes(with_field("amountSell", "9" * digits)) == [(None, "number-too-long")]


@pytest.mark.parametrize("code", ["EUR", "HRK", "LTL", "LVL", "EEK", "BGN", "VEF", "ZWL", "CLF", "XAF", "XDR", "SLE"])
def test_a_currency_that_circulated_since_2010_is_accepted(code: str) -> None:
    assert decode_trade(example(currencyFrom=code)).currency_from == code
    assert decode_trade(example(currencyFrom="GBP", currencyTo=code.lower())).currency_to == code


@pytest.mark.parametrize(
    "code", ["", "XTS", "XXX", "XAU", "XAG", "XPD", "XPT", "CNH", "BTC", "EU", "EURO", "€", "u\u017fd"]
)
@pytest.mark.parametrize("field", ["currencyFrom", "currencyTo"])
def test_a_currency_that_is_not_in_use_is_refused(field: str, code: str) -> None:
    assert fault_codes(example(**{field: code})) == [(field, "unknown-currency")]


@pytest.mark.parametrize(
    ("code", "first", "last"),
    [
        ("DEM", "1970-01-01", "2002-05-15"),
        ("FRF", "1970-01-01", "2002-02-17"),
        ("XEU", "1979-01-01", "1998-12-31"),
        ("RUR", "1991-12-25", "1998-12-31"),
        ("SKK", "1992-12-31", "2009-01-01"),
    ],
)
def test_a_currency_that_was_withdrawn_before_2010_is_accepted_in_a_trade_of_its_time(
    code: str, first: str, last: str
) -> None:
    begin, end = date.fromisoformat(first), date.fromisoformat(last)

    def codes(day: date) -> list[tuple[str | None, str]]:
        return fault_codes(example(currencyFrom=code.lower(), currencyTo="USD", timePlaced=f"{day}T12:00:00Z"))

    assert codes(begin) == codes(end) == []
    assert codes(end + timedelta(days=1)) == [("currencyFrom", "withdrawn-currency")]
    if begin.year > 1970:
        assert codes(begin - timedelta(days=1)) == [("currencyFrom", "withdrawn-currency")]


def test_without_a_valid_time_nothing_is_said_about_the_life_of_a_currency() -> None:
    assert fault_codes(example(currencyTo="DEM", timePlaced="x")) == [("timePlaced", "bad-time")]


def test_a_withdrawn_currency_is_reported_beside_other_faults() -> None:
    body = example(currencyFrom="DEM", originatingCountry="FX")
    assert fault_codes(body) == [("originatingCountry", "unknown-country"), ("currencyFrom", "withdrawn-currency")]


def test_the_settings_admit_more_currencies_and_withdrawn_ones_at_any_time() -> None:
    code_checks.admit(("CNH", "DEM"))
    try:
        assert decode_trade(example(currencyFrom="CNH", currencyTo="dem")).currency_to == "DEM"
        assert field_types.CURRENCY.filter
        assert field_types.CURRENCY.filter.parse("cnh") == "CNH"
        assert "CNH" in field_types.CURRENCY.schema["enum"]
        assert fault_codes(example(currencyFrom="BTC")) == [("currencyFrom", "unknown-currency")]
        assert fault_codes(example(currencyFrom="SKK", timePlaced="2008-01-01T12:00:00Z")) == []
    finally:
        code_checks.admit(())
    assert fault_codes(example(currencyFrom="CNH")) == [("currencyFrom", "unknown-currency")]
    assert "CNH" not in field_types.CURRENCY.schema["enum"]


@pytest.mark.parametrize(("sold", "bought"), [("EUR", "EUR"), (" eur", "EUR "), ("HRK", "hrk")])
def test_a_trade_between_equal_currencies_is_refused(sold: str, bought: str) -> None:
    assert fault_codes(example(currencyFrom=sold, currencyTo=bought)) == [("currencyTo", "same-currency")]


def test_equal_unknown_currencies_are_reported_as_unknown_only() -> None:
    assert fault_codes(example(currencyFrom="AAA", currencyTo="AAA")) == [
        ("currencyFrom", "unknown-currency"),
        ("currencyTo", "unknown-currency"),
    ]


@pytest.mark.parametrize("code", ["FR", "XK", "GB", "AX", "SX", "TW"])
def test_countries_of_iso_3166_and_kosovo_are_accepted(code: str) -> None:
    assert decode_trade(example(originatingCountry=code.lower())).originating_country == code


@pytest.mark.parametrize("code", ["", "ZZ", "UK", "EU", "FRA", "F", "F R", "AN", "SU"])
def test_an_unknown_country_is_refused(code: str) -> None:
    assert fault_codes(example(originatingCountry=code)) == [("originatingCountry", "unknown-country")]


@pytest.mark.parametrize(
    ("field", "code", "likely"),
    [
        ("originatingCountry", "UK", "GB"),
        ("originatingCountry", "el", "GR"),
        ("originatingCountry", "EN", "GB"),
        ("originatingCountry", "FRA", "FR"),
        ("currencyTo", "CNH", "CNY"),
        ("currencyTo", "JEP", "GBP"),
        ("currencyTo", "rur", "RUB"),
    ],
)
def test_a_fault_tells_which_code_was_probably_meant(field: str, code: str, likely: str) -> None:
    with pytest.raises(InvalidTrade, match=rf"\({likely}\?\)\.$"):
        decode_trade(example(**{field: code}))


@pytest.mark.parametrize("code", ["ß", "ﬁ", "\u0131t", "\u017fe"])
def test_characters_whose_upper_case_is_a_country_code_are_refused(code: str) -> None:
    assert fault_codes(example(originatingCountry=code)) == [("originatingCountry", "unknown-country")]


@pytest.mark.parametrize("text", ["1", "x" * 64, "é" * 64, "😀" * 64, "<script>alert(1)</script>", 'a"b\\c', "a  b"])
def test_a_user_id_of_1_to_64_characters_is_accepted(text: str) -> None:
    assert decode_trade(example(userId=text)).user_id == text


@pytest.mark.parametrize("digits", ["0", "134259", "18446744073709551616", "9" * 64])
def test_an_integer_user_id_becomes_its_digits(digits: str) -> None:
    assert decode_trade(with_field("userId", digits)).user_id == digits


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty"),
        (" \t\u2003", "empty"),
        ("x" * 65, "too-long"),
        ("😀" * 65, "too-long"),
        ("a\x1fb", "control-character"),
        ("a\nb", "control-character"),
        ("a\x7fb", "control-character"),
        ("a\x85b", "control-character"),
        ("a\u200bb", "format-character"),
        ("a\u202eb", "format-character"),
        ("a\u00adb", "format-character"),
        ("a\ufeffb", "format-character"),
        ("a\u2028b", "format-character"),
        ("a\U000e0041b", "format-character"),
        ("a\u3164", "format-character"),
        ("a\ufe0f", "format-character"),
        ("\U000e0100", "format-character"),
        ("x" * 64 + "\u200b", "too-long"),
    ],
)
def test_an_invalid_user_id_is_refused(text: str, code: str) -> None:
    assert fault_codes(example(userId=text)) == [("userId", code)]


def test_an_integer_user_id_of_65_digits_is_refused() -> None:
    assert fault_codes(with_field("userId", "9" * 65)) == [("userId", "too-long")]


def test_an_amount_as_number_and_as_string_gives_the_same_trade() -> None:
    assert decode_trade(with_field("rate", "0.74710")) == decode_trade(with_field("rate", '"0.74710"'))


def test_no_control_or_format_character_of_unicode_is_in_a_user_id() -> None:
    unseen = [chr(code) for code in range(sys.maxunicode) if category(chr(code)) in {"Cc", "Cf", "Zl", "Zp"}]
    assert len(unseen) > 200
    assert [char for char in unseen if not fault_codes(example(userId=f"a{char}b"))] == []
