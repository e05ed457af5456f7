"""What is measured, as it is written to JSON and printed as tables; the tables in docs/performance.md are these."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PARTS = ("nginx", "api-ingest", "api-query", "beanstalkd", "live", "archive", "wsserver", "generator", "browsers")
"""Whose CPU is told apart; generator and browsers are the benchmark's own."""


class Figure(msgspec.Struct, frozen=True):
    """One line of the table."""

    name: str
    value: float
    unit: str
    at_least: float | None = None
    """The target, or its lower end."""
    at_most: float | None = None

    @property
    def target(self) -> str:
        """The target in words; empty where there is none."""
        ends = (("≥", self.at_least), ("≤", self.at_most))
        return ", ".join(f"{sign} {_number(end)}" for sign, end in ends if end is not None)

    @property
    def mark(self) -> str:
        """Whether the target is met; empty where there is none."""
        if not self.target:
            return ""
        is_below = self.at_least is not None and self.value < self.at_least
        is_above = self.at_most is not None and self.value > self.at_most
        return "**no**" if is_below or is_above else "yes"


class Result(msgspec.Struct):
    """What came of one scenario."""

    scenario: str
    figures: list[Figure] = []
    cpu_us: dict[str, float] = {}
    """CPU by part, in microseconds for each message."""
    memory_mb: dict[str, float] = {}
    """Resident memory by part, at the end."""
    fault: str = ""
    """What was lost, doubled or counted wrongly. Anything here fails the run."""


class Report(msgspec.Struct):
    """A whole run."""

    taken: str
    form: str
    """full or short."""
    machine: dict[str, str]
    results: list[Result]


def print_report(report: Report) -> None:
    """Print the tables, in Markdown."""
    print(f"{report.taken}, {report.form} form. {'. '.join(report.machine.values())}.\n")
    _print_table(("scenario", "figure", "value", "target", "met"), _figure_rows(report.results))
    print("\nCPU by process, in µs for each message:\n")
    _print_part_table((result.scenario, result.cpu_us) for result in report.results)
    print("\nResident memory by process, in MB, all its workers together:\n")
    _print_part_table((result.scenario, result.memory_mb) for result in report.results)
    for result in report.results:
        if result.fault:
            print(f"\nFAILED: {result.scenario}: {result.fault}")


def _figure_rows(results: Iterable[Result]) -> Iterator[tuple[str, ...]]:
    for result in results:
        scenario = result.scenario
        for figure in result.figures:
            yield scenario, figure.name, f"{_number(figure.value)} {figure.unit}", figure.target, figure.mark
            scenario = ""


def _print_part_table(taken: Iterable[tuple[str, dict[str, float]]]) -> None:
    rows = [
        (scenario, *(_number(by_part.get(part)) for part in PARTS), _number(sum(by_part.values())))
        for scenario, by_part in taken
        if by_part
    ]
    _print_table(("scenario", *PARTS, "in all"), rows)


def _print_table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    for row in (head, ("---",) * len(head), *rows):
        print(f"| {' | '.join(row)} |")


def _number(value: float | None) -> str:
    """Write three digits of a small number, and all before the point of a large one; a dash where there is none."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
