"""Single POSTs as fast as they go, beside what the same nginx and gunicorn do without the work."""

from __future__ import annotations

from statistics import mean
from typing import TYPE_CHECKING

from tests.bench import throughput
from tests.bench.baselines import empty_view, live_only
from tests.bench.bench import BROWSERS
from tests.bench.browsers import Browsers
from tests.bench.depth import waiting
from tests.bench.figures import Figure, Result
from tests.bench.load import CONNECTIONS, Wrk
from tests.support import wait_until
from tradewire.queue import LIVE

if TYPE_CHECKING:
    from tests.bench.bench import Bench
    from tests.stack import Stack


def posts(bench: Bench) -> list[Result]:
    """Measure against an empty view, and against the same without the archive's tube, its processor and receipts.

    The sides take turns, so that what else the machine does meets all of them.
    """
    stack, seconds = bench.stack, bench.form.seconds
    empty: list[float] = []
    without: list[float] = []
    runs: list[throughput.Run] = []
    for _ in range(bench.form.turns):
        with empty_view(stack):
            empty.append(Wrk(stack, seconds).result().rate)
        with live_only(stack):
            without.append(_without_archive(stack, seconds))
        runs.append(throughput.measure(stack, seconds))
    rates = throughput.Rates(*(mean(side) for side in zip(*(run.rates for run in runs), strict=True)))
    figures = [
        Figure("empty view (baseline)", mean(empty), "/s"),
        Figure("accepted, without the archive (baseline)", mean(without), "/s"),
        *rates.figures(at_least=3000),
        Figure("waited to be archived when the last was shown", max(run.backlog for run in runs), "jobs"),
        Figure("accepted, of the empty view", 100 * rates.accepted / mean(empty), "%"),
        Figure("accepted, of that without the archive", 100 * rates.accepted / mean(without), "%"),
    ]
    name = f"single POSTs, {CONNECTIONS} connections, {BROWSERS} browsers, archive in {bench.store}"
    return [Result(name, figures, runs[-1].cpu_us, runs[-1].memory_mb)]


def _without_archive(stack: Stack, seconds: int) -> float:
    with Browsers(stack.port, BROWSERS) as crowd:
        crowd.await_shown(Wrk(stack, min(throughput.WARM_SECONDS, seconds)).result().accepted)
        seen = crowd.counts().least
        posted = Wrk(stack, seconds).result()
        crowd.await_shown(seen + posted.accepted)
        # wrk hangs up on its last messages, so a few more are on their way; no later crowd shall be shown them.
        wait_until(lambda: waiting(stack)[LIVE] == 0, "all are shown")
    return posted.rate
