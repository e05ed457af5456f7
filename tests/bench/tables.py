"""A benchmark's report as Markdown: the tables that docs/performance.md shows."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from tests.bench.comparison import side_median
from tests.bench.figures import PROGRAMS, format_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tests.bench.figures import Report, Result, Sample


def markdown(report: Report) -> str:
    """Return the whole report."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield f"{report.taken}, {report.form} run. {'. '.join(report.machine.values())}."
    yield ""
    yield from _table(("scenario", "figure", "value", "target", "met"), _figure_rows(report.results))
    for title, values in (
        ("CPU by program, in µs per message:", [(result.scenario, result.cpu_us) for result in report.results]),
        (
            "Resident memory by program, in MB, all its processes together:",
            [(result.scenario, result.memory_mb) for result in report.results],
        ),
    ):
        if any(by_program for _, by_program in values):
            yield from ("", title, "")
            yield from _program_table(values)
    for result in report.results:
        if result.samples:
            yield from _comparison(result)
    for result in report.results:
        if result.fault:
            yield from ("", f"FAILED: {result.scenario}: {result.fault}")


def _comparison(result: Result) -> Iterator[str]:
    """Yield the medians of each side, and every round."""
    sides = list(dict.fromkeys(sample.side for sample in result.samples))
    names = list(dict.fromkeys(name for sample in result.samples for name in sample.values))
    rows = []
    for side in sides:
        samples = [sample for sample in result.samples if sample.side == side]
        values = {name: side_median(samples, side, name) for name in samples[0].values}
        rows.append((side, f"median of {len(samples)}", "", *_cells(values, names), _parts(samples)))
    rounds = dict.fromkeys(sides, 0)
    for sample in result.samples:
        rounds[sample.side] += 1
        cells = _cells(sample.values, names)
        rows.append((sample.side, f"round {rounds[sample.side]}", f"{sample.load:.1f}", *cells, _parts([sample])))
    yield from ("", f"{result.scenario}:", "")
    yield from _table(("stack", "round", "load", *names, "CPU by program, µs/message"), rows)


def _cells(values: dict[str, float], names: Sequence[str]) -> list[str]:
    return [format_number(values.get(name)) for name in names]


def _parts(samples: Sequence[Sample]) -> str:
    """Return the CPU of each program as text: the median over the samples."""
    return ", ".join(
        f"{program} {format_number(median(sample.cpu_us[program] for sample in samples))}"
        for program in samples[0].cpu_us
    )


def _figure_rows(results: Iterable[Result]) -> Iterator[tuple[str, ...]]:
    for result in results:
        scenario = result.scenario
        for figure in result.figures:
            yield scenario, figure.name, f"{format_number(figure.value)} {figure.unit}", figure.target, figure.met
            scenario = ""


def _program_table(values_by_scenario: Iterable[tuple[str, dict[str, float]]]) -> Iterator[str]:
    rows = [
        (scenario, *(format_number(values.get(program)) for program in PROGRAMS), format_number(sum(values.values())))
        for scenario, values in values_by_scenario
        if values
    ]
    return _table(("scenario", *PROGRAMS, "total"), rows)


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    for row in (header, ("---",) * len(header), *rows):
        yield f"| {' | '.join(row)} |"
