"""Putting marks: one at a time into each tube, while jobs leave it, and again if it was lost."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from processor.mark_puts import MarkPuts
from processor.turns import Turns
from tradewire import mark
from tradewire.queue import ARCHIVE, LIVE
from tradewire.queue.memory import Broker, MemoryQueue

if TYPE_CHECKING:
    from pathlib import Path

    from tradewire.mark import Mark

LOOK_SECONDS = 0.5


class Scene:
    """A reconciler's marks, and the tubes that it puts them into."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        self.now = 1000.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        self.queue = MemoryQueue(Broker())
        self.passed: dict[str, dict[int, int]] = {LIVE: {}, ARCHIVE: {}}
        self.final: dict[int, int] = {}
        self.restart()

    def restart(self) -> None:
        self.turns = {tube: Turns(self._folder, tube) for tube in (LIVE, ARCHIVE)}
        self.puts = MarkPuts(self.queue, self.turns)

    def look(self, final: int | None = None, times: int = 1) -> None:
        """Let a slot become final, and let the reconciler look at the tubes."""
        if final:
            self.final[0] = final
        for _ in range(times):
            self.now += LOOK_SECONDS
            self.puts.step(self.final, self.passed)

    def put(self, tube: str = LIVE) -> None:
        self.queue.put(b"event", [tube])

    def take(self, tube: str = LIVE) -> bytes:
        """Take the oldest job of a tube."""
        [job] = self.queue.reserve(tube, 1, 0)
        self.queue.delete([job])
        return job.body

    def passes(self, tube: str = LIVE) -> Mark:
        """Let the oldest job, a mark, pass its tube."""
        found = mark.decode(self.take(tube))
        assert found
        self.passed[tube] |= found.mark
        return found

    def marks(self, tube: str = LIVE) -> list[dict[int, int]]:
        """Return the slots of all marks in a tube."""
        ready = self.queue._broker.ready[tube]  # noqa: SLF001 - the test's own
        return [found.mark for number in sorted(ready) if (found := mark.decode(ready[number].body))]


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(tmp_path / "ledger", monkeypatch)


def test_without_final_slots_no_mark_is_put(scene: Scene) -> None:
    scene.look(times=10)
    assert (scene.marks(LIVE), scene.marks(ARCHIVE)) == ([], [])


def test_each_tube_gets_a_mark_when_a_slot_is_final(scene: Scene) -> None:
    scene.final[5] = 3
    scene.look(1)
    assert scene.marks(LIVE) == scene.marks(ARCHIVE) == [{5: 3, 0: 1}]


def test_a_tube_has_one_mark_at_a_time(scene: Scene) -> None:
    scene.put()
    for number in range(1, 5):
        scene.look(number)
    assert scene.marks() == [{0: 1}]
    assert scene.take() == b"event"
    scene.passes()
    scene.look()
    assert scene.marks() == [{0: 4}]


def test_when_the_mark_has_passed_and_no_slot_is_new_there_is_no_other(scene: Scene) -> None:
    scene.look(1)
    scene.passes()
    scene.look(times=20)
    assert scene.marks() == []


def test_a_mark_tells_how_often_events_were_put_anew(scene: Scene) -> None:
    scene.turns[LIVE].count_again()
    scene.look(1)
    assert (scene.passes().again, scene.passes(ARCHIVE).again) == (1, 0)


def test_a_tube_that_stands_still_gets_no_mark_until_jobs_leave_it(scene: Scene) -> None:
    scene.look()
    scene.put()
    scene.now += 1.2
    for number in range(1, 200):
        scene.look(number)
    assert scene.marks() == []
    scene.put()
    scene.take()
    scene.look()
    assert scene.marks() == [{0: 199}]


def test_a_tube_that_stood_still_before_the_reconciler_started_gets_no_mark(scene: Scene) -> None:
    scene.put()
    scene.now += 60.3
    for number in range(1, 20):
        scene.look(number)
        scene.restart()
        scene.look(number, times=4)
    assert scene.marks() == []


def test_a_tube_whose_jobs_wait_for_a_while_gets_marks_as_long_as_they_leave(scene: Scene) -> None:
    for _ in range(10):  # jobs wait for five seconds
        scene.put()
        scene.now += LOOK_SECONDS
    for number in range(1, 20):
        scene.put()
        if mark.decode(scene.take()):
            scene.take()
            scene.passed[LIVE] = {0: number}
        scene.look(number)
    assert scene.passed[LIVE]


@pytest.mark.parametrize(("lost", "other"), [(LIVE, ARCHIVE), (ARCHIVE, LIVE)])
def test_a_lost_mark_is_put_again(scene: Scene, lost: str, other: str) -> None:
    scene.look(1)
    scene.passes(other)
    scene.take(lost)
    scene.look(times=6)
    assert scene.marks(lost) == []
    scene.look(times=2)
    assert (scene.marks(lost), scene.marks(other)) == ([{0: 1}], [])


def test_a_mark_behind_older_jobs_is_not_lost(scene: Scene) -> None:
    scene.put()
    scene.look(1)
    for _ in range(40):
        scene.look()
    assert scene.marks() == [{0: 1}]


def test_a_mark_is_not_lost_while_its_receipt_may_be_in_the_archives_tube(scene: Scene) -> None:
    scene.put(ARCHIVE)
    scene.look(1)
    scene.take()  # it has passed the live tube
    scene.look(times=40)
    assert scene.marks() == []
    assert scene.take(ARCHIVE) == b"event"
    assert scene.passes(ARCHIVE).mark == {0: 1}
    scene.look()
    assert scene.marks() == [{0: 1}]


def test_after_a_restart_a_mark_is_put_for_what_has_not_passed(scene: Scene) -> None:
    scene.look(1)
    scene.passes()
    scene.restart()
    scene.look()
    assert scene.marks() == []
    scene.look(2)
    scene.restart()
    scene.look(2)
    assert scene.marks() == [{0: 2}, {0: 2}]
