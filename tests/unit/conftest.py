"""Fixtures for the unit tests."""

from __future__ import annotations

from functools import cache

import pytest
from prometheus_client import CollectorRegistry

from tradewire import metrics


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> CollectorRegistry:
    """Return the registry of this process's metrics. They start from zero for each test."""
    registry = CollectorRegistry()
    monkeypatch.setattr(metrics, "CollectorRegistry", lambda: registry)
    monkeypatch.setattr(metrics, "_counts", cache(metrics._Counts))  # noqa: SLF001 - it keeps those of other tests
    return registry
