"""Fixtures for the unit tests."""

from __future__ import annotations

import time
from functools import cache
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from prometheus_client import CollectorRegistry

from tradewire import metrics

if TYPE_CHECKING:
    from collections.abc import Iterator

# On a busy machine, generating and checking an input may take any time.
settings.register_profile("patient", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> CollectorRegistry:
    """Return the registry of this process's metrics. They start from zero for each test."""
    registry = CollectorRegistry()
    monkeypatch.setattr(metrics, "CollectorRegistry", lambda: registry)
    monkeypatch.setattr(metrics, "_counts", cache(metrics._Counts))  # noqa: SLF001 - it keeps those of other tests
    return registry


@pytest.fixture
def far_time_zone() -> Iterator[None]:
    """Let this process run in a time zone that is 14 hours ahead of UTC."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "UTC-14")
        time.tzset()
        yield
    time.tzset()
