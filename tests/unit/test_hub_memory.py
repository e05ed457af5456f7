"""The hub's memory: bounded, whatever is shown and whoever comes; and what it remembers for how long."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

from tests.unit.helpers import drain, line, numbers, publish
from wsserver import hub as hub_module
from wsserver.hub import Hub

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

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


def test_an_update_shown_lately_is_remembered_when_half_of_the_memory_is_newer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hub_module, "LATELY_SHOWN", 20)
    hub = Hub("e", 1)
    hub.join("", -1, NOW)
    for number in range(1, 201):
        publish(hub, number)
        for lately in range(max(1, number - 9), number + 1):
            assert not hub.offer([line(lately)])


def test_an_update_shown_long_ago_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "LATELY_SHOWN", 20)
    hub = Hub("e", 1)
    hub.join("", -1, NOW)
    for number in range(1, 101):
        publish(hub, number)
    assert hub.offer([line(1)])


def test_as_many_updates_as_are_promised_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "LATELY_SHOWN", 20)
    hub = Hub("e", 1)
    hub.join("", -1, NOW)
    for number in range(1, 21):
        publish(hub, number)
    assert [number for number in range(1, 21) if hub.offer([line(number)])] == []


def test_the_ring_holds_on_to_no_more_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "RING_BYTES", 100_000)
    hub = Hub("e", 1000)
    browser, _ = hub.join("", -1, NOW)

    def show() -> None:
        for number in range(1, 201):
            hub.offer([line(number, pad=5000)])
            hub.show()
            hub.next_frame(browser)

    assert grown(show) < 300_000


def test_what_nobody_took_is_not_held_on_to() -> None:
    hub = Hub("e", 1000)

    def offer() -> None:
        for number in range(1, 201):
            hub.offer([line(number, pad=5000)])
            hub.show()

    assert grown(offer) < 50_000


def test_browsers_that_catch_up_from_many_places_leave_no_frames_behind() -> None:
    hub = Hub("e", 100)
    first, _ = hub.join("", -1, NOW)
    hub.offer([line(number, pad=1000) for number in range(1, 101)])
    hub.show()
    hub.leave(first)

    def catch_up() -> None:
        for offset in range(100):
            browser, _ = hub.join("e", offset, NOW)
            missed = [number for frame in drain(hub, browser) for number in numbers(frame)]
            assert missed == list(range(offset + 1, 101))
            hub.leave(browser)

    ring_bytes = 100 * len(line(1, pad=1000))
    assert grown(catch_up) < 2 * ring_bytes
