"""The rate-mismatch flag: differences that rounding explains are not flagged, and the check itself rounds nothing."""

from __future__ import annotations

from decimal import localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import example
from tests.unit.helpers import decode_trade

MISMATCH = ["rate-mismatch"]


def flags(sell: str, rate: str, buy: str) -> list[str]:
    """Return the flags of a trade with these amounts."""
    return decode_trade(example(amountSell=sell, rate=rate, amountBuy=buy)).flags


@pytest.mark.parametrize(
    ("sell", "rate", "buy"),
    [
        pytest.param("1000", "0.7471", "747.10", id="exact"),
        pytest.param("1000", "0.7471", "747.15", id="explained by the rounding of the rate"),
        pytest.param("100", "0.7471", "74.72", id="just explained by both roundings together"),
        pytest.param("100", "0.7471", "74.70", id="just explained by both roundings, the other way"),
        pytest.param("0.01", "0.7471", "0.01", id="explained by the rounding of the amount bought"),
        pytest.param("1000", "7.5e-1", "754", id="the exponent moves the last digit of the rate"),
        pytest.param("1000", "0.70", "700.0000", id="exact, with more digits than the product has"),
        pytest.param("3", "1e2", "450", id="the last digit of the rate is before the point"),
        pytest.param(
            "999999999999999999.999999999999", "1.000000000000", "999999999999999999.999999999999", id="30 digits"
        ),
    ],
)
def test_a_difference_that_rounding_explains_is_not_flagged(sell: str, rate: str, buy: str) -> None:
    assert flags(sell, rate, buy) == []


@pytest.mark.parametrize(
    ("sell", "rate", "buy"),
    [
        pytest.param("100", "0.7471", "74.73", id="just beyond both roundings"),
        pytest.param("1000", "0.7471", "747.16", id="beyond"),
        pytest.param("100", "0.7471", "74.69", id="just beyond, the other way"),
        pytest.param("1000", "0.747100", "747.15", id="a rate with more digits"),
        pytest.param("0.01", "0.7471", "0.0100", id="an amount bought with more digits"),
        pytest.param("1000", "0.7471", "1338.51", id="the inverse rate"),
        pytest.param("1e-12", "1e17", "1e17", id="far apart"),
        pytest.param("999999999999999999.999999999999", "1.000000000000", "999999999999499999", id="30 digits"),
        pytest.param("1", "1e-12", "999999999999999999.999999999999", id="as far apart as possible"),
    ],
)
def test_a_difference_that_rounding_does_not_explain_is_flagged(sell: str, rate: str, buy: str) -> None:
    assert flags(sell, rate, buy) == ["rate-mismatch"]


@pytest.mark.parametrize(
    ("sell", "rate", "buy"),
    [
        pytest.param("1000", "1.5335986119999998", "1533.5986119999998", id="a rate and an amount of floats"),
        pytest.param("3", "0.33333333333333331", "1", id="a rate of a float"),
        pytest.param("0.1234567890125", "1000000.000000", "123456.789012500000", id="a rounded amount sold"),
    ],
)
def test_the_rounding_of_more_than_12_digits_is_no_mismatch(sell: str, rate: str, buy: str) -> None:
    assert flags(sell, rate, buy) == ["rounded"]


@pytest.mark.parametrize(
    ("sell", "rate", "buy"),
    [
        pytest.param("1000", "0.30000000000000004", "300.01", id="a rate whose zeros are cut"),
        pytest.param("0.1234567890125", "1000000.000000", "123456.789013600000", id="beyond the rounding"),
    ],
)
def test_a_rounded_number_is_as_exact_as_its_12_digits(sell: str, rate: str, buy: str) -> None:
    assert flags(sell, rate, buy) == ["rate-mismatch", "rounded"]


@pytest.mark.parametrize(
    ("sell", "rate", "buy", "expected"),
    [
        # Of an amount this large, the last bits of a float explain 27.4, and its last digit 0.5.
        pytest.param("1", "123456789012345672.4000000000001", "123456789012345700", [], id="the rate: just explained"),
        pytest.param("1", "123456789012345672.0000000000001", "123456789012345700", MISMATCH, id="the rate: beyond"),
        pytest.param("1", "123456789012345673", "123456789012345700.0000000000001", [], id="the amount bought"),
        pytest.param("0.0000000000010001", "1e3", "0.000000002000", [], id="the amount sold: just explained"),
        pytest.param("0.0000000000010001", "1e3", "0.000000002001", MISMATCH, id="the amount sold: beyond"),
        pytest.param("1", "0.001", "0.0015000000000001", [], id="a small amount bought: just explained"),
        pytest.param("1", "0.001", "0.0015000000010001", MISMATCH, id="a small amount bought: just beyond"),
    ],
)
def test_if_only_one_number_is_rounded_floats_explain_a_little_more(
    sell: str, rate: str, buy: str, expected: list[str]
) -> None:
    assert flags(sell, rate, buy) == [*expected, "rounded"]


@pytest.mark.parametrize(("last", "expected"), [("1", []), ("2", ["rate-mismatch"])])
def test_with_18_digits_the_flag_depends_on_the_last_one(last: str, expected: list[str]) -> None:
    # Sold × rate is 999999999998999999.000000000001. The rounding of the rate explains a difference of
    # 499999.9999999999995, and that of the amount bought 0.0000000000005: together exactly 500000.
    assert flags("999999999999999999", "0.999999999999", f"999999999999499999.00000000000{last}") == expected


def test_the_flag_does_not_depend_on_the_threads_decimal_context() -> None:
    with localcontext() as context:
        context.prec = 3
        assert flags("123456.78", "0.123456", "15241.48") == []
        assert flags("123456.78", "0.123456", "15242.48") == ["rate-mismatch"]


digits = st.integers(1, 10**30 - 1)
places = st.integers(0, 12)


@given(digits, places, digits, places, digits, places)
def test_the_flag_agrees_with_whole_number_arithmetic(
    sell: int, sell_places: int, rate: int, rate_places: int, buy: int, buy_places: int
) -> None:
    amounts = [
        (number % 10 ** (18 + point) or 1, point)
        for number, point in ((sell, sell_places), (rate, rate_places), (buy, buy_places))
    ]
    (sold, s), (per_unit, r), (bought, b) = amounts
    text = [f"{number}e-{point}" for number, point in amounts]
    # All terms are multiplied by 2 × 10^(s + r + b), so that there are no fractions.
    difference = 2 * abs(sold * per_unit * 10**b - bought * 10 ** (s + r))
    explained = sold * 10**b + 10 ** (s + r)
    assert flags(*text) == (["rate-mismatch"] if difference > explained else [])
