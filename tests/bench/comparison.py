"""Comparisons: sides that are measured in turn, round by round, and the medians of their ratios."""

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
    """A figure of a comparison: one side's value divided by another's in the same round; the median of all rounds.

    The speed of a machine drifts. It differs less within a round than from round to round.
    """

    over: tuple[str, str]
    """The side and the value to divide."""
    under: tuple[str, str]
    """The side and the value to divide by."""
    at_least: float | None = None
    at_most: float | None = None

    def figure(self, samples: Sequence[Sample]) -> Figure:
        """Return the median ratio, with its target."""
        pairs = zip(_values(samples, *self.over), _values(samples, *self.under), strict=True)
        ratio = median(over / under if under else float("inf") for over, under in pairs)
        (side, value), (other, other_value) = self.over, self.under
        compared = other if value == other_value else f"{other_value} of {other}"
        name = f"{value}: {side} to {compared}"
        return Figure(name, ratio, "", self.at_least, self.at_most)


def side_median(samples: Sequence[Sample], side: str, value: str) -> float:
    """Return the median over all rounds of one side's value."""
    return median(_values(samples, side, value))


def _values(samples: Sequence[Sample], side: str, value: str) -> list[float]:
    return [sample.values[value] for sample in samples if sample.side == side]


def alternate(scenario: str, sides: Mapping[str, Callable[[], Values]], ratios: Sequence[Ratio], rounds: int) -> Result:
    """Measure all sides in turn, and print each round as soon as it is over.

    Other load on the machine then affects all sides alike. Every second round has the reverse order, since the machine
    may become slower and slower. The first failure ends the comparison.

    Args:
        scenario: What is compared.
        sides: Measures each side, by its name.
        ratios: What to divide.
        rounds: How often each side is measured.
    """
    samples: list[Sample] = []
    for number in range(1, rounds + 1):
        for side, measure in list(sides.items())[:: 1 if number % 2 else -1]:
            load = os.getloadavg()[0]
            try:
                sample = Sample(side, load, *measure())
            except FAILURES as error:  # the rounds before it stand
                return Result(scenario, samples=samples, fault=f"round {number}, {side}: {error!r}")
            samples.append(sample)
            values = ", ".join(f"{name} {format_number(value)}" for name, value in sample.values.items())
            print(f"  round {number}, load {load:.1f}, {side}: {values}", file=sys.stderr, flush=True)
    return Result(scenario, [ratio.figure(samples) for ratio in ratios], samples=samples)
