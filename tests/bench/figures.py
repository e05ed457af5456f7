"""A benchmark's results: their JSON form, and the tables that docs/performance.md shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PROGRAMS = ("nginx", "api-ingest", "api-query", "beanstalkd", "live", "archive", "wsserver", "generator", "browsers")
"""Programs whose CPU and memory are measured. The benchmark itself runs the load generator and the browsers."""


class Figure(msgspec.Struct, frozen=True):
    """One measured value; a line of the table."""

    name: str
    value: float
    unit: str
    at_least: float | None = None
    """Lower bound of the target."""
    at_most: float | None = None
    """Upper bound of the target."""

    @property
    def target(self) -> str:
        """The target as text; empty without one."""
        bounds = (("≥", self.at_least), ("≤", self.at_most))
        return ", ".join(f"{sign} {_format_number(bound)}" for sign, bound in bounds if bound is not None)

    @property
    def met(self) -> str:
        """Whether the value meets the target, as text; empty without a target."""
        if not self.target:
            return ""
        is_below = self.at_least is not None and self.value < self.at_least
        is_above = self.at_most is not None and self.value > self.at_most
        return "**no**" if is_below or is_above else "yes"


class Result(msgspec.Struct):
    """The result of one scenario."""

    scenario: str
    figures: list[Figure] = []
    cpu_us: dict[str, float] = {}
    """CPU microseconds per message, by program."""
    memory_mb: dict[str, float] = {}
    """Resident memory at the end, by program."""
    fault: str = ""
    """Why the scenario failed, such as a lost or duplicated message. Any fault fails the run."""


class Report(msgspec.Struct):
    """The results of a whole run."""

    taken: str
    """The date, as YYYY-MM-DD."""
    form: str
    """The name of the profile: full or short."""
    machine: dict[str, str]
    results: list[Result]


def print_report(report: Report) -> None:
    """Print the report as Markdown tables."""
    print(f"{report.taken}, {report.form} run. {'. '.join(report.machine.values())}.\n")
    _print_table(("scenario", "figure", "value", "target", "met"), _figure_rows(report.results))
    print("\nCPU by program, in µs per message:\n")
    _print_program_table((result.scenario, result.cpu_us) for result in report.results)
    print("\nResident memory by program, in MB, all its processes together:\n")
    _print_program_table((result.scenario, result.memory_mb) for result in report.results)
    for result in report.results:
        if result.fault:
            print(f"\nFAILED: {result.scenario}: {result.fault}")


def _figure_rows(results: Iterable[Result]) -> Iterator[tuple[str, ...]]:
    for result in results:
        scenario = result.scenario
        for figure in result.figures:
            yield scenario, figure.name, f"{_format_number(figure.value)} {figure.unit}", figure.target, figure.met
            scenario = ""


def _print_program_table(values_by_scenario: Iterable[tuple[str, dict[str, float]]]) -> None:
    rows = [
        (scenario, *(_format_number(values.get(program)) for program in PROGRAMS), _format_number(sum(values.values())))
        for scenario, values in values_by_scenario
        if values
    ]
    _print_table(("scenario", *PROGRAMS, "total"), rows)


def _print_table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    for row in (header, ("---",) * len(header), *rows):
        print(f"| {' | '.join(row)} |")


def _format_number(value: float | None) -> str:
    """Format with three significant digits below 100 and without decimals from there on; None becomes a dash."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
