"""Batches: at a rate that the stack must sustain, and as fast as possible."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.bench import throughput
from tests.bench.baselines import empty_view
from tests.bench.bench import BROWSERS
from tests.bench.figures import Figure, Result
from tests.bench.load import BATCH, Wrk
from tests.bench.queue_depth import DepthSampler
from tests.bench.target import Tradewire
from tests.support import TUBES

if TYPE_CHECKING:
    from tests.bench.bench import Bench

RATE = 30_000
"""Messages a second that the stack must sustain."""
_MIN_SHARE = 0.98
"""Share of RATE that counts as sustained: starting and stopping the load take some of the time."""
_MAX_GROWTH = 1.0
"""Growth of a tube, in jobs a second, that counts as none: half a batch a second is noise."""


def sustained(bench: Bench) -> list[Result]:
    """Post at a fixed rate for three times the usual duration, and watch the queue depth."""
    rate, seconds = bench.profile.scale_rate(RATE), 3 * bench.profile.seconds
    sampler = DepthSampler(bench.stack)
    run = throughput.measure(Tradewire(bench.stack), seconds, batch=BATCH, rate=rate, meanwhile=sampler)
    figures = run.rates.figures(at_least=_MIN_SHARE * rate)
    for tube in TUBES:
        trend = sampler.trend(tube)
        figures += [
            Figure(f"depth of tube {tube}, maximum", trend.maximum, "jobs"),
            Figure(f"depth of tube {tube}, growth", trend.jobs_per_second, "jobs/s", at_most=_MAX_GROWTH),
        ]
    name = f"batches of {BATCH} at {rate:,.0f}/s for {seconds} s, {BROWSERS} browsers"
    return [Result(name, figures, run.cpu_us, run.memory_mb)]


def fastest(bench: Bench) -> list[Result]:
    """Post as fast as possible; the baseline is an empty view."""
    stack, seconds = bench.stack, bench.profile.seconds
    with empty_view(stack):
        # The view's responses don't say how many messages it accepted, so wrk counts each batch as one.
        empty = BATCH * Wrk(stack, seconds, batch=BATCH).result().rate
    run = throughput.measure(Tradewire(stack), seconds, batch=BATCH)
    figures = [
        Figure("empty view (baseline)", empty, "/s"),
        *run.rates.figures(),
        Figure("archive backlog when the last message was shown", run.backlog, "messages"),
    ]
    name = f"batches of {BATCH} as fast as possible, {BROWSERS} browsers"
    return [Result(name, figures, run.cpu_us, run.memory_mb)]
