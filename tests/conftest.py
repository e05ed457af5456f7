"""Fixtures for all tests."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.postgres import Postgres, postgres
from tests.rabbitmq import Cluster, rabbitmq
from tests.support import make_audit_key
from tradewire.queue import factory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from xdist.remote import Producer

    from tradewire.queue import Queue

_WITH_RABBITMQ = ("test_queue_contract.py", "test_rabbitmq.py", "test_rabbitmq_slow.py")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of `tests/integration/test_figures.py`."""
    parser.addoption("--combinations", type=int, default=20, help="filters and ranges to try on each database")
    parser.addoption("--seed", type=int, default=1, help="the same seed tries the same filters and ranges")


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling | None:
    """Give all tests with RabbitMQ to one worker, and early: its nodes are large, and start and stop slowly."""
    return _Scheduling(config, log) if config.getvalue("dist") == "loadscope" else None


class _Scheduling(LoadScopeScheduling):  # type: ignore[misc] # xdist has no types
    def _split_scope(self, nodeid: str) -> str:
        module = super()._split_scope(nodeid)
        return "RabbitMQ" if module.endswith(_WITH_RABBITMQ) else module


@pytest.fixture
def home() -> Iterator[Path]:
    """Return a new home directory: its path is short enough for unix sockets, and any user may read it."""
    with _temporary_folder() as path:
        (path / "sock/workers").mkdir(parents=True)
        make_audit_key(path)
        yield path


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Postgres]:
    """Return a running PostgreSQL server. Tests share it; each test creates a database of its own."""
    with _temporary_folder() as path, postgres(path) as server:
        yield server


@pytest.fixture(scope="session")
def rabbitmq_node() -> Iterator[Cluster]:
    """Return a cluster of RabbitMQ with a single node. Tests share it; each test clears it first."""
    with _temporary_folder() as path, rabbitmq(path) as cluster:
        yield cluster


@pytest.fixture
def cluster(rabbitmq_node: Cluster) -> Cluster:
    """Return a RabbitMQ node with the queues of all tubes. They are empty."""
    rabbitmq_node.prepare()
    return rabbitmq_node


@pytest.fixture
def connect(cluster: Cluster, home: Path) -> Iterator[Callable[..., Queue]]:
    """Return a function that opens connections to RabbitMQ, to some ports or to all nodes."""
    with ExitStack() as stack:

        def connect(*ports: int, max_bytes: int = 10**9, **options: int) -> Queue:
            queue = factory.open_queue(cluster.url(*ports, **options), max_bytes, home / "ledger")
            return stack.enter_context(closing(queue))

        yield connect


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, home: Path) -> str:
    """Return the URL of an empty store, once for each database engine."""
    if request.param == "sqlite":
        return f"sqlite:///{home}/store.db"
    server: Postgres = request.getfixturevalue("postgresql")
    return server.create_database()


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="tw-", dir="/tmp"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)
