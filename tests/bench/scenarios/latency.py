"""From a POST to the browsers that are there, at 50 a second."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.bench import delays
from tests.bench.bench import RATE
from tests.bench.browsers import Browsers
from tests.bench.figures import Figure, Result
from tests.bench.meter import Meter, per_message

if TYPE_CHECKING:
    from tests.bench.bench import Bench


def at_fifty(bench: Bench, browsers: int, median_ms: float | None, p99_ms: float) -> list[Result]:
    """Measure with so many browsers, all of which must stay."""
    count, messages = bench.form.of(browsers), RATE * bench.form.seconds
    with Browsers(bench.stack.port, count) as crowd:
        delays.measure(bench.stack, crowd, RATE, RATE)  # to warm up
        meter = Meter(bench.stack, [crowd])
        found = delays.measure(bench.stack, crowd, RATE, messages)
        cpu = meter.cpu_seconds() | {"generator": found.generator_seconds}
        memory = meter.memory_mb()
    figures = [
        Figure("POST to browser, median", found.median, "ms", at_most=median_ms),
        Figure("POST to browser, 99th percentile", found.p99, "ms", at_most=p99_ms),
        Figure("browsers that the server left", 0, "", at_most=0),  # `measure` has failed otherwise
        Figure("CPU of nginx and wsserver", 1e6 * (cpu["nginx"] + cpu["wsserver"]) / found.deliveries, "µs/delivery"),
    ]
    return [Result(f"{RATE}/s single, {count:,} browsers", figures, per_message(cpu, messages), memory)]
