"""The benchmarks in their smallest form: they run, and lose nothing. Speed is for tests/bench/run to say."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.bench.bench import TEST, Bench
from tests.bench.catalogue import SCENARIOS, SETTINGS, Scenario
from tests.bench.scenarios import store_away
from tests.postgres import postgres
from tests.stack import stack
from tests.support import require_program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.postgres import Postgres
    from tests.stack import Stack

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Give a folder for the homes."""
    path = Path(tempfile.mkdtemp(prefix="tw-", dir="/tmp"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def on_sqlite(folder: Path) -> Iterator[Stack]:
    """Run one stack for all scenarios: each looks only at what it has posted itself."""
    with stack(_home(folder / "sqlite"), **SETTINGS) as running:
        yield running


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Postgres]:
    """Run a PostgreSQL."""
    with postgres(_home(folder / "server")) as running:
        yield running


@pytest.fixture(scope="module")
def on_postgresql(folder: Path, server: Postgres) -> Iterator[Stack]:
    """Run the same stack with another store."""
    with stack(_home(folder / "postgresql"), STORE_URL=server.create_database(), **SETTINGS) as running:
        yield running


TOO_MUCH = ("batches fastest", "page for ten minutes")
"""The first has no bound, and would leave minutes of work to the archive; the other is the one before it for longer."""


@pytest.mark.parametrize(
    "scenario",
    [scenario for scenario in SCENARIOS if scenario.store == "sqlite" and scenario.name not in TOO_MUCH],
    ids=lambda scenario: scenario.name,
)
def test_a_scenario_runs_and_loses_nothing(scenario: Scenario, on_sqlite: Stack) -> None:
    require_program("wrk")
    results = scenario.run(Bench(on_sqlite, TEST))
    assert results
    assert all(result.figures for result in results)


def test_what_came_while_postgresql_was_away_is_archived(on_postgresql: Stack, server: Postgres) -> None:
    require_program("wrk")
    results = store_away.latency(Bench(on_postgresql, TEST, server))
    assert all(result.figures for result in results)


def _home(path: Path) -> Path:
    """Make a home, open to an unprivileged user."""
    (path / "sock/workers").mkdir(parents=True)
    return path
