"""Every scenario, and the stack that it wants."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from tests.bench.scenarios import backlog, batches, crowds, growth, latency, page, single, store_away

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.bench.bench import Bench
    from tests.bench.figures import Result


class Scenario(NamedTuple):
    """Something to measure, in a stack that no other has used."""

    name: str
    """What is chosen by on the command line."""
    run: Callable[[Bench], list[Result]]
    store: Literal["sqlite", "postgresql"] = "sqlite"
    max_browsers: int = 2500


SETTINGS: Final = {"RATE_LIMIT": "off", "BATCH_RATE_LIMIT": "off", "MAX_CONNECTIONS_PER_ADDRESS": "50000"}
"""Of every stack: limits that are not what is measured are out of the way."""

SCENARIOS: Final = (
    Scenario("single", single.posts),
    Scenario("single postgresql", single.posts, "postgresql"),
    Scenario("batches held", batches.held),
    Scenario("batches fastest", batches.fastest),
    Scenario("latency 10", partial(latency.at_fifty, browsers=10, median_ms=2.5, p99_ms=8)),
    Scenario("latency 300", partial(latency.at_fifty, browsers=300, median_ms=4, p99_ms=15)),
    Scenario("latency 2000", partial(latency.at_fifty, browsers=2000, median_ms=None, p99_ms=150)),
    Scenario("crowd idle", crowds.idle, max_browsers=10_000),
    Scenario("crowd reconnecting", crowds.reconnecting),
    Scenario("crowd stuck", crowds.stuck),
    Scenario("backlog idle", backlog.idle),
    Scenario("backlog drained", backlog.drained),
    Scenario("growth archive, reading", growth.of_the_archive),
    Scenario("growth crowd", growth.of_the_crowd),
    Scenario("store away", store_away.latency),
    Scenario("store away postgresql", store_away.latency, "postgresql"),
    Scenario("page steady", partial(page.steady, times=3)),
    Scenario("page for ten minutes", partial(page.steady, times=30)),
    Scenario("page counters", page.counters),
    Scenario("page drained", page.drained),
)
