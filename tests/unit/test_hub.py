"""The hub: who resumes, what is shown once, and what a browser that is slow or away still gets."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.unit.helpers import drain, line, numbers, publish
from tradewire.errors import InvalidEvent
from wsserver import hub as hub_module
from wsserver.hub import Browser, Hub

EPOCH = "e1"
NOW = "2024-06-01T00:00:00.000000Z"


def make(ring: int = 100, shown: int = 0) -> Hub:
    """Make a hub that has shown so many events, numbered from 1, to a browser that has left."""
    hub = Hub(EPOCH, ring)
    browser, _ = hub.join("", -1, NOW)
    for number in range(1, shown + 1):
        publish(hub, number)
    hub.leave(browser)
    return hub


def come(hub: Hub, epoch: str = EPOCH, offset: int = -1) -> tuple[Browser, dict[str, Any]]:
    """Let a browser in; give it and its hello."""
    browser, frame = hub.join(epoch, offset, NOW)
    hello: dict[str, Any] = msgspec.json.decode(frame)["hello"]
    return browser, hello


def test_a_first_comer_is_told_the_epoch_the_offset_and_the_time_and_gets_nothing_old() -> None:
    hub = make(shown=3)
    browser, hello = come(hub, epoch="")
    assert hello == {"epoch": EPOCH, "offset": 3, "resumed": False, "now": NOW}
    assert drain(hub, browser) == []


@pytest.mark.parametrize("offset", range(6))
def test_a_browser_that_was_away_gets_exactly_what_it_missed(offset: int) -> None:
    hub = make(shown=5)
    browser, hello = come(hub, offset=offset)
    assert (hello["resumed"], hello["offset"]) == (True, offset)
    frames = drain(hub, browser)
    assert [number for frame in frames for number in numbers(frame)] == list(range(offset + 1, 6))
    assert browser.cursor == 5


@pytest.mark.parametrize(
    ("epoch", "offset"),
    [
        pytest.param("e2", 3, id="another epoch"),
        pytest.param("", 3, id="no epoch"),
        pytest.param(EPOCH, 6, id="an offset that is yet to come"),
        pytest.param(EPOCH, 2**63, id="an offset far away"),
        pytest.param(EPOCH, -1, id="no offset"),
        pytest.param(EPOCH, 1, id="an offset just before the ring"),
        pytest.param(EPOCH, 0, id="the beginning, which the ring has lost"),
    ],
)
def test_a_browser_that_can_not_be_given_what_it_missed_is_told_so(epoch: str, offset: int) -> None:
    hub = make(ring=3, shown=5)
    browser, hello = come(hub, epoch, offset)
    assert (hello["resumed"], hello["offset"]) == (False, 5)
    assert drain(hub, browser) == []


@pytest.mark.parametrize(("offset", "resumed"), [(1, False), (2, True)])
def test_the_ring_keeps_as_many_events_as_it_was_made_for(offset: int, *, resumed: bool) -> None:
    assert come(make(ring=3, shown=5), offset=offset)[1]["resumed"] is resumed


@pytest.mark.parametrize(("offset", "resumed"), [(7, False), (8, True)])
def test_the_ring_keeps_no_more_bytes_than_it_may(
    offset: int, *, resumed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "RING_BYTES", 3 * len(line(1)) - 1)
    assert come(make(shown=10), offset=offset)[1]["resumed"] is resumed


def test_an_event_larger_than_the_whole_ring_is_shown_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "RING_BYTES", 10)
    hub = make(shown=3)
    browser, _ = come(hub)
    publish(hub, 4)
    assert [numbers(frame) for frame in drain(hub, browser)] == [[4]]


def test_a_ring_of_a_single_event_works() -> None:
    hub = make(ring=1, shown=2)
    browser, hello = come(hub, offset=1)
    assert hello["resumed"]
    publish(hub, 3)
    assert [msgspec.json.decode(frame) for frame in drain(hub, browser)] == [{"gap": True, "offset": 3}]


def test_a_frame_names_the_offset_of_its_last_event_and_holds_the_events_as_they_came() -> None:
    hub = make(shown=4)
    browser, _ = come(hub)
    publish(hub, 5, 6)
    assert drain(hub, browser) == [b'{"offset":6,"events":[' + line(5) + b"," + line(6) + b"]}"]


def test_without_a_browser_nothing_is_shown_and_the_same_can_be_offered_again() -> None:
    hub = make()
    assert hub.stage([line(1)])
    assert (hub.commit(), hub.offset) == (0, 0)
    browser, _ = come(hub)
    assert hub.stage([line(1)])
    assert (hub.commit(), hub.offset) == (1, 1)
    assert [numbers(frame) for frame in drain(hub, browser)] == [[1]]


def test_with_paused_browsers_alone_nothing_is_shown() -> None:
    hub = make()
    browser, _ = come(hub)
    hub.pause(browser)
    assert (publish(hub, 1), hub.offset) == (0, 0)


def test_what_is_offered_is_not_shown_before_show() -> None:
    hub = make()
    browser, _ = come(hub)
    hub.stage([line(1)])
    assert (drain(hub, browser), hub.offset) == ([], 0)


def test_events_are_counted_as_shown_to_the_browsers_that_keep_up() -> None:
    hub = make()
    slow, *_ = [come(hub)[0] for _ in range(3)]
    hub.pause(slow)
    assert hub.ready_count == 2
    assert publish(hub, 1) == 2


def test_a_browser_that_left_counts_no_more_and_may_leave_twice() -> None:
    hub = make()
    browser, _ = come(hub)
    hub.leave(browser)
    hub.leave(browser)
    assert (hub.ready_count, publish(hub, 1)) == (0, 0)


def test_an_event_given_twice_in_one_offer_is_shown_once() -> None:
    hub = make()
    browser, _ = come(hub)
    assert hub.stage([line(1), line(2), line(1)])
    hub.commit()
    assert [numbers(frame) for frame in drain(hub, browser)] == [[1, 2]]


def test_an_event_offered_again_before_it_is_shown_is_shown_once_and_both_wait_for_it() -> None:
    hub = make()
    browser, _ = come(hub)
    assert hub.stage([line(1)])
    assert hub.stage([line(1)])
    hub.commit()
    assert [numbers(frame) for frame in drain(hub, browser)] == [[1]]


@pytest.mark.parametrize("watched", [True, False])
def test_an_offer_of_what_was_all_shown_before_has_nothing_to_wait_for(*, watched: bool) -> None:
    hub = make(shown=2)
    if watched:
        come(hub)
    assert not hub.stage([line(2), line(1)])
    hub.commit()
    assert hub.offset == 2


def test_of_an_offer_that_was_partly_shown_before_only_the_rest_is_shown() -> None:
    hub = make(shown=2)
    browser, _ = come(hub)
    assert hub.stage([line(2), line(3), line(1)])
    hub.commit()
    assert [numbers(frame) for frame in drain(hub, browser)] == [[3]]


@pytest.mark.parametrize("bad", [b"", b"{}", b'{"id":"1"}', line(2)[:-1], line(2) + b"x"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_offer_with_one_that_is_no_event_collects_nothing(bad: bytes, place: int) -> None:
    hub = make()
    come(hub)
    lines = [line(1), line(3)]
    lines.insert(place, bad)
    with pytest.raises(InvalidEvent):
        hub.stage(lines)
    assert (hub.commit(), hub.offset) == (1, 0)


def test_a_bad_offer_leaves_what_others_have_offered() -> None:
    hub = make()
    browser, _ = come(hub)
    hub.stage([line(1)])
    with pytest.raises(InvalidEvent):
        hub.stage([line(2), b"{}"])
    hub.commit()
    assert [numbers(frame) for frame in drain(hub, browser)] == [[1]]


def test_a_slow_browser_keeps_its_place_and_catches_up_in_frames_of_bounded_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hub_module, "FRAME_BYTES", 5 * len(line(1)))
    hub = make()
    slow, _ = come(hub)
    come(hub)
    hub.pause(slow)
    for number in range(1, 21):
        publish(hub, number)
    assert slow.cursor == 0
    frames = drain(hub, slow)
    assert [number for frame in frames for number in numbers(frame)] == list(range(1, 21))
    around = len(b'{"offset":20,"events":[]}')
    assert {len(frame) - around <= hub_module.FRAME_BYTES for frame in frames} == {True}
    assert len(frames) == 5


def test_an_event_larger_than_a_frame_goes_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "FRAME_BYTES", 10)
    hub = make()
    browser, _ = come(hub)
    publish(hub, 1, 2, 3)
    assert [numbers(frame) for frame in drain(hub, browser)] == [[1], [2], [3]]


def test_a_browser_that_fell_past_the_ring_is_told_of_one_gap_and_goes_on_behind_it() -> None:
    hub = make(ring=3)
    slow, _ = come(hub)
    come(hub)
    for number in range(1, 6):
        publish(hub, number)
    assert [msgspec.json.decode(frame) for frame in drain(hub, slow)] == [{"gap": True, "offset": 5}]
    publish(hub, 6)
    assert [numbers(frame) for frame in drain(hub, slow)] == [[6]]


def test_a_browser_at_the_very_edge_of_the_ring_has_no_gap() -> None:
    hub = make(ring=3)
    slow, _ = come(hub)
    publish(hub, 1, 2, 3)
    assert [numbers(frame) for frame in drain(hub, slow)] == [[1, 2, 3]]


def test_a_frame_is_built_once_for_all_browsers_at_the_same_place() -> None:
    hub = make(shown=5)
    browsers = [come(hub, offset=2)[0] for _ in range(3)]
    frames = [hub.next_frame(browser) for browser in browsers]
    assert frames[0] is not None
    assert frames[0] is frames[1] is frames[2]


def test_a_frame_that_was_built_is_not_given_once_there_is_more() -> None:
    hub = make(shown=2)
    first, second = (come(hub, offset=1)[0] for _ in range(2))
    drain(hub, first)
    publish(hub, 3)
    assert [numbers(frame) for frame in drain(hub, second)] == [[2, 3]]
