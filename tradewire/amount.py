"""Exact arithmetic on amounts whose size and exponent have already been checked to be small."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from decimal import Decimal


def rate_fits(sold: Decimal, rate: Decimal, bought: Decimal) -> bool:
    """Return whether bought equals sold × rate, within the rounding of rate and bought.

    Each of the two may be off by half a unit of its last digit. The rate's error grows with the amount sold. The
    calculation uses whole numbers: they are never rounded, and it takes fewer steps than with Decimal.
    """
    (sold_digits, sold_power), (rate_digits, rate_power) = _digits_and_power(sold), _digits_and_power(rate)
    bought_digits, bought_power = _digits_and_power(bought)
    product_power = sold_power + rate_power
    common_power = min(product_power, bought_power)
    product_scale: int = 10 ** (product_power - common_power)
    bought_scale: int = 10 ** (bought_power - common_power)
    difference = abs(sold_digits * rate_digits * product_scale - bought_digits * bought_scale)
    return 2 * difference <= sold_digits * product_scale + bought_scale


def to_text(number: Decimal) -> str:
    """Format a number with all its digits and without an exponent: `747.10`, `1000`."""
    text = str(number)  # three times as fast as format(), but has an exponent for numbers such as 1E+3
    return format(number, "f") if "E" in text else text


def exponent(number: Decimal) -> int:
    """Return the power of ten of a number's last digit: -2 for 747.10, 3 for 1E+3."""
    power = number.as_tuple().exponent
    assert isinstance(power, int)  # noqa: S101 - only NaN and Infinity have letters, and neither is an amount
    return power


def _digits_and_power(number: Decimal) -> tuple[int, int]:
    """Return a number's digits as a whole number, and the power of ten of the last digit."""
    text = str(number)
    if "E" in text:
        power = exponent(number)
        return int(number.scaleb(-power)), power
    whole, _, fraction = text.partition(".")
    return int(whole + fraction), -len(fraction)
