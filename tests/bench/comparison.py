"""Comparisons: sides that are measured in turn, round by round, and the ratios of their medians."""

from __future__ import annotations

import os
import sys
from statistics import median
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from tests.bench.figures import Figure, Result, Sample, format_number

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

FAILURES: Final = (Exception, pytest.fail.Exception, pytest.skip.Exception)
"""What a measurement may raise: `wait_until` and `require_program` raise pytest's outcomes, not Exceptions."""
Values = tuple[dict[str, float], dict[str, float]]
"""What one side's round measured: the values by name, and CPU microseconds per message by program."""


class Ratio(NamedTuple):
    """A figure of a comparison: one side's median, divided by another's."""

    over: tuple[str, str]
    """The side and the value to divide."""
    under: tuple[str, str]
    """The side and the value to divide by."""
    at_least: float | None = None
    at_most: float | None = None

    def figure(self, samples: Sequence[Sample]) -> Figure:
        """Return the ratio of the medians, with its target."""
        over, under = side_median(samples, *self.over), side_median(samples, *self.under)
        (side, value), (other, other_value) = self.over, self.under
        compared = other if value == other_value else f"{other_value} of {other}"
        name = f"{value}: {side} to {compared}"
        return Figure(name, over / under if under else float("inf"), "", self.at_least, self.at_most)


def side_median(samples: Sequence[Sample], side: str, value: str) -> float:
    """Return the median over all rounds of one side's value."""
    return median(sample.values[value] for sample in samples if sample.side == side)


def alternate(scenario: str, sides: Mapping[str, Callable[[], Values]], ratios: Sequence[Ratio], rounds: int) -> Result:
    """Measure all sides in turn, and print each round as soon as it is over.

    Other load on the machine then affects all sides alike. The first failure ends the comparison.

    Args:
        scenario: What is compared.
        sides: Measures each side, by its name.
        ratios: What to divide.
        rounds: How often each side is measured.
    """
    samples: list[Sample] = []
    for number in range(1, rounds + 1):
        for side, measure in sides.items():
            load = os.getloadavg()[0]
            try:
                sample = Sample(side, load, *measure())
            except FAILURES as error:  # the rounds before it stand
                return Result(scenario, samples=samples, fault=f"round {number}, {side}: {error!r}")
            samples.append(sample)
            values = ", ".join(f"{name} {format_number(value)}" for name, value in sample.values.items())
            print(f"  round {number}, load {load:.1f}, {side}: {values}", file=sys.stderr, flush=True)
    return Result(scenario, [ratio.figure(samples) for ratio in ratios], samples=samples)
