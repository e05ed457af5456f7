"""Smoke tests of the benchmarks: every scenario runs, and loses nothing. tests/bench/run measures the speed."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.bench import peer, profile
from tests.bench.bench import PEERS_SHORT, SETTINGS, SMOKE, Bench
from tests.bench.catalogue import COMPARISONS, SCENARIOS, Scenario
from tests.bench.figures import METERS, PROGRAMS
from tests.bench.scenarios import store_outage
from tests.postgres import postgres
from tests.stack import stack
from tests.support import require_program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.postgres import Postgres
    from tests.stack import Stack


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Return a folder for the homes of the stacks and of PostgreSQL."""
    path = Path(tempfile.mkdtemp(prefix="tw-", dir="/tmp"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def on_sqlite(folder: Path) -> Iterator[Stack]:
    """Run one stack for all scenarios: each checks only the messages that it has posted."""
    with stack(_home(folder / "sqlite"), **SETTINGS) as running:
        yield running


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Postgres]:
    """Run a PostgreSQL server."""
    with postgres(_home(folder / "server")) as running:
        yield running


@pytest.fixture(scope="module")
def on_postgresql(folder: Path, server: Postgres) -> Iterator[Stack]:
    """Run a stack whose store is PostgreSQL."""
    with stack(_home(folder / "postgresql"), STORE_URL=server.create_database(), **SETTINGS) as running:
        yield running


PROGRAMS_OF_A_STACK = [program for program in PROGRAMS if program not in METERS]
EXCLUDED = ("batches fastest", "page soak")
"""The first posts without limit, so archiving would take minutes; the second is "page steady" for longer."""


@pytest.mark.parametrize(
    "scenario",
    [scenario for scenario in SCENARIOS if scenario.store == "sqlite" and scenario.name not in EXCLUDED],
    ids=lambda scenario: scenario.name,
)
def test_a_scenario_runs_and_loses_nothing(scenario: Scenario, on_sqlite: Stack) -> None:
    require_program("wrk")
    results = scenario.run(Bench(on_sqlite, SMOKE))
    assert results
    assert all(result.figures for result in results)


def test_messages_posted_during_a_postgresql_outage_are_archived(on_postgresql: Stack, server: Postgres) -> None:
    require_program("wrk")
    results = store_outage.outage(Bench(on_postgresql, SMOKE, server))
    assert all(result.figures for result in results)


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "comparison",
    [comparison for comparison in COMPARISONS if comparison not in SCENARIOS],
    ids=lambda comparison: comparison.name,
)
def test_a_comparison_with_a_peer_runs_and_loses_nothing(comparison: Scenario, on_sqlite: Stack) -> None:
    require_program("wrk")
    if absence := peer.absence(peer.DEFAULT_PEER):
        pytest.skip(absence)
    brief = PEERS_SHORT._replace(count_factor=0.01)
    results = comparison.run(Bench(on_sqlite, brief, peers=(peer.DEFAULT_PEER,)))
    assert [result.fault for result in results] == [""]
    assert all(result.samples for result in results)


def test_a_profile_shows_the_cpu_of_every_program(on_sqlite: Stack) -> None:
    require_program("wrk")
    (result,) = profile.SCENARIOS["single"](Bench(on_sqlite, SMOKE))
    names = {figure.name for figure in result.figures}
    assert {f"{program}, {mode}" for program in PROGRAMS_OF_A_STACK for mode in ("user", "system")} <= names


def _home(path: Path) -> Path:
    """Make a home that an unprivileged user may enter."""
    (path / "sock/workers").mkdir(parents=True)
    return path
