"""The hub's memory: bounded, whatever is shown and whoever comes; and what it remembers for how long."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import pytest

from tests.unit.helpers import drain, line, numbers, publish
from tradewire.limits import TTR_SECONDS
from wsserver import dedup_window
from wsserver.dedup_window import DedupWindow
from wsserver.hub import Hub

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = "2024-06-01T00:00:00.000000Z"


def grown(work: Callable[[], object]) -> int:
    """Do the work; give how many bytes more are held after it than before."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        work()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return after - before


def known(shown: DedupWindow, *numbers: int) -> list[int]:
    """Give those of the numbers whose ids are remembered."""
    return [number for number in numbers if shown.seen({key(number)})]


def key(number: int) -> bytes:
    """Give an id as it is remembered."""
    return number.to_bytes(16, "big")


def remember(shown: DedupWindow, *numbers: int) -> None:
    """Remember the ids of some numbers, one by one."""
    for number in numbers:
        shown.add({key(number)})


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> DedupWindow:
    """Give a memory of at most three full generations of ten."""
    monkeypatch.setattr(dedup_window, "GENERATION_IDS", 10)
    monkeypatch.setattr(dedup_window, "GENERATIONS_MAX", 3)
    return DedupWindow()


def test_a_generation_of_the_latest_is_remembered_however_old(small: DedupWindow) -> None:
    for number in range(1, 201):
        remember(small, number)
        small.expire(1000.0 * number)
        latest = range(max(1, number - 9), number + 1)
        assert known(small, *latest) == [*latest]


def test_what_is_young_is_remembered_as_long_as_there_is_room(small: DedupWindow) -> None:
    small.expire(1000.0)
    remember(small, *range(1, 31))
    small.expire(1000.0 + dedup_window.REMEMBERED_SECONDS)
    assert known(small, *range(1, 31)) == [*range(1, 31)]


def test_what_is_old_is_forgotten_but_for_the_last_generation(small: DedupWindow) -> None:
    small.expire(1000.0)
    remember(small, *range(1, 31))
    small.expire(1000.1 + dedup_window.REMEMBERED_SECONDS)
    assert known(small, *range(1, 31)) == [*range(21, 31)]


def test_where_there_is_no_more_room_the_oldest_is_forgotten(small: DedupWindow) -> None:
    remember(small, *range(1, 41))
    assert known(small, *range(1, 41)) == [*range(11, 41)]


def test_the_memory_holds_two_ttrs_of_full_load() -> None:
    assert dedup_window.GENERATIONS_MAX * dedup_window.GENERATION_IDS >= 2 * TTR_SECONDS * 30_000
    assert dedup_window.REMEMBERED_SECONDS > 2 * TTR_SECONDS


def test_ids_take_no_more_memory_than_is_said() -> None:
    shown = DedupWindow()

    def fill() -> None:
        for start in range(0, dedup_window.GENERATION_IDS, 1024):
            shown.add([key(number) for number in range(start, start + 1024)])

    assert grown(fill) < 25 * 2**20


def test_the_hub_knows_what_it_has_shown() -> None:
    hub = Hub("e", 10)
    hub.join("", -1, NOW)
    publish(hub, 1, 2)
    assert not hub.stage([line(1), line(2)])
    assert hub.stage([line(2), line(3)])


def test_the_ring_holds_on_to_no_more_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wsserver.hub.RING_BYTES", 100_000)
    hub = Hub("e", 1000)
    browser, _ = hub.join("", -1, NOW)

    def show() -> None:
        for number in range(1, 201):
            hub.stage([line(number, pad=5000)])
            hub.commit()
            hub.next_frame(browser)

    assert grown(show) < 300_000


def test_what_nobody_took_is_not_held_on_to() -> None:
    hub = Hub("e", 1000)

    def stage() -> None:
        for number in range(1, 201):
            hub.stage([line(number, pad=5000)])
            hub.commit()

    assert grown(stage) < 50_000


def test_browsers_that_catch_up_from_many_places_leave_no_frames_behind() -> None:
    hub = Hub("e", 100)
    first, _ = hub.join("", -1, NOW)
    hub.stage([line(number, pad=1000) for number in range(1, 101)])
    hub.commit()
    hub.leave(first)

    def catch_up() -> None:
        for offset in range(100):
            browser, _ = hub.join("e", offset, NOW)
            missed = [number for frame in drain(hub, browser) for number in numbers(frame)]
            assert missed == list(range(offset + 1, 101))
            hub.leave(browser)

    ring_bytes = 100 * len(line(1, pad=1000))
    assert grown(catch_up) < 2 * ring_bytes
