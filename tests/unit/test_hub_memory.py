"""The hub's memory is bounded, and its dedup window remembers ids for long enough."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import pytest

from tests.unit.helpers import drain, event_json, event_numbers, publish
from tradewire.limits import TTR_SECONDS
from wsserver import dedup_window
from wsserver.dedup_window import DedupWindow
from wsserver.hub import Hub

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = "2024-06-01T00:00:00.000000Z"


def added_bytes(work: Callable[[], object]) -> int:
    """Run the work and return by how many bytes the allocated memory has grown."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        work()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return after - before


def remembered(window: DedupWindow, *numbers: int) -> list[int]:
    """Return the numbers whose ids the window remembers."""
    return [number for number in numbers if window.seen({packed_id(number)})]


def packed_id(number: int) -> bytes:
    """Return the id with this number in the packed form that the window stores."""
    return number.to_bytes(16, "big")


def remember(window: DedupWindow, *numbers: int) -> None:
    """Add the ids with these numbers to the window, one by one."""
    for number in numbers:
        window.add({packed_id(number)})


@pytest.fixture
def small_window(monkeypatch: pytest.MonkeyPatch) -> DedupWindow:
    """Return a window of at most three full generations of ten ids."""
    monkeypatch.setattr(dedup_window, "GENERATION_IDS", 10)
    monkeypatch.setattr(dedup_window, "GENERATIONS_MAX", 3)
    return DedupWindow()


def test_the_window_remembers_the_newest_generation_at_any_age(small_window: DedupWindow) -> None:
    for number in range(1, 201):
        remember(small_window, number)
        small_window.expire(1000.0 * number)
        latest = range(max(1, number - 9), number + 1)
        assert remembered(small_window, *latest) == [*latest]


def test_the_window_remembers_young_ids_up_to_its_size(small_window: DedupWindow) -> None:
    small_window.expire(1000.0)
    remember(small_window, *range(1, 31))
    small_window.expire(1000.0 + dedup_window.REMEMBERED_SECONDS)
    assert remembered(small_window, *range(1, 31)) == [*range(1, 31)]


def test_the_window_forgets_old_ids_except_the_newest_generation(small_window: DedupWindow) -> None:
    small_window.expire(1000.0)
    remember(small_window, *range(1, 31))
    small_window.expire(1000.1 + dedup_window.REMEMBERED_SECONDS)
    assert remembered(small_window, *range(1, 31)) == [*range(21, 31)]


def test_the_window_forgets_each_generation_at_its_own_time(small_window: DedupWindow) -> None:
    for second in (1000.0, 1001.0, 1002.0):
        small_window.expire(second)
        remember(small_window, *range(int(second) * 10, int(second) * 10 + 10))
    small_window.expire(1000.5 + dedup_window.REMEMBERED_SECONDS)
    assert remembered(small_window, 10_000, 10_010, 10_020) == [10_010, 10_020]


def test_ids_that_are_shown_before_the_clock_is_first_told_count_from_its_zero(small_window: DedupWindow) -> None:
    remember(small_window, *range(1, 21))
    small_window.expire(1.0 + dedup_window.REMEMBERED_SECONDS)
    assert remembered(small_window, *range(1, 21)) == [*range(11, 21)]


def test_a_full_window_forgets_the_oldest_ids(small_window: DedupWindow) -> None:
    remember(small_window, *range(1, 41))
    assert remembered(small_window, *range(1, 41)) == [*range(11, 41)]


def test_the_window_holds_two_ttrs_of_full_load() -> None:
    assert dedup_window.GENERATIONS_MAX * dedup_window.GENERATION_IDS >= 2 * TTR_SECONDS * 30_000
    assert dedup_window.REMEMBERED_SECONDS > 2 * TTR_SECONDS


def test_a_generation_takes_less_than_25_mib() -> None:
    window = DedupWindow()

    def fill() -> None:
        for start in range(0, dedup_window.GENERATION_IDS, 1024):
            window.add([packed_id(number) for number in range(start, start + 1024)])

    assert added_bytes(fill) < 25 * 2**20


def test_the_hub_recognizes_events_it_has_shown() -> None:
    hub = Hub("e", 10)
    hub.join("", -1, NOW)
    publish(hub, 1, 2)
    assert not hub.stage([event_json(1), event_json(2)])
    assert hub.stage([event_json(2), event_json(3)])


def test_the_ring_holds_no_more_than_its_byte_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wsserver.hub.RING_BYTES", 100_000)
    hub = Hub("e", 1000)
    browser, _ = hub.join("", -1, NOW)

    def show() -> None:
        for number in range(1, 201):
            hub.stage([event_json(number, pad=5000)])
            hub.commit()
            hub.next_frame(browser)

    assert added_bytes(show) < 300_000


def test_the_hub_does_not_keep_events_without_a_browser() -> None:
    hub = Hub("e", 1000)

    def stage() -> None:
        for number in range(1, 201):
            hub.stage([event_json(number, pad=5000)])
            hub.commit()

    assert added_bytes(stage) < 50_000


def test_browsers_that_catch_up_from_many_offsets_leave_no_frames_in_memory() -> None:
    hub = Hub("e", 100)
    first, _ = hub.join("", -1, NOW)
    hub.stage([event_json(number, pad=1000) for number in range(1, 101)])
    hub.commit()
    hub.leave(first)

    def catch_up() -> None:
        for offset in range(100):
            browser, _ = hub.join("e", offset, NOW)
            received = [number for frame in drain(hub, browser) for number in event_numbers(frame)]
            assert received == list(range(offset + 1, 101))
            hub.leave(browser)

    ring_bytes = 100 * len(event_json(1, pad=1000))
    assert added_bytes(catch_up) < 2 * ring_bytes
