"""Fixtures for all tests."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.postgres import Postgres, postgres

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def home() -> Iterator[Path]:
    """Give a stack's home of its own: short enough for unix sockets, and open to an unprivileged user."""
    with _folder() as path:
        (path / "sock/workers").mkdir(parents=True)
        yield path


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Postgres]:
    """Give a PostgreSQL that runs; tests share it, each with a database of its own."""
    with _folder() as path, postgres(path) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, home: Path) -> str:
    """Give the URL of a store where nothing is yet, in each of the databases."""
    if request.param == "sqlite":
        return f"sqlite:///{home}/store.db"
    server: Postgres = request.getfixturevalue("postgresql")
    return server.database()


@contextmanager
def _folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="tw-", dir="/tmp"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)
