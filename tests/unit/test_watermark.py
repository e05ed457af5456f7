"""The watermark: no message that was accepted before it is still on its way into the archive."""

from __future__ import annotations

import re
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tradewire.errors import QueueUnavailable, Unavailable
from tradewire.ledger import slots
from tradewire.ledger.counters import Counter
from tradewire.ledger.slot_writer import SlotWriter
from tradewire.ledger.watermark import archived_up_to
from tradewire.queue import ARCHIVE
from tradewire.queue.memory import Broker, MemoryQueue

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tradewire.queue import TubeCounts

START = 1_767_355_200


class Scene:
    """An ingest process, the archive's tube, and a clock that a test sets."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.seconds = 0.0
        monkeypatch.setattr(time, "time_ns", lambda: round((START + self.seconds) * 10**9))
        monkeypatch.setattr(time, "monotonic_ns", lambda: round((START + self.seconds) * 10**9))
        self.counter = Counter(folder)
        self.writer = SlotWriter(folder, self.counter, [ARCHIVE])
        self.queue = MemoryQueue(Broker())

    def count(self) -> TubeCounts:
        return self.queue.counts(ARCHIVE)

    def watermark(self, passed: Mapping[int, int] | None = None) -> float:
        """Return the watermark, rounded to hundredths of a second, in seconds since the start."""
        microseconds = archived_up_to(self.folder, self.count, passed or {})
        assert microseconds < (START + self.seconds) * 10**6 - 900, "the clocks of two cores may differ"
        return round((microseconds - START * 10**6) / 10**6, 2)


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    scene = Scene(tmp_path, monkeypatch)
    with closing(scene.counter), closing(scene.writer):
        yield scene


def test_without_messages_on_their_way_it_is_now(scene: Scene) -> None:
    assert scene.watermark() == 0
    scene.writer.start().end()
    scene.seconds = 5
    assert scene.watermark() == 5


def test_it_stays_at_the_slot_of_a_request_in_flight(scene: Scene) -> None:
    scene.seconds = 3
    request = scene.writer.start()
    scene.seconds = 9
    assert scene.watermark() == 3
    request.end()
    assert scene.watermark() == 9


@pytest.mark.parametrize("is_reserved", ["ready", "reserved"])
def test_while_the_archives_tube_has_jobs_it_stays_at_the_oldest_slot_that_has_not_passed(
    scene: Scene, is_reserved: str
) -> None:
    for seconds in (3, 4, 5):
        scene.seconds = seconds
        scene.writer.start().end()
    scene.seconds = 9
    scene.queue.put(b"event", [ARCHIVE])
    if is_reserved == "reserved":
        scene.queue.reserve(ARCHIVE, 1, 0)
    assert [scene.watermark({0: number}) for number in range(4)] == [3, 4, 5, 9]


def test_slots_of_all_processes_count(scene: Scene, tmp_path: Path) -> None:
    scene.queue.put(b"event", [ARCHIVE])
    with closing(Counter(tmp_path)) as counter, closing(SlotWriter(tmp_path, counter, [ARCHIVE])) as other:
        scene.seconds = 3
        other.start().end()
        scene.seconds = 4
        scene.writer.start().end()
        scene.seconds = 9
        assert scene.watermark({0: 1}) == 3
        assert scene.watermark({1: 1}) == 4
        assert scene.watermark({0: 1, 1: 1}) == 9


def test_without_the_queue_it_is_older_but_right(scene: Scene) -> None:
    scene.seconds = 3
    scene.writer.start().end()
    scene.seconds = 9
    assert scene.watermark() == 9

    def fail() -> TubeCounts:
        raise QueueUnavailable("away")

    assert archived_up_to(scene.folder, fail, {}) == slots.names(scene.folder)[0].label


def test_a_request_that_is_put_while_it_is_read_is_after_it(scene: Scene) -> None:
    received_at = 0

    def count() -> TubeCounts:
        nonlocal received_at
        scene.seconds = 1
        request = scene.writer.start()
        received_at = request.received_at
        scene.queue.put(b"event", [ARCHIVE])
        found = scene.count()
        request.end()
        return found

    assert archived_up_to(scene.folder, count, {}) < received_at


def test_slots_that_can_not_be_read_make_it_unavailable(scene: Scene) -> None:
    (scene.folder / "slots").touch()
    with pytest.raises(Unavailable, match=re.escape(f"kept in {scene.folder}:")):
        scene.watermark()
