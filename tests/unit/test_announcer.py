"""An announcement that fails is repeated after growing pauses, and holds up nothing."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING

import structlog
from structlog.testing import capture_logs

from processor.announcer import Announcer
from tradewire.errors import FeedUnavailable

if TYPE_CHECKING:
    import pytest


class Scene:
    """An announcer with a clock that the test sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        self.is_away = False
        self.attempts: list[float] = []
        self.announced = 0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        self.announcer = Announcer(self._announce, structlog.get_logger())

    def _announce(self) -> None:
        self.attempts.append(self.now)
        if self.is_away:
            raise FeedUnavailable("away")
        self.announced += 1


def test_each_announcement_is_made_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch)
    scene.announcer.announce()
    scene.announcer.announce()
    scene.announcer.retry()
    assert scene.announced == 2


def test_a_failed_announcement_is_repeated_until_it_succeeds(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch)
    scene.is_away = True
    with capture_logs() as logs:
        scene.announcer.announce()
        scene.now += 61
        scene.announcer.retry()
    assert {entry["event"] for entry in logs} == {"can't announce that events were given up"}
    assert [entry["reason"] for entry in logs] == ["away"] * 2
    assert 2 <= logs[0]["retry_seconds"] <= 5
    assert 5 <= logs[1]["retry_seconds"] <= 10
    scene.is_away = False
    scene.now += 61
    scene.announcer.retry()
    scene.announcer.retry()
    assert (scene.announced, len(scene.attempts)) == (1, 3)


def test_attempts_that_fail_are_seconds_apart_whatever_happens_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch)
    scene.is_away = True
    for _ in range(300):
        scene.announcer.announce()
        scene.now += 1
    pauses = [later - earlier for earlier, later in itertools.pairwise(scene.attempts)]
    assert 2 < pauses[0] <= 6
    assert 30 <= pauses[-1] <= 61
