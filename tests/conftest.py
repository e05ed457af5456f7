"""Fixtures for all tests."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def home() -> Iterator[Path]:
    """Give a stack's home of its own: short enough for unix sockets, and open to an unprivileged user."""
    path = Path(tempfile.mkdtemp(prefix="tw-", dir="/tmp"))
    path.chmod(0o755)
    (path / "sock/workers").mkdir(parents=True)
    yield path
    shutil.rmtree(path, ignore_errors=True)
