"""The list of all scenarios."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from tests.bench.scenarios import (
    backlog,
    batches,
    browsers,
    growth,
    keys,
    latency,
    opening,
    page,
    peers,
    replays,
    single,
    soak,
    store_outage,
)
from tradewire.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.bench.bench import Bench
    from tests.bench.figures import Result


class Scenario(NamedTuple):
    """A benchmark; it runs on a new stack."""

    name: str
    """Selects the scenario on the command line."""
    run: Callable[[Bench], list[Result]]
    store: Literal["sqlite", "postgresql"] = "sqlite"
    max_browsers: int = 2500
    """The stack's setting MAX_BROWSERS."""
    max_browsers_per_address: int = 50_000
    """The stack's setting MAX_BROWSERS_PER_ADDRESS. By default no limit of an address restricts the load."""


SOAK: Final = Scenario("soak", soak.full_speed)

SCENARIOS: Final = (
    Scenario("single", single.posts),
    Scenario("single postgresql", single.posts, "postgresql"),
    Scenario("batches sustained", batches.sustained),
    Scenario("batches fastest", batches.fastest),
    Scenario("latency 10", partial(latency.at_fixed_rate, browsers=10, median_ms=2.5, p99_ms=8)),
    Scenario("latency 300", partial(latency.at_fixed_rate, browsers=300, median_ms=4, p99_ms=15)),
    Scenario("latency 2000", partial(latency.at_fixed_rate, browsers=2000, median_ms=None, p99_ms=150)),
    Scenario("browsers idle", browsers.idle, max_browsers=10_000),
    Scenario("browsers reconnecting", browsers.reconnecting),
    Scenario("browsers stalled", browsers.stalled),
    Scenario("replay attack", replays.attacked, max_browsers_per_address=Settings.max_browsers_per_address),
    Scenario("backlog idle", backlog.idle),
    Scenario("backlog drained", backlog.drained),
    Scenario("growth archive, queries", growth.with_archive),
    Scenario("growth browsers", growth.with_browsers),
    Scenario("store outage", store_outage.outage),
    Scenario("store outage postgresql", store_outage.outage, "postgresql"),
    SOAK,
    Scenario("page opens", opening.page),
    Scenario("page steady", partial(page.steady, times=3)),
    Scenario("page soak", partial(page.steady, times=30)),
    Scenario("page counters", page.counters),
    Scenario("page backlog", page.backlog),
)

COMPARISONS: Final = (
    Scenario("single", peers.single),
    Scenario("rate", peers.rate),
    Scenario("batches", peers.batches),
    Scenario("processors", peers.processors),
    Scenario("archive", peers.archive),
    Scenario("keys", keys.cost),
    Scenario("memory", peers.memory, max_browsers=10_000),
    SOAK,
)
"""What `--peers` runs: Tradewire beside the peers and beside itself, then for long."""
