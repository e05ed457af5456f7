"""Full speed for long: no process's memory may grow, and the queue's log must stay bounded."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from tests.bench import throughput
from tests.bench.bench import BROWSERS
from tests.bench.figures import Figure, Result
from tests.bench.load import CONNECTIONS
from tests.bench.target import Tradewire

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType

    from tests.bench.bench import Bench
    from tests.stack import Stack

SETTLED_SHARE: Final = 0.1
"""Share of the time after which memory must no longer grow: two of twenty minutes."""
MAX_GROWTH: Final = 1.05
"""The largest growth of memory that counts as none."""
MAX_LOG_MB: Final = 200
"""beanstalkd's log has files of 10 MB. It keeps one until all jobs in it are deleted, and moves the last of them."""
_SAMPLES: Final = 120


class MemorySample(NamedTuple):
    """Megabytes at one moment."""

    resident: dict[str, float]
    """Memory by program and process id."""
    log: float
    """The queue's log."""


def full_speed(bench: Bench) -> list[Result]:
    """Post single messages as fast as possible, and watch every process's memory and the queue's log."""
    seconds = bench.profile.soak_seconds
    sampler = MemorySampler(bench.stack, seconds / _SAMPLES)
    run = throughput.measure(Tradewire(bench.stack), seconds, meanwhile=sampler)
    figures = [*run.rates.figures(), *growth(sampler.samples, seconds)]
    name = f"single POSTs for {seconds} s, {CONNECTIONS} connections, {BROWSERS} browsers"
    return [Result(name, figures, cpu_us=run.cpu_us, memory_mb=run.memory_mb)]


def growth(samples: Sequence[MemorySample], seconds: float) -> Iterator[Figure]:
    """Yield how much the memory of each process has grown since it should have settled, and the size of the log."""
    settled = samples[int(len(samples) * SETTLED_SHARE) :]
    last = settled[-max(1, len(settled) // 10) :]
    for process, before in settled[0].resident.items():
        after = max(sample.resident[process] for sample in last)
        name = f"{process}, {before:.1f} MB after {SETTLED_SHARE * seconds:.0f} s, {after:.1f} MB at the end"
        yield Figure(name, after / before, "times", at_most=MAX_GROWTH)
    yield Figure("the queue's log, maximum", max(sample.log for sample in samples), "MB", at_most=MAX_LOG_MB)


class MemorySampler:
    """Samples the memory of each process and the size of the queue's log while its `with` block runs."""

    def __init__(self, stack: Stack, interval_seconds: float) -> None:
        self._processes = {f"{program} {process.pid}": process for program, process in stack.programs()}
        self._log = stack.home / "queue"
        self._interval_seconds = interval_seconds
        self.samples: list[MemorySample] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._sample()

    def _run(self) -> None:
        while not self._stop.wait(self._interval_seconds):
            self._sample()

    def _sample(self) -> None:
        resident = {name: process.memory_info().rss / 1e6 for name, process in self._processes.items()}
        size = 0
        for file in self._log.glob("binlog.*"):
            with suppress(FileNotFoundError):  # beanstalkd may delete it meanwhile
                size += file.stat().st_size
        self.samples.append(MemorySample(resident, size / 1e6))
