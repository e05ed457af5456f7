"""A benchmark's results, and their JSON form."""

from __future__ import annotations

from typing import Final

import msgspec

METERS: Final = ("generator", "browsers")
"""Programs that the benchmark itself runs: the load generator and the browsers."""
PROGRAMS: Final = (
    *("nginx", "api-ingest", "api-query", "beanstalkd", "live", "archive", "wsserver", "keeper", "supervision"),
    *METERS,
)
"""Programs whose CPU and memory are measured. `supervision` is supervisord, its guard and its listener."""


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
        return ", ".join(f"{sign} {format_number(bound)}" for sign, bound in bounds if bound is not None)

    @property
    def met(self) -> str:
        """Whether the value meets the target, as text; empty without a target."""
        if not self.target:
            return ""
        is_below = self.at_least is not None and self.value < self.at_least
        is_above = self.at_most is not None and self.value > self.at_most
        return "**no**" if is_below or is_above else "yes"


class Sample(msgspec.Struct, frozen=True):
    """What one round of a comparison measured on one of its sides."""

    side: str
    load: float
    """The machine's load average when the round began."""
    values: dict[str, float]
    """By name and unit."""
    cpu_us: dict[str, float] = {}
    """CPU microseconds per message, by program, without the benchmark's own."""


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
    samples: list[Sample] = []
    """All rounds of a comparison, in order."""


class Report(msgspec.Struct):
    """The results of a whole run."""

    taken: str
    """The date, as YYYY-MM-DD."""
    form: str
    """The name of the profile: full or short."""
    machine: dict[str, str]
    results: list[Result]


def format_number(value: float | None) -> str:
    """Format with three significant digits below 100 and without decimals from there on; None becomes a dash."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
