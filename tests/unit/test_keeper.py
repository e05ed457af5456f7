"""The keeper looks after the tube of every consumer but the archive, in turns."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import structlog

from processor import expiry, keeper
from processor.keeper import Keeper
from tests.unit.sinks import InstantStop
from tradewire.consumers import archive, live
from tradewire.queue import ARCHIVE
from tradewire.queue.memory import Broker, MemoryQueue

CONSUMERS = [live.CONSUMER, archive.CONSUMER, replace(live.CONSUMER, name="webhook")]
OLD = msgspec.json.encode({"id": "00000000-0000-7000-8000-000000000000", "receivedAt": "2026-01-02T03:04:05.000006Z"})


class Scene:
    """A keeper and its queue."""

    def __init__(self) -> None:
        self.broker = Broker()
        self.queue = MemoryQueue(self.broker)
        self.stop = InstantStop()
        self.keeper = Keeper(self.queue, CONSUMERS, self.stop, structlog.get_logger())

    def ready(self, tube: str) -> int:
        return self.queue.counts(tube).ready


def test_old_jobs_expire_in_each_tube_but_the_archives() -> None:
    scene = Scene()
    for consumer in CONSUMERS:
        scene.queue.put(OLD, [consumer.name])
    scene.keeper.step()
    receipts = len(CONSUMERS) - 1
    assert [scene.ready(tube) for tube in ("live", "webhook", ARCHIVE)] == [0, 0, 1 + receipts]


def test_tubes_take_turns() -> None:
    scene = Scene()
    for _ in range(2 * expiry.BATCH_JOBS):
        scene.queue.put(OLD, ["live"])
    scene.queue.put(OLD, ["webhook"])
    scene.keeper.step()
    assert (scene.ready("live"), scene.ready("webhook")) == (expiry.BATCH_JOBS, 0)
    assert scene.stop.waits == []


def test_the_keeper_pauses_while_no_jobs_are_due() -> None:
    scene = Scene()
    scene.keeper.step()
    assert scene.stop.waits == [keeper.CHECK_SECONDS]


def test_the_keeper_goes_on_after_an_outage_and_ends_on_request() -> None:
    scene = Scene()
    scene.queue.put(OLD, ["live"])
    scene.broker.fault = "away"

    def during_wait(number: int) -> None:
        scene.broker.fault = None
        scene.stop.requested = number > 1

    scene.stop.during_wait = during_wait
    scene.keeper.run()
    assert scene.ready("live") == 0
