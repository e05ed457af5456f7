"""Tradewire beside other stacks for the same job, and beside itself: all sides of a comparison are measured in turn."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

from tests.bench import latency, throughput
from tests.bench.archive_fill import fill_archive
from tests.bench.bench import BROWSERS, RATE, SETTINGS, temporary_home
from tests.bench.comparison import Ratio, Values, alternate
from tests.bench.load import BATCH, CONNECTIONS
from tests.bench.meter import Meter, per_message, resident_bytes
from tests.bench.peer import peer
from tests.bench.scenarios import queries
from tests.bench.target import Tradewire
from tests.stack import stack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bench.bench import Bench
    from tests.bench.figures import Result
    from tests.bench.target import Target

MORE_CONNECTIONS: Final = (64, 256)
BROWSER_COUNTS: Final = (10, 300)
PROCESSORS: Final = (1, 2, 4)
ARCHIVED: Final = (1000, 5_000_000)
IDLE_BROWSERS: Final = 3000
"""A peer's nginx may have 8,192 connections, two for each browser."""
FASTER: Final = 1.5
"""How many times as fast as a peer Tradewire is meant to be."""
NOISE: Final = 0.05
"""The largest difference that counts as none."""
SLOWER: Final = 1.1
"""The largest ratio of latencies that counts as no slower."""


def single(bench: Bench) -> list[Result]:
    """Post single messages as fast as possible, over 16, 64 and 256 connections."""
    counts = (CONNECTIONS, *MORE_CONNECTIONS)
    with _targets(bench) as (ours, *others):
        sides = {
            _over(target, count): partial(_throughput, target, bench.profile.seconds, connections=count)
            for count in counts
            for target in (ours, *others)
        }
        ratios = [
            Ratio((_over(ours, count), value), (_over(other, count), "shown /s"), at_least=FASTER)
            for count in counts
            for other in others
            for value in ("shown /s", "archived /s")
        ]
        ratios += [
            Ratio((_over(ours, count), "shown /s"), (_over(ours, CONNECTIONS), "shown /s"), at_least=1 - NOISE)
            for count in MORE_CONNECTIONS
        ]
        return [alternate(f"single POSTs, {BROWSERS} browsers", sides, ratios, bench.profile.rounds)]


def rate(bench: Bench) -> list[Result]:
    """Measure the time from POST to browser at 50 messages a second, with 10 and with 300 browsers."""
    counts = [bench.profile.scale_count(count) for count in BROWSER_COUNTS]
    with _targets(bench) as (ours, *others):
        sides = {
            _to(target, count): partial(_latency, target, bench.profile.seconds, count)
            for count in counts
            for target in (ours, *others)
        }
        ratios = [
            Ratio((_to(ours, count), value), (_to(other, count), value), at_most=SLOWER if count < counts[-1] else 1)
            for count in counts
            for other in others
            for value in ("median ms", "p99 ms")
        ]
        return [alternate(f"{RATE}/s single, time from POST to browser", sides, ratios, bench.profile.rounds)]


def batches(bench: Bench) -> list[Result]:
    """Post batches as fast as possible. A peer runs twice: without and with an archive."""
    with _targets(bench) as (ours, *others), _peers(bench, archive=True) as archiving:
        sides = {
            target.name: partial(_throughput, target, bench.profile.seconds, batch=BATCH)
            for target in (ours, *others, *archiving)
        }
        ratios = [
            Ratio((ours.name, value), (other.name, value), at_least=FASTER)
            for other in others
            for value in ("accepted /s", "shown /s")
        ]
        ratios += [
            Ratio((ours.name, "archived /s"), (other.name, "archived /s"), at_least=FASTER) for other in archiving
        ]
        return [alternate(f"batches of {BATCH}, {BROWSERS} browsers", sides, ratios, bench.profile.rounds)]


def processors(bench: Bench) -> list[Result]:
    """Post single messages with 1, 2 and 4 live processors."""
    ours = Tradewire(bench.stack)

    def scale(count: int) -> None:
        for number in range(1, PROCESSORS[-1] + 1):
            bench.stack.supervisorctl("start" if number <= count else "stop", f"processors:live-{number}")
        bench.stack.wait_ready()

    def measure(count: int) -> Values:
        scale(count)
        return _throughput(ours, bench.profile.seconds)

    names = {count: f"{count} live processor{'s' if count > 1 else ''}" for count in PROCESSORS}
    sides = {name: partial(measure, count) for count, name in names.items()}
    ratios = [Ratio((names[count], "shown /s"), (names[1], "shown /s"), at_least=1 - NOISE) for count in PROCESSORS[1:]]
    result = alternate(f"live processors, single POSTs, {BROWSERS} browsers", sides, ratios, bench.profile.rounds)
    scale(1)
    return [result]


def archive(bench: Bench) -> list[Result]:
    """Post single messages to two stacks, one with a small archive, one with a large archive."""
    counts = [bench.profile.scale_count(count) for count in ARCHIVED]
    with temporary_home() as home, stack(home, **SETTINGS) as other:
        sides = {}
        for count, running in zip(counts, (bench.stack, other), strict=True):
            fill_archive(running, count, queries.DAYS)
            sides[f"{count:,} archived"] = partial(_throughput, Tradewire(running), bench.profile.seconds)
        small, large = sides
        ratios = [Ratio((large, value), (small, value), at_least=1 - NOISE) for value in ("shown /s", "archived /s")]
        return [alternate(f"archive's size, single POSTs, {BROWSERS} browsers", sides, ratios, bench.profile.rounds)]


def memory(bench: Bench) -> list[Result]:
    """Connect browsers, and measure the memory that each takes from nginx and from the WebSocket server.

    One round: a program keeps the memory of browsers that have left, so the next ones would seem to take none.
    """
    count = bench.profile.scale_count(IDLE_BROWSERS)
    with _targets(bench) as targets:
        sides = {target.name: partial(_memory, target, count) for target in targets}
        return [alternate(f"memory of a browser, {count:,} browsers", sides, [], rounds=1)]


def _throughput(target: Target, seconds: int, *, connections: int = CONNECTIONS, batch: int = 0) -> Values:
    run = throughput.measure(target, seconds, connections=connections, batch=batch)
    values: dict[str, float] = {"accepted": run.counts.answered, "shown": run.counts.shown}
    if run.counts.refused:
        values["refused requests"] = run.counts.refused
    values |= {"accepted /s": run.rates.accepted, "shown /s": run.rates.shown}
    if run.counts.archived is not None:
        values |= {"archived": run.counts.archived, "archived /s": run.rates.archived}
    return values | {"CPU µs/message": sum(run.stack_cpu_us.values())}, run.stack_cpu_us


def _latency(target: Target, seconds: int, browsers: int) -> Values:
    messages = RATE * seconds
    with target.connect(browsers) as clients:
        latency.measure(target, clients, RATE, RATE)  # to warm up
        meter = Meter(target)
        result = latency.measure(target, clients, RATE, messages)
        cpu_us = per_message(meter.cpu_seconds(), messages)
    values = {"median ms": result.median, "p99 ms": result.p99, "CPU µs/message": sum(cpu_us.values())}
    return values, cpu_us


def _memory(target: Target, browsers: int) -> Values:
    """Measure the growth of the programs that hold browsers: nginx, and the server that it connects them to."""
    server = "wsserver" if isinstance(target, Tradewire) else "live"
    programs = {"nginx KiB/browser": "nginx", "WebSocket server KiB/browser": server}
    before = {name: resident_bytes(target, program) for name, program in programs.items()}
    with target.connect(browsers):
        growth = {name: resident_bytes(target, program) - before[name] for name, program in programs.items()}
    return {name: size / 1024 / browsers for name, size in growth.items()}, {}


def _over(target: Target, connections: int) -> str:
    return f"{target.name}, {connections} connections"


def _to(target: Target, browsers: int) -> str:
    return f"{target.name}, {browsers} browsers"


@contextmanager
def _targets(bench: Bench) -> Iterator[list[Target]]:
    """Run the peers beside Tradewire, which comes first."""
    with _peers(bench) as peers:
        yield [Tradewire(bench.stack), *peers]


@contextmanager
def _peers(bench: Bench, *, archive: bool = False) -> Iterator[list[Target]]:
    """Run the peers."""
    with ExitStack() as contexts:
        yield [contexts.enter_context(peer(name, bench.stack.home, archive=archive)) for name in bench.peers]
