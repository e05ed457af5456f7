"""The keeper looks after the tube of every consumer but the archive, in turns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

import msgspec
import structlog

from processor import expiry, keeper
from processor.keeper import Keeper
from tests.unit.sinks import InstantStop
from tradewire.consumers import archive, live
from tradewire.errors import FeedUnavailable
from tradewire.queue import ARCHIVE
from tradewire.queue.memory import Broker, MemoryQueue
from tradewire.settings import Settings

if TYPE_CHECKING:
    import pytest

CONSUMERS = (
    replace(live.CONSUMER, announce="tests.unit.test_keeper:announce"),
    archive.CONSUMER,
    replace(live.CONSUMER, name="webhook", announce=None),
)
OLD = msgspec.json.encode({"id": "00000000-0000-7000-8000-000000000000", "receivedAt": "2026-01-02T03:04:05.000006Z"})
announcements: list[Settings] = []
is_away = False


def announce(settings: Settings) -> None:
    """Stand in for a consumer's own function."""
    if is_away:
        raise FeedUnavailable("away")
    announcements.append(settings)


class Scene:
    """A keeper and its queue."""

    def __init__(self) -> None:
        self.broker = Broker()
        self.queue = MemoryQueue(self.broker)
        self.stop = InstantStop()
        self.settings = Settings(Path(mkdtemp()), queue_max_bytes=10**6, consumers=CONSUMERS)
        self.keeper = Keeper(self.queue, self.settings, self.stop, structlog.get_logger())
        announcements.clear()

    def put(self, *tubes: str) -> None:
        """Put a job into each tube that is too old also by the queue's clock."""
        self.queue.put(OLD, tubes)
        for number in self.broker.put_at:
            self.broker.put_at[number] -= 10**6

    def ready(self, tube: str) -> int:
        return self.queue.counts(tube).ready


def test_old_jobs_expire_in_each_tube_but_the_archives() -> None:
    scene = Scene()
    scene.put(*(consumer.name for consumer in CONSUMERS))
    scene.keeper.step()
    receipts = len(CONSUMERS) - 1
    assert [scene.ready(tube) for tube in ("live", "webhook", ARCHIVE)] == [0, 0, 1 + receipts]


def test_tubes_take_turns() -> None:
    scene = Scene()
    for _ in range(2 * expiry.BATCH_JOBS):
        scene.put("live")
    scene.put("webhook")
    scene.keeper.step()
    assert (scene.ready("live"), scene.ready("webhook")) == (expiry.BATCH_JOBS, 0)
    assert scene.stop.waits == []


def test_each_tube_but_the_archives_keeps_to_its_share() -> None:
    scene = Scene()
    share = scene.settings.share_bytes
    scene.queue.put(b"x" * (share + 1), [consumer.name for consumer in CONSUMERS])
    scene.queue.put(b"y", [consumer.name for consumer in CONSUMERS])
    scene.keeper.step()
    assert [scene.ready(tube) for tube in ("live", "webhook", ARCHIVE)] == [1, 1, 2]


def test_the_shares_together_are_a_quarter_of_the_queue() -> None:
    assert Scene().settings.share_bytes * 2 == 10**6 // 4


def test_the_users_of_a_consumer_are_told_that_its_events_are_given_up() -> None:
    scene = Scene()
    scene.put("webhook")
    scene.keeper.step()
    assert announcements == []
    scene.put("live")
    scene.keeper.step()
    assert announcements == [scene.settings]


def test_an_announcement_that_fails_is_logged_and_holds_up_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene()
    scene.put("live")
    monkeypatch.setattr("tests.unit.test_keeper.is_away", True)
    with structlog.testing.capture_logs() as lines:
        scene.keeper.step()
    assert "can't announce that events were given up" in [line["event"] for line in lines]
    assert scene.ready("live") == 0


def test_the_keeper_pauses_while_no_jobs_are_due() -> None:
    scene = Scene()
    scene.keeper.step()
    assert scene.stop.waits == [keeper.CHECK_SECONDS]


def test_the_log_tells_when_a_repair_begins_and_when_it_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene()
    repairs = iter([None, "repairs it", "repairs it", "does something else", None, None])
    monkeypatch.setattr(scene.queue, "maintain", lambda *, may_restart: next(repairs) if may_restart else None)
    logged: list[list[str]] = []
    for _ in range(6):
        with structlog.testing.capture_logs() as lines:
            scene.keeper.step()
        logged.append([line["event"] for line in lines])
    assert logged == [[], ["repairs it"], [], ["does something else"], ["all jobs are in files again"], []]


def test_the_keeper_goes_on_after_an_outage_and_ends_on_request() -> None:
    scene = Scene()
    scene.put("live")
    scene.broker.fault = "away"

    def during_wait(number: int) -> None:
        scene.broker.fault = None
        scene.stop.requested = number > 1

    scene.stop.during_wait = during_wait
    scene.keeper.run()
    assert scene.ready("live") == 0


def test_a_queue_of_another_host_is_not_restarted(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene()
    asked: list[bool] = []
    monkeypatch.setattr(scene.queue, "maintain", lambda *, may_restart: asked.append(may_restart))
    scene.keeper.step()
    elsewhere = replace(scene.settings, queue_url="beanstalk://elsewhere:11300")
    Keeper(scene.queue, elsewhere, scene.stop, structlog.get_logger()).step()
    assert asked == [True, False]
