"""Whatever is killed, what was answered 201 is shown, archived and accounted for. The long form is tests/chaos/run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.chaos.account import faults, settle
from tests.chaos.poster import Poster
from tests.chaos.scenario import EVERYTHING, Chaos, battlefield
from tests.stack import Stack, stack
from tests.support import wait_until
from tests.watcher import Watcher

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def running(home: Path) -> Iterator[Stack]:
    with stack(home, RATE_LIMIT="off", BATCH_RATE_LIMIT="off") as started:
        yield started


@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_every_message_answered_201_is_shown_and_archived_once_whatever_is_killed(home: Path, store: str) -> None:
    with battlefield(home, store) as (running, server):
        with Watcher(running.port) as first, Watcher(running.port) as second, Poster(running.port) as poster:
            chaos = Chaos(running, poster, server)
            chaos.recover()
            for victim in chaos.victims:
                chaos.strike(victim)
            running.supervisorctl("start", "processors:live-2", "processors:live-3", "processors:live-4")
            chaos.strike("live processor")
            running.supervisorctl("stop", "processors:live-2", "processors:live-3", "processors:live-4")
            chaos.strike(EVERYTHING)
            poster.stop()
            ledger = settle(running)
            accepted = set(poster.accepted)
            wait_until(lambda: accepted <= {*first.ids, *second.ids}, "every message is shown to someone")
            for watcher in (first, second):
                assert accepted <= set(watcher.ids) or watcher.told_of_gap
        assert faults(running, poster, ledger) == []
        assert len(accepted) > 200


def test_a_browser_that_keeps_its_server_is_shown_everything_once(running: Stack) -> None:
    with Watcher(running.port) as watcher, Poster(running.port) as poster:
        chaos = Chaos(running, poster)
        chaos.recover()
        for victim in ("beanstalkd", "gunicorn worker", "live processor", "archive processor", "nginx"):
            chaos.strike(victim)
        poster.stop()
        ledger = settle(running)
        accepted = set(poster.accepted)
        wait_until(lambda: accepted <= set(watcher.ids), "every message is shown")
    assert not watcher.told_of_gap
    assert len(watcher.ids) == len(set(watcher.ids))
    assert faults(running, poster, ledger) == []


def test_scaling_changes_nothing_that_is_shown(running: Stack) -> None:
    others = [f"processors:live-{number}" for number in (2, 3, 4)]
    with Watcher(running.port) as watcher, Poster(running.port) as poster:
        chaos = Chaos(running, poster)
        for command in ("start", "stop", "start"):
            running.supervisorctl(command, *others)
            chaos.recover()
        poster.stop()
        ledger = settle(running)
        accepted = set(poster.accepted)
        wait_until(lambda: accepted <= set(watcher.ids), "every message is shown")
    assert sorted(watcher.ids) == sorted(accepted)
    assert ledger["accepted"] == ledger["begun"] == len(accepted)
    assert faults(running, poster, ledger) == []
