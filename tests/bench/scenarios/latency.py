"""Latency from POST to browser at 50 messages a second, by number of browsers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.bench import latency
from tests.bench.baselines import empty_view
from tests.bench.bench import RATE
from tests.bench.clients import Clients
from tests.bench.figures import Figure, Result
from tests.bench.meter import Meter, per_message

if TYPE_CHECKING:
    from tests.bench.bench import Bench


def at_fixed_rate(bench: Bench, browsers: int, median_ms: float | None, p99_ms: float) -> list[Result]:
    """Measure with some browsers connected; fail if the server drops one.

    Args:
        bench: The stack to measure, and how.
        browsers: How many connect.
        median_ms: Target for the median, in milliseconds; None for no target.
        p99_ms: Target for the 99th percentile, in milliseconds.
    """
    with empty_view(bench.stack):
        latency.answer_ms(bench.stack, RATE, RATE)  # to warm up
        empty_ms = latency.answer_ms(bench.stack, RATE, RATE * bench.profile.seconds)
    count, messages = bench.profile.scale_count(browsers), RATE * bench.profile.seconds
    with Clients(bench.stack.port, count) as clients:
        latency.measure(bench.stack, clients, RATE, RATE)  # to warm up
        meter = Meter(bench.stack, [clients])
        result = latency.measure(bench.stack, clients, RATE, messages)
        cpu = meter.cpu_seconds() | {"generator": result.generator_seconds}
        memory = meter.memory_mb()
    figures = [
        Figure("POST to the answer of an empty view, median (baseline)", empty_ms, "ms"),
        Figure("POST to browser, median", result.median, "ms", at_most=median_ms),
        Figure("POST to browser, 99th percentile", result.p99, "ms", at_most=p99_ms),
        Figure("browsers dropped by the server", 0, "", at_most=0),  # otherwise `measure` has failed
        Figure("CPU of nginx and wsserver", 1e6 * (cpu["nginx"] + cpu["wsserver"]) / result.deliveries, "µs/delivery"),
    ]
    return [Result(f"{RATE}/s single, {count:,} browsers", figures, per_message(cpu, messages), memory)]
