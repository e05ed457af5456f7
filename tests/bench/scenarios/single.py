"""Single POSTs as fast as possible; baselines are an empty view and a stack without an archive."""

from __future__ import annotations

import math
from statistics import mean
from typing import TYPE_CHECKING

from tests.bench import throughput
from tests.bench.baselines import empty_view, live_only
from tests.bench.bench import BROWSERS
from tests.bench.clients import Clients
from tests.bench.figures import Figure, Result
from tests.bench.load import CONNECTIONS, Wrk
from tests.bench.queue_depth import depths
from tests.bench.target import Tradewire
from tests.support import wait_until
from tradewire.queue import LIVE

if TYPE_CHECKING:
    from tests.bench.bench import Bench
    from tests.stack import Stack


def posts(bench: Bench) -> list[Result]:
    """Measure the stack, an empty view, and the stack without the archive's tube, processor and receipts.

    The three take turns, so that other load on the machine affects all of them.
    """
    stack, seconds = bench.stack, bench.profile.seconds
    empty: list[float] = []
    without_archive: list[float] = []
    runs: list[throughput.Run] = []
    for _ in range(bench.profile.rounds):
        with empty_view(stack):
            empty.append(Wrk(stack, seconds).result().rate)
        with live_only(stack):
            without_archive.append(_rate_without_archive(stack, seconds))
        runs.append(throughput.measure(Tradewire(stack), seconds))
    rates = throughput.Rates(*(mean(values) for values in zip(*(run.rates for run in runs), strict=True)))
    figures = [
        Figure("empty view (baseline)", mean(empty), "/s"),
        Figure("accepted without the archive (baseline)", mean(without_archive), "/s"),
        *rates.figures(at_least=3000),
        Figure("archive backlog when the last message was shown", max(run.backlog for run in runs), "messages"),
        Figure("accepted, relative to the empty view", _percent(rates.accepted, mean(empty)), "%"),
        Figure("accepted, relative to no archive", _percent(rates.accepted, mean(without_archive)), "%"),
    ]
    name = f"single POSTs, {CONNECTIONS} connections, {BROWSERS} browsers, archive in {bench.store_name}"
    return [Result(name, figures, runs[-1].cpu_us, runs[-1].memory_mb)]


def _rate_without_archive(stack: Stack, seconds: int) -> float:
    with Clients(stack.port, BROWSERS) as clients:
        clients.wait_received(Wrk(stack, min(throughput.WARM_UP_SECONDS, seconds)).result().accepted)
        received = clients.counts().min_events
        load = Wrk(stack, seconds).result()
        clients.wait_received(received + load.accepted)
        # wrk closes its connections before the last answers arrive, so the stack may accept a few more messages. They
        # must be shown now, or else the next clients would receive them.
        wait_until(lambda: depths(stack)[LIVE] == 0, "all are shown")
    return load.rate


def _percent(value: float, baseline: float) -> float:
    """Relate a figure to its baseline. A starved machine may accept nothing within a short baseline: infinity."""
    return 100 * value / baseline if baseline else math.inf
