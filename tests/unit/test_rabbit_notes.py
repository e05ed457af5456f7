"""The notes about a tube are those of all connections of a stack, and outlive them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tradewire.queue.rabbit import stamp
from tradewire.queue.rabbit.notes import RETURN_SECONDS, Notes, TubeNotes

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def first(tmp_path: Path) -> Notes:
    return Notes(tmp_path)


@pytest.fixture
def second(tmp_path: Path) -> Notes:
    return Notes(tmp_path)


def test_nothing_is_known_about_a_tube_that_was_never_used(first: Notes) -> None:
    assert first.look("live") == TubeNotes(0, 0, 0, 0, 0)


def test_what_all_connections_put_hold_and_settle_is_added_up(first: Notes, second: Notes) -> None:
    first.put("live", 5)
    first.put("archive", 1)
    second.put("live", 2)
    second.hold("live", 4, newest=10)
    second.settle("live", 1)
    second.give_back("live", 2, oldest=8)
    assert first.look("live")[:2] == (6, 1)
    assert first.look("archive")[:2] == (1, 0)


def test_a_closed_connection_holds_nothing_and_is_no_consumer(first: Notes, second: Notes) -> None:
    second.put("live", 3)
    second.consume("live")
    second.hold("live", 2, newest=1)
    assert first.look("live")[:4] == (3, 2, 0, 1)
    second.close()
    assert first.look("live")[:4] == (3, 0, 0, 0)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Set the monotonic clock to the only number in this list, in seconds since the machine was started."""
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic_ns", lambda: int(now[0] * 10**9))
    return now


def test_jobs_of_a_broken_connection_are_strays_until_their_time_is_over(
    first: Notes, second: Notes, clock: list[float]
) -> None:
    first.put("live", 3)
    first.hold("live", 3, newest=7)
    first.lose("live", 3, oldest=5)
    first.close()
    assert second.look("live") == TubeNotes(3, 0, 3, 0, 5)
    clock[0] += RETURN_SECONDS - 0.1
    assert second.look("live").stray == 3
    clock[0] += 0.1
    assert second.look("live").stray == 0


def test_strays_of_a_second_break_are_added_while_the_first_are_not_back(first: Notes, clock: list[float]) -> None:
    for _ in range(2):
        first.hold("live", 2, newest=7)
        first.lose("live", 2, oldest=5)
        clock[0] += RETURN_SECONDS / 2
    assert first.look("live").stray == 4
    clock[0] += RETURN_SECONDS
    first.miss("live", 1)
    assert first.look("live")[1:3] == (0, 1)


def test_jobs_that_were_taken_unseen_are_strays_that_nobody_held(first: Notes, second: Notes) -> None:
    first.put("live", 3)
    first.hold("live", 2, newest=7)
    first.miss("live", 1)
    assert second.look("live") == TubeNotes(3, 2, 1, 0, 7)


def test_strays_from_before_the_machine_started_again_are_forgotten(first: Notes, clock: list[float]) -> None:
    first.hold("live", 2, newest=7)
    first.lose("live", 2, oldest=5)
    clock[0] = 1
    assert first.look("live").stray == 0


def test_the_latest_note_tells_which_job_is_next(first: Notes, second: Notes) -> None:
    first.hold("live", 3, newest=30)
    assert second.look("live").head == 30
    second.hold("live", 3, newest=60)
    assert first.look("live").head == 60
    first.give_back("live", 3, oldest=10)
    assert second.look("live").head == 10
    second.empty("live")
    assert abs(first.look("live").head - time.time_ns()) < 10**9


def test_a_correction_makes_the_sum_right_whoever_makes_it(first: Notes, second: Notes) -> None:
    first.put("live", 5)
    second.put("live", 2)
    second.correct("live", 3)
    assert first.look("live").jobs == 3


def test_stamps_grow_even_if_the_clock_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 1_800_000_000 * 10**9)
    stamps = [stamp.make() for _ in range(100)]
    assert sorted(stamps) == stamps
    assert len({stamp.nanoseconds(each) for each in stamps}) == 100


@pytest.mark.parametrize("foreign", ["", "1", "0123456789abcdef", "0123456789abcdef-0123456z", "ä"])
def test_the_id_of_a_foreign_message_is_no_stamp_and_its_body_names_the_dead_letter(foreign: str) -> None:
    assert stamp.nanoseconds(foreign) == 0
    assert stamp.letter_id(foreign, b"body") == stamp.letter_id("", b"body") != stamp.letter_id("", b"other")
    assert len(stamp.letter_id(foreign, b"body")) == 32


def test_rivals_are_other_connections_that_reserve_from_a_tube_or_hold_its_jobs(first: Notes, second: Notes) -> None:
    first.consume("live")
    first.hold("live", 1, newest=10)
    assert not first.has_rivals("live")
    assert second.has_rivals("live")
    second.hold("live", 1, newest=11)
    assert first.has_rivals("live")
    second.settle("live", 1)
    assert not first.has_rivals("live")
    second.consume("live")
    assert first.has_rivals("live")
    assert not first.has_rivals("archive")
