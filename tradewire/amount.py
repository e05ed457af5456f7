"""Exact arithmetic on amounts whose size and exponent have already been checked to be small."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Final

ROUNDED: Final = "rounded"
"""Flag of a trade with an amount that was rounded."""
_CONTEXT: Final = Context(prec=100, rounding=ROUND_HALF_EVEN)
"""Does not depend on the thread's context, and holds more digits than any amount has."""
_FLOAT_BITS: Final = 51
"""The binary digits of a float that are exact after a calculation or two."""


class Rounded(Decimal):
    """An amount that was rounded to some digits after the point. It is written without the zeros at its end."""

    __slots__ = ()


def rounded(number: Decimal, fraction_digits: int) -> Rounded:
    """Round half to even.

    Args:
        number: More than zero, with fewer than 100 digits. Its exponent may have any size below zero.
        fraction_digits: The digits after the point that remain.

    Returns:
        The rounded number, perhaps zero. It keeps the zeros at its end, since they tell how exact it is.
    """
    if number.adjusted() < -fraction_digits - 1:
        return Rounded(0)
    return Rounded(number.quantize(Decimal((0, (1,), -fraction_digits)), context=_CONTEXT))


def rate_fits(sold: Decimal, rate: Decimal, bought: Decimal) -> bool:
    """Return whether bought equals sold × rate, within the rounding of rate and bought.

    Each of the two may be off by half a unit of its last digit. The rate's error grows with the amount sold. If one of
    the three was rounded here, the producer calculates with floats: then sold may be off in the same way, and bought by
    the last bit of a float, too. The calculation uses whole numbers: they are never rounded, and it takes fewer steps
    than with Decimal.
    """
    (sold_digits, sold_power), (rate_digits, rate_power) = _digits_and_power(sold), _digits_and_power(rate)
    bought_digits, bought_power = _digits_and_power(bought)
    product_power = sold_power + rate_power
    common_power = min(product_power, bought_power)
    product_scale: int = 10 ** (product_power - common_power)
    bought_scale: int = 10 ** (bought_power - common_power)
    difference = abs(sold_digits * rate_digits * product_scale - bought_digits * bought_scale)
    explained = sold_digits * product_scale + bought_scale
    if 2 * difference > explained and Rounded in {type(sold), type(rate), type(bought)}:
        explained += bought_digits * bought_scale >> _FLOAT_BITS
        explained += rate_digits * product_scale if type(sold) is Rounded else 0
    return 2 * difference <= explained


def to_text(number: Decimal) -> str:
    """Format a number with all its digits and without an exponent: `747.10`, `1000`."""
    text = str(number)  # three times as fast as format(), but has an exponent for numbers such as 1E+3
    if "E" in text:
        text = format(number, "f")
    return text.rstrip("0").rstrip(".") if type(number) is Rounded else text


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
