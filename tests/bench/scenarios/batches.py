"""Batches: at the rate that must be held for a minute, and as fast as they go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.bench import throughput
from tests.bench.baselines import empty_view
from tests.bench.bench import BROWSERS
from tests.bench.figures import Figure, Result
from tests.bench.load import BATCH, Wrk

if TYPE_CHECKING:
    from tests.bench.bench import Bench

RATE = 30_000
"""Messages a second that must be held."""
_HELD = 0.98
"""Of the rate, for it to be held: what is at its beginning and end takes its share of the time."""
_FLAT = 1.0
"""Jobs a second by which a tube may seem to grow: half of a batch a second is noise."""


def held(bench: Bench) -> list[Result]:
    """Post at the rate for three times as long as other things are measured, and watch the queue."""
    rate, seconds = bench.form.rate(RATE), 3 * bench.form.seconds
    run = throughput.measure(bench.stack, seconds, batch=BATCH, rate=rate)
    figures = run.rates.figures(at_least=_HELD * rate)
    for tube, trend in run.depth.items():
        figures += [
            Figure(f"deepest that {tube} was", trend.highest, "jobs"),
            Figure(f"trend of {tube}", trend.jobs_a_second, "jobs/s", at_most=_FLAT),
        ]
    name = f"batches of {BATCH} at {rate:,.0f}/s for {seconds} s, {BROWSERS} browsers"
    return [Result(name, figures, run.cpu_us, run.memory_mb)]


def fastest(bench: Bench) -> list[Result]:
    """Post as fast as it goes, against an empty view."""
    stack, seconds = bench.stack, bench.form.seconds
    with empty_view(stack):
        empty = BATCH * Wrk(stack, seconds, batch=BATCH).result().rate  # its answers tell no number
    run = throughput.measure(stack, seconds, batch=BATCH)
    figures = [
        Figure("empty view (baseline)", empty, "/s"),
        *run.rates.figures(),
        Figure("waited to be archived when the last was shown", run.backlog, "jobs"),
    ]
    return [Result(f"batches of {BATCH} as fast as they go, {BROWSERS} browsers", figures, run.cpu_us, run.memory_mb)]
