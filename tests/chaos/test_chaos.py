"""No kill loses or duplicates a message that was answered 201. tests/chaos/run repeats this for many random rounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.chaos.producer import Producer
from tests.chaos.reconcile import find_unnamed_losses, find_violations, wait_settled
from tests.chaos.scenario import EVERYTHING, Chaos, chaos_stack, small_disks
from tests.stack import Stack, stack
from tests.support import ASK_SECONDS, wait_until
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
def test_every_message_answered_201_is_shown_and_archived_once_despite_kills(home: Path, store: str) -> None:
    with chaos_stack(home, store) as (running, server):
        with Watcher(running.port) as first, Watcher(running.port) as second, Producer(running.port) as producer:
            chaos = Chaos(running, producer, server)
            chaos.recover()
            for target in chaos.targets:
                chaos.kill(target)
            running.supervisorctl("start", "processors:live-2", "processors:live-3", "processors:live-4")
            chaos.kill("live processor")
            running.supervisorctl("stop", "processors:live-2", "processors:live-3", "processors:live-4")
            chaos.kill(EVERYTHING)
            producer.stop()
            ledger = wait_settled(running)
            accepted = set(producer.accepted)
            wait_until(lambda: accepted <= {*first.ids, *second.ids}, "every message is shown to a browser")
            for watcher in (first, second):
                assert accepted <= set(watcher.ids) or watcher.told_of_gap
        assert find_violations(running, producer, ledger) == []
        assert len(accepted) > 200


def test_a_browser_is_shown_everything_once_unless_wsserver_is_killed(running: Stack) -> None:
    with Watcher(running.port) as watcher, Producer(running.port) as producer:
        chaos = Chaos(running, producer)
        chaos.recover()
        for target in ("beanstalkd", "gunicorn worker", "live processor", "archive processor", "nginx"):
            chaos.kill(target)
        producer.stop()
        ledger = wait_settled(running)
        accepted = set(producer.accepted)
        wait_until(lambda: accepted <= set(watcher.ids), "every message is shown")
    assert not watcher.told_of_gap
    assert len(watcher.ids) == len(set(watcher.ids))
    assert find_violations(running, producer, ledger) == []


def test_scaling_the_live_processors_loses_and_duplicates_nothing(running: Stack) -> None:
    processors = [f"processors:live-{number}" for number in (2, 3, 4)]
    with Watcher(running.port) as watcher, Producer(running.port) as producer:
        chaos = Chaos(running, producer)
        for command in ("start", "stop", "start"):
            running.supervisorctl(command, *processors)
            chaos.recover()
        producer.stop()
        ledger = wait_settled(running)
        accepted = set(producer.accepted)
        wait_until(lambda: accepted <= set(watcher.ids), "every message is shown")
    assert sorted(watcher.ids) == sorted(accepted)
    assert ledger["accepted"] == ledger["begun"] == len(accepted)
    assert find_violations(running, producer, ledger) == []


def test_a_full_log_disk_loses_nothing_and_the_ledger_tells_what_a_torn_record_loses(running: Stack) -> None:
    with small_disks(running) as disks, Watcher(running.port), Producer(running.port) as producer:
        if not disks:
            pytest.skip("mounting a small file system needs root")
        chaos = Chaos(running, producer, disks=disks)
        chaos.recover()
        for name in ("log full", "all disks full", "vanished store files: remove .db-wal .db-shm", "delete queue log"):
            chaos.suffer(name)
        kept = set(producer.accepted)
        wait_until(
            lambda: running.get("/api/ledger").json["status"] == "balanced",
            "none is missing",
            pause_seconds=ASK_SECONDS,
        )
        running.supervisorctl("stop", "processors:archive")  # so that the newest records are still needed
        chaos.wait_accepted()
        chaos.faults()["tear queue log"]()
        running.supervisorctl("start", "processors:archive")
        chaos.wait_accepted()
        producer.stop()
        ledger = wait_settled(running)
        assert find_unnamed_losses(running, producer, ledger) == []
        assert ledger["tubes"]["archive"]["archived"] >= len(kept)
