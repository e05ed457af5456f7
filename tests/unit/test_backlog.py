"""The backlog: which slots are to be reconciled, also over restarts, and when there are many."""

from __future__ import annotations

import re
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tradewire.errors import Unavailable
from tradewire.ledger import slots
from tradewire.ledger.backlog import Backlog
from tradewire.ledger.counters import Counter
from tradewire.ledger.slot_writer import SlotWriter
from tradewire.queue import ARCHIVE, LIVE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tradewire.ledger.slot_writer import Request

FIRST_ID = "11111111-1111-4111-8111-111111111111"
TUBES = (LIVE, ARCHIVE)


class Ingest:
    """An ingest process whose slots become final whenever a test wants it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, tubes: tuple[str, ...] = TUBES) -> None:
        self.counter = Counter(folder)
        self.writer = SlotWriter(folder, self.counter, tubes)
        self._now = time.monotonic_ns()
        monkeypatch.setattr(time, "monotonic_ns", lambda: self._now)

    def begin(self) -> Request:
        """Begin a request in a slot of its own."""
        self._now += 10**9
        request = self.writer.start()
        request.begin(1, FIRST_ID)
        return request

    def accept(self) -> int:
        """Accept a message in a slot of its own. Return its time of receipt."""
        request = self.begin()
        request.accept(1)
        request.end()
        self._now += 10**9
        return request.received_at

    def close(self) -> None:
        self.writer.close()
        self.counter.close()


@pytest.fixture
def ingest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ingest]:
    with closing(Ingest(tmp_path, monkeypatch)) as ingest:
        yield ingest


def backlog(folder: Path, tubes: tuple[str, ...] = TUBES) -> Backlog:
    """Return the backlog as of a reconciler that starts."""
    found = Backlog(folder, tubes)
    found.collect()
    return found


def times(found: Backlog) -> list[int]:
    return [request.received_at for pending in found.pending for request in pending.slot.requests()]


def test_without_slots_nothing_is_pending(tmp_path: Path) -> None:
    found = backlog(tmp_path)
    assert (found.pending, found.final) == ([], {})


def test_final_slots_are_pending_in_each_tube(tmp_path: Path, ingest: Ingest) -> None:
    accepted = [ingest.accept(), ingest.accept()]
    found = backlog(tmp_path)
    assert times(found) == accepted
    assert [pending.tubes for pending in found.pending] == [{LIVE, ARCHIVE}] * 2
    assert found.final == {0: 2}
    found.collect()
    assert times(found) == accepted


def test_slots_are_pending_only_in_tubes_that_got_their_messages_and_are_enabled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(Ingest(tmp_path, monkeypatch, (ARCHIVE, "webhook"))) as ingest:
        ingest.accept()
        assert [pending.tubes for pending in backlog(tmp_path).pending] == [{ARCHIVE}]
        assert [pending.tubes for pending in backlog(tmp_path, ("webhook",)).pending] == [{"webhook"}]


def test_a_slot_without_messages_is_done_at_once(tmp_path: Path, ingest: Ingest) -> None:
    ingest.writer.start().end()
    ingest.close()
    found = backlog(tmp_path)
    found.finish()
    assert (found.pending, slots.names(tmp_path)) == ([], [])
    ingest.counter = Counter(tmp_path)


def test_the_last_final_number_is_before_the_first_open_slot(tmp_path: Path, ingest: Ingest) -> None:
    ingest.accept()
    slow = ingest.begin()
    later = ingest.accept()
    found = backlog(tmp_path)
    assert (later in times(found), found.final) == (True, {0: 1})
    found.collect()
    assert found.final == {0: 1}
    slow.end()
    found.collect()
    assert found.final == {0: 3}, "the later slot was known already"


def test_a_clock_set_back_does_not_change_the_order_of_slots(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ingest: Ingest
) -> None:
    earlier = time.time_ns() - 10**6
    ingest.accept()
    monkeypatch.setattr(time, "time_ns", lambda: earlier)
    ingest.begin()
    assert [name.number for name in slots.names(tmp_path)] == [2, 1]
    assert backlog(tmp_path).final == {0: 1}, "the second slot is open, and its name sorts before that of the first"


def test_a_slot_that_is_finished_before_an_earlier_one_stays_final(tmp_path: Path, ingest: Ingest) -> None:
    ingest.accept()
    ingest.accept()
    found = backlog(tmp_path)
    found.pending[1].tubes.clear()
    found.finish()
    found.collect()
    assert found.final == {0: 2}


def test_a_slot_is_due_when_a_mark_has_passed_it_and_in_the_archive_first(tmp_path: Path, ingest: Ingest) -> None:
    ingest.accept()
    [pending] = backlog(tmp_path).pending
    assert pending.is_due(ARCHIVE, {0: 1})
    assert not pending.is_due(ARCHIVE, {0: 0})
    assert not pending.is_due(LIVE, {0: 1})
    pending.tubes.discard(ARCHIVE)
    assert pending.is_due(LIVE, {0: 1})
    assert not pending.is_due(LIVE, {1: 1})
    assert not pending.is_due(ARCHIVE, {0: 1})


def test_a_slot_is_deleted_when_it_is_reconciled_with_all_tubes(tmp_path: Path, ingest: Ingest) -> None:
    ingest.accept()
    ingest.accept()
    found = backlog(tmp_path)
    found.pending[0].tubes.clear()
    found.pending[1].tubes.discard(ARCHIVE)
    found.finish()
    assert [pending.name.number for pending in found.pending] == [2]
    assert [name.number for name in slots.names(tmp_path)] == [2]


def test_a_hundred_slots_stay_apart(tmp_path: Path, ingest: Ingest) -> None:
    for _ in range(100):
        ingest.accept()
    found = backlog(tmp_path)
    found.finish()
    assert len(found.pending) == len(slots.names(tmp_path)) == 100


def test_more_than_a_hundred_slots_become_one_with_all_requests_also_after_a_restart(
    tmp_path: Path, ingest: Ingest
) -> None:
    accepted = [ingest.accept() for _ in range(101)]
    found = backlog(tmp_path)
    found.finish()
    [pending] = found.pending
    assert times(found) == accepted
    assert (pending.name.process, pending.name.number, pending.tubes) == (0, 101, {LIVE, ARCHIVE})
    assert pending.slot.tubes == TUBES
    assert slots.names(tmp_path) == [pending.name]
    restarted = backlog(tmp_path)
    assert times(restarted) == accepted
    assert restarted.final == {0: 101}
    later = ingest.accept()
    found.collect()
    assert times(found) == [*accepted, later]


def test_slots_with_different_tubes_do_not_become_one(tmp_path: Path, ingest: Ingest) -> None:
    accepted = [ingest.accept() for _ in range(101)]
    found = backlog(tmp_path)
    for pending in found.pending[:60]:
        pending.tubes.discard(ARCHIVE)
    found.finish()
    assert [(len(pending.slot.requests()), pending.tubes) for pending in found.pending] == [
        (60, {LIVE}),
        (41, {LIVE, ARCHIVE}),
    ]
    assert times(found) == accepted


def test_a_slot_stays_apart_while_messages_of_it_are_missing(tmp_path: Path, ingest: Ingest) -> None:
    accepted = [ingest.accept() for _ in range(101)]
    found = backlog(tmp_path)
    suspect, settled = found.pending[50], found.pending[60]
    suspect.suspect_since[ARCHIVE] = settled.suspect_since[ARCHIVE] = 7.0
    for pending in found.pending[60:]:
        pending.tubes.discard(ARCHIVE)
    found.finish()
    assert suspect in found.pending
    assert [(len(pending.slot.requests()), pending.suspect_since) for pending in found.pending] == [
        (59, {}),
        (1, {ARCHIVE: 7.0}),
        (41, {}),
    ]
    assert {*times(found)} == {*accepted}


def test_slots_of_different_processes_do_not_become_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ingest: Ingest
) -> None:
    with closing(Ingest(tmp_path, monkeypatch)) as other:
        accepted = sorted(each.accept() for _ in range(51) for each in (ingest, other))
        found = backlog(tmp_path)
        found.finish()
        assert [(pending.name.process, pending.name.number) for pending in found.pending] == [(0, 51), (1, 51)]
        assert sorted(times(found)) == accepted


@pytest.mark.parametrize(("most", "counts"), [(40, [40, 40, 21]), (2, [2] * 50 + [1])])
def test_a_slot_of_several_has_two_mebibytes_at_most(
    tmp_path: Path, ingest: Ingest, monkeypatch: pytest.MonkeyPatch, most: int, counts: list[int]
) -> None:
    monkeypatch.setattr("tradewire.ledger.backlog._MERGED_BYTES_MAX", 32 * most)
    accepted = [ingest.accept() for _ in range(101)]
    found = backlog(tmp_path)
    found.finish()
    assert [len(pending.slot.requests()) for pending in found.pending] == counts
    assert times(found) == times(backlog(tmp_path)) == accepted


def test_after_a_kill_while_slots_became_one_no_request_is_gone(tmp_path: Path, ingest: Ingest) -> None:
    accepted = [ingest.accept() for _ in range(3)]
    found = backlog(tmp_path)
    contents = {path: path.read_bytes() for path in (tmp_path / "slots").iterdir()}
    slots.merge(tmp_path, [(pending.name, pending.slot) for pending in found.pending])
    for path, content in contents.items():  # as if none of them had been deleted
        path.write_bytes(content)
    restarted = backlog(tmp_path)
    assert {*times(restarted)} == {*accepted}
    assert restarted.final == {0: 3}


def test_a_folder_that_can_not_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "slots").touch()
    with pytest.raises(Unavailable, match=re.escape(str(tmp_path))):
        backlog(tmp_path)


def test_a_folder_whose_slots_can_not_be_deleted_is_named(tmp_path: Path, ingest: Ingest) -> None:
    ingest.accept()
    found = backlog(tmp_path)
    found.pending[0].tubes.clear()
    (tmp_path / "slots").rename(tmp_path / "moved")
    (tmp_path / "slots").touch()
    with pytest.raises(Unavailable, match=re.escape(str(tmp_path))):
        found.finish()


def test_a_slot_that_has_vanished_can_be_finished(tmp_path: Path, ingest: Ingest) -> None:
    ingest.accept()
    found = backlog(tmp_path)
    found.pending[0].tubes.clear()
    slots.path_of(tmp_path, found.pending[0].name).unlink()
    found.finish()
    assert found.pending == []
