"""Arithmetic on exact amounts. Their size and exponent are known to be small by now."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from decimal import Decimal


def rate_fits(sold: Decimal, rate: Decimal, bought: Decimal) -> bool:
    """Tell whether sold × rate and bought differ by no more than the rounding of rate and bought explains.

    Each may be off by half of its last digit; an error of the rate grows with the amount sold. It is done in whole
    numbers, which are never rounded, and with fewer steps than Decimal's.
    """
    (sold_digits, sold_power), (rate_digits, rate_power) = _scientific(sold), _scientific(rate)
    bought_digits, bought_power = _scientific(bought)
    product_power = sold_power + rate_power
    least = min(product_power, bought_power)
    of_product: int = 10 ** (product_power - least)
    of_bought: int = 10 ** (bought_power - least)
    off = abs(sold_digits * rate_digits * of_product - bought_digits * of_bought)
    return 2 * off <= sold_digits * of_product + of_bought


def to_text(number: Decimal) -> str:
    """Write a number out, digit by digit as it came and without an exponent."""
    text = str(number)  # three times as fast as format, but for numbers such as 1E+3
    return format(number, "f") if "E" in text else text


def exponent(number: Decimal) -> int:
    """Give the power of ten of a number's last digit: -2 for 747.10, 3 for 1E+3."""
    found = number.as_tuple().exponent
    assert isinstance(found, int)  # noqa: S101 - only NaN and Infinity have letters, and neither is an amount
    return found


def _scientific(number: Decimal) -> tuple[int, int]:
    """Give a number's digits as a whole number, and the power of ten of the last one."""
    text = str(number)
    if "E" in text:
        power = exponent(number)
        return int(number.scaleb(-power)), power
    whole, _, fraction = text.partition(".")
    return int(whole + fraction), -len(fraction)
