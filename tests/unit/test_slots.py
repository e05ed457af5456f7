"""Slots: how requests get in, when a slot is final, and what it tells then."""

from __future__ import annotations

import errno
import os
import re
import time
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tradewire.errors import Unavailable
from tradewire.ledger import counters, slots
from tradewire.ledger.counters import Counter
from tradewire.ledger.slot_file import HEADER, RECORD
from tradewire.ledger.slot_writer import SlotWriter
from tradewire.ledger.slots import FinalSlot, RecordedRequest, SlotName

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tradewire.ledger.slot_writer import Request

ID = "0123abcd-0000-4000-8000-00000000000{}"
TUBES = ("live", "archive")


class Clock:
    """Gives a test control over both clocks, in seconds."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monotonic = 1000.0
        self.wall = 1_767_355_200.0
        self.steps: list[float] = []
        """By how much the monotonic clock goes on after each of the next looks at it."""
        monkeypatch.setattr(time, "monotonic_ns", self._look)
        monkeypatch.setattr(time, "time_ns", lambda: round(self.wall * 10**9))

    def advance(self, seconds: float) -> None:
        """Let both clocks go on."""
        self.monotonic += seconds
        self.wall += seconds

    def _look(self) -> int:
        now = self.monotonic
        if self.steps:
            self.advance(self.steps.pop(0))
        return round(now * 10**9)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@contextmanager
def process(folder: Path) -> Iterator[SlotWriter]:
    """Record requests as an ingest process does, until the end of the block."""
    with closing(Counter(folder)) as counter, closing(SlotWriter(folder, counter, TUBES)) as writer:
        yield writer


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[SlotWriter]:
    with process(tmp_path) as writer:
        yield writer


def begin(writer: SlotWriter, messages: int, number: int = 1) -> Request:
    """Start a request and put its messages."""
    request = writer.start()
    request.begin(messages, ID.format(number))
    return request


def accept(writer: SlotWriter, messages: int, number: int = 1) -> int:
    """Handle a request whose messages the queue accepts. Return its time of receipt."""
    request = begin(writer, messages, number)
    request.accept(messages)
    request.end()
    return request.received_at


def read(folder: Path) -> list[FinalSlot | None]:
    """Read all slots, oldest first. None stands for a slot that isn't final."""
    return [slots.read_final(slots.path_of(folder, name)) for name in slots.names(folder)]


def requests(folder: Path) -> list[RecordedRequest]:
    """Return the requests of all slots, which must be final."""
    found = []
    for slot in read(folder):
        assert slot
        found += slot.requests()
    return found


def test_without_requests_there_is_no_slot(tmp_path: Path, writer: SlotWriter) -> None:
    assert slots.names(tmp_path) == []
    writer.close()
    assert slots.names(tmp_path) == []


def test_a_slot_tells_each_request_that_put_messages_and_whether_it_was_accepted(
    tmp_path: Path, writer: SlotWriter
) -> None:
    accepted = accept(writer, 1000, 1)
    failed = begin(writer, 3, 2)
    failed.end()
    writer.start().end()  # it had no valid message
    highest = writer.start()
    highest.begin(1, "ffffffff-ffff-ffff-ffff-ffffffffffff")
    highest.accept(1)
    highest.end()
    writer.close()
    assert requests(tmp_path) == [
        RecordedRequest(accepted, 1000, is_accepted=True, first_id=ID.format(1)),
        RecordedRequest(failed.received_at, 3, is_accepted=False, first_id=ID.format(2)),
        RecordedRequest(highest.received_at, 1, is_accepted=True, first_id="ffffffff-ffff-ffff-ffff-ffffffffffff"),
    ]
    [slot] = read(tmp_path)
    assert slot
    assert slot.has_requests()
    assert slot.accepted() == {accepted: 1000, highest.received_at: 1}


@pytest.mark.parametrize("first_id", ["00000000-0000-4000-8000-000000000001", "ffffffff-ffff-ffff-ffff-ffffffffffff"])
def test_a_slot_with_one_request_has_requests_whatever_its_id(
    tmp_path: Path, writer: SlotWriter, first_id: str
) -> None:
    writer.start().begin(1, first_id)
    writer.close()
    [slot] = slots.names(tmp_path)
    content = slots.path_of(tmp_path, slot).read_bytes()
    assert FinalSlot(TUBES, content[HEADER.size : HEADER.size + RECORD.size]).has_requests()


def test_a_slot_in_which_no_message_was_put_has_no_requests(tmp_path: Path, writer: SlotWriter) -> None:
    writer.start().end()  # it had no valid message
    writer.close()
    [slot] = read(tmp_path)
    assert slot
    assert (slot.has_requests(), slot.accepted(), slot.requests()) == (False, {}, [])


def test_a_slot_tells_the_tubes_that_its_messages_were_put_into(tmp_path: Path, writer: SlotWriter) -> None:
    accept(writer, 1)
    writer.close()
    [slot] = read(tmp_path)
    assert slot
    assert slot.tubes == TUBES


def test_requests_and_their_messages_are_counted_too(tmp_path: Path, writer: SlotWriter) -> None:
    accept(writer, 3)
    begin(writer, 4)
    assert counters.read_totals(tmp_path) == (7, 3)


@pytest.mark.parametrize(("seconds", "slot_count"), [(0.49, 1), (0.5, 2)])
def test_a_slot_takes_requests_for_half_a_second(
    tmp_path: Path, clock: Clock, writer: SlotWriter, seconds: float, slot_count: int
) -> None:
    accept(writer, 1)
    clock.advance(seconds)
    accept(writer, 1)
    assert len(slots.names(tmp_path)) == slot_count


@pytest.mark.parametrize(("count", "slot_count"), [(1024, 1), (1025, 2), (2049, 3)])
@pytest.mark.usefixtures("clock")
def test_a_slot_takes_at_most_1024_requests(
    tmp_path: Path, writer: SlotWriter, clock: Clock, count: int, slot_count: int
) -> None:
    times = []
    for _ in range(count):
        times.append(accept(writer, 1))
        clock.wall += 0.001  # times of receipt follow the other clock
    writer.close()
    assert len(slots.names(tmp_path)) == slot_count
    assert [request.received_at for request in requests(tmp_path)] == times


@pytest.mark.parametrize("first_look", [0.4, 0.1])
def test_a_request_whose_process_was_stopped_while_it_entered_leaves_the_slot(
    tmp_path: Path, clock: Clock, writer: SlotWriter, first_look: float
) -> None:
    first = accept(writer, 1)
    clock.advance(first_look)
    clock.steps = [1.0]  # after the look that lets the request in
    second = accept(writer, 1)
    clock.advance(1)
    assert [len(slot.requests()) if slot else None for slot in read(tmp_path)] == [1, 1]
    assert [request.received_at for request in requests(tmp_path)] == [first, second]


def test_a_request_that_was_stopped_for_less_than_a_quarter_stays_in_the_slot(
    tmp_path: Path, clock: Clock, writer: SlotWriter
) -> None:
    accept(writer, 1)
    clock.advance(0.45)
    clock.steps = [0.29]
    accept(writer, 1)
    assert len(slots.names(tmp_path)) == 1


def test_a_slot_that_was_read_as_final_never_changes_whenever_the_process_was_stopped(
    tmp_path: Path, clock: Clock, writer: SlotWriter
) -> None:
    accept(writer, 1)
    clock.advance(0.45)
    seen: list[RecordedRequest | None] = []

    def look_and_read() -> int:
        now = round(clock.monotonic * 10**9)
        if not seen:
            seen.append(None)
            clock.advance(0.6)
            seen[:] = requests(tmp_path)  # between the process's look at the clock and its entering the request
        return now

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "monotonic_ns", look_and_read)
        accept(writer, 1)
    [request] = seen
    assert request
    clock.advance(1)
    [first, second] = read(tmp_path)
    assert first
    assert second
    assert (first.requests(), len(second.requests())) == ([request], 1)


@pytest.mark.parametrize(("seconds", "final"), [(0.99, 0), (1.0, 1)])
def test_a_slot_of_a_running_process_is_final_after_one_second(
    tmp_path: Path, clock: Clock, writer: SlotWriter, seconds: float, final: int
) -> None:
    accept(writer, 1)
    clock.advance(seconds)
    assert sum(slot is not None for slot in read(tmp_path)) == final


@pytest.mark.usefixtures("clock")
def test_a_slot_of_a_process_that_has_ended_is_final_at_once(tmp_path: Path) -> None:
    with process(tmp_path) as writer:
        accept(writer, 1)
        assert read(tmp_path) == [None]
    assert None not in read(tmp_path)


def test_a_slot_is_not_final_while_a_request_is_unsettled(tmp_path: Path, clock: Clock, writer: SlotWriter) -> None:
    slow = begin(writer, 1)
    accept(writer, 1)
    clock.advance(60)
    assert read(tmp_path) == [None]
    accept(writer, 1)  # into another slot
    clock.advance(1)
    assert [slot is not None for slot in read(tmp_path)] == [False, True]
    slow.accept(1)
    slow.end()
    assert None not in read(tmp_path)
    assert len(requests(tmp_path)) == 3


@pytest.mark.usefixtures("clock")
def test_a_sealed_slot_is_closed_when_its_last_request_is_settled(tmp_path: Path, writer: SlotWriter) -> None:
    slow = begin(writer, 1)
    writer.close()
    assert read(tmp_path) == [None]
    slow.end()
    assert [request.is_accepted for request in requests(tmp_path)] == [False]


def test_a_request_without_a_time_of_receipt_keeps_no_slot_open(
    tmp_path: Path, clock: Clock, writer: SlotWriter
) -> None:
    accept(writer, 1)
    (tmp_path / "accepted-1").mkdir()
    clock.wall -= 3600  # so the process needs another file, which can't be opened
    with pytest.raises(Unavailable, match="accepted-1"):
        writer.start()
    clock.advance(1)
    assert len(requests(tmp_path)) == 1
    (tmp_path / "accepted-1").rmdir()
    accept(writer, 1)
    writer.close()
    assert len(requests(tmp_path)) == 2


def test_a_slot_that_is_gone_is_not_final(tmp_path: Path) -> None:
    assert slots.read_final(slots.path_of(tmp_path, SlotName(1, 2, 3))) is None


def test_numbers_of_a_process_grow_by_one(tmp_path: Path, clock: Clock, writer: SlotWriter) -> None:
    for _ in range(3):
        accept(writer, 1)
        clock.advance(1)
    assert [(name.process, name.number) for name in slots.names(tmp_path)] == [(0, 1), (0, 2), (0, 3)]


def test_no_request_is_older_than_the_label_of_its_slot(tmp_path: Path, clock: Clock, writer: SlotWriter) -> None:
    for _ in range(2000):
        accept(writer, 1)
        clock.advance(0.0009)
    writer.close()
    for name in slots.names(tmp_path):
        slot = slots.read_final(slots.path_of(tmp_path, name))
        assert slot
        assert name.label <= slot.requests()[0].received_at


@pytest.mark.parametrize("seconds", [3600, 1, 0.2, 0.01])
def test_after_the_clock_was_set_back_the_labels_are_right_and_the_times_unique(
    tmp_path: Path, clock: Clock, writer: SlotWriter, seconds: float
) -> None:
    times = [accept(writer, 1) for _ in range(3)]
    clock.advance(0.1)
    clock.wall -= seconds
    times += [accept(writer, 1) for _ in range(3)]
    writer.close()
    assert len(set(times)) == 6
    for name in slots.names(tmp_path):
        slot = slots.read_final(slots.path_of(tmp_path, name))
        assert slot
        assert all(name.label <= request.received_at for request in slot.requests())
    assert sorted(request.received_at for request in requests(tmp_path)) == sorted(times)


@pytest.mark.parametrize("seconds", [3600, 0.2])
def test_after_the_clock_was_set_back_a_process_has_another_number_and_another_slot(
    tmp_path: Path, clock: Clock, writer: SlotWriter, seconds: float
) -> None:
    accept(writer, 1)
    clock.advance(0.4)
    accept(writer, 1)
    clock.wall -= seconds
    accept(writer, 1)
    assert {(name.process, name.number) for name in slots.names(tmp_path)} == {(0, 1), (1, 1)}


def test_a_clock_that_is_set_back_a_little_while_a_request_enters_makes_no_label_wrong(
    tmp_path: Path, clock: Clock, writer: SlotWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    jumps = [0.05]

    def look() -> int:
        if slots.names(tmp_path) and jumps:
            clock.wall -= jumps.pop()
        return round(clock.monotonic * 10**9)

    monkeypatch.setattr(time, "monotonic_ns", look)
    received_at = accept(writer, 1)
    writer.close()
    assert [request.received_at for request in requests(tmp_path)] == [received_at]
    for name in slots.names(tmp_path):
        slot = slots.read_final(slots.path_of(tmp_path, name))
        assert slot
        assert all(name.label <= request.received_at for request in slot.requests())


def test_a_slot_has_passed_if_its_number_is_among_those_of_its_process() -> None:
    name = SlotName(1, 7, 3)
    assert name.is_passed({7: 3, 8: 0})
    assert name.is_passed({7: 4})
    assert not name.is_passed({7: 2, 8: 9})
    assert not name.is_passed({})


@pytest.mark.usefixtures("clock")
def test_the_oldest_slot_with_a_request_in_flight_tells_its_label(tmp_path: Path) -> None:
    with process(tmp_path) as one, process(tmp_path) as other:
        assert slots.oldest_in_flight(tmp_path) is None
        accept(one, 1)
        assert slots.oldest_in_flight(tmp_path) is None
        request = other.start()
        [label] = {name.label for name in slots.names(tmp_path)}
        assert slots.oldest_in_flight(tmp_path) == label
        request.end()
        assert slots.oldest_in_flight(tmp_path) is None


def test_a_slot_that_is_deleted_meanwhile_hides_no_request_in_flight(
    tmp_path: Path, writer: SlotWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer.start()
    [name] = slots.names(tmp_path)
    monkeypatch.setattr(slots, "names", lambda _: [SlotName(1, 0, 0), name])
    assert slots.oldest_in_flight(tmp_path) == name.label


def test_a_request_is_in_flight_before_it_has_a_time_of_receipt(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    with closing(Counter(tmp_path)) as counter, closing(SlotWriter(tmp_path, counter, TUBES)) as writer:
        accept(writer, 1)
        next_time = counter.next_time

        def look() -> int:
            seen.append(slots.oldest_in_flight(tmp_path))
            clock.advance(0.001)
            return next_time()

        monkeypatch.setattr(counter, "next_time", look)
        received_at = accept(writer, 1)
    [label] = seen
    assert label
    assert label <= received_at


def test_only_the_user_may_read_slots(tmp_path: Path, writer: SlotWriter) -> None:
    accept(writer, 1)
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "slots").iterdir()} == {0o600}
    assert (tmp_path / "slots").stat().st_mode & 0o777 == 0o700


def test_several_slots_become_one_that_tells_the_same_requests(
    tmp_path: Path, clock: Clock, writer: SlotWriter
) -> None:
    for number in range(3):
        accept(writer, 1, number)
        accept(writer, 2, number)
        clock.advance(1)
    before = requests(tmp_path)
    names = slots.names(tmp_path)
    merged = slots.merge(tmp_path, [(name, slot) for name, slot in zip(names, read(tmp_path), strict=True) if slot])
    assert merged == SlotName(names[0].label, 0, names[-1].number)
    assert slots.names(tmp_path) == [merged]
    assert requests(tmp_path) == before
    [slot] = read(tmp_path)
    assert slot
    assert slot.tubes == TUBES
    assert (tmp_path / "slots" / slots.path_of(tmp_path, merged).name).stat().st_mode & 0o777 == 0o600


def test_without_room_for_a_new_slot_recording_is_unavailable_and_no_file_stays_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writer: SlotWriter
) -> None:
    def no_room(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", no_room)
    is_open = {*Path("/proc/self/fd").iterdir()}
    with pytest.raises(Unavailable, match=f"{re.escape(str(tmp_path))}.*No space left"):
        writer.start()
    assert {*Path("/proc/self/fd").iterdir()} == is_open
    monkeypatch.undo()
    assert accept(writer, 1)
    assert len(slots.names(tmp_path)) == 1
