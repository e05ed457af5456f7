"""The hub: resuming browsers, deduplication, and frames for browsers that are slow or were away."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.unit.helpers import drain, event_json, event_numbers, publish
from tradewire.errors import InvalidEvent
from tradewire.version import VERSION
from wsserver import hub as hub_module
from wsserver.hub import Browser, Hub

EPOCH = "e1"
NOW = "2024-06-01T00:00:00.000000Z"


def make_hub(ring: int = 100, shown: int = 0) -> Hub:
    """Return a hub that has shown this number of events, numbered from 1, to a browser that has left."""
    hub = Hub(EPOCH, ring)
    browser, _ = hub.join("", -1, NOW)
    for number in range(1, shown + 1):
        publish(hub, number)
    hub.leave(browser)
    return hub


def join(hub: Hub, epoch: str = EPOCH, offset: int = -1) -> tuple[Browser, dict[str, Any]]:
    """Add a browser to the hub. Return it and its hello."""
    browser, frame = hub.join(epoch, offset, NOW)
    hello: dict[str, Any] = msgspec.json.decode(frame)["hello"]
    return browser, hello


def test_a_new_browser_gets_epoch_offset_and_time_and_no_old_events() -> None:
    hub = make_hub(shown=3)
    browser, hello = join(hub, epoch="")
    assert hello == {"epoch": EPOCH, "offset": 3, "resumed": False, "now": NOW, "version": VERSION}
    assert drain(hub, browser) == []


@pytest.mark.parametrize("offset", range(6))
def test_a_resuming_browser_gets_exactly_the_events_it_missed(offset: int) -> None:
    hub = make_hub(shown=5)
    browser, hello = join(hub, offset=offset)
    assert (hello["resumed"], hello["offset"]) == (True, offset)
    frames = drain(hub, browser)
    assert [number for frame in frames for number in event_numbers(frame)] == list(range(offset + 1, 6))
    assert browser.cursor == 5


@pytest.mark.parametrize(
    ("epoch", "offset"),
    [
        pytest.param("e2", 3, id="another epoch"),
        pytest.param("", 3, id="no epoch"),
        pytest.param(EPOCH, 6, id="an offset in the future"),
        pytest.param(EPOCH, 2**63, id="a huge offset"),
        pytest.param(EPOCH, -1, id="no offset"),
        pytest.param(EPOCH, 1, id="an offset just before the ring"),
        pytest.param(EPOCH, 0, id="the start, which has left the ring"),
    ],
)
def test_a_browser_that_can_not_resume_gets_a_hello_with_resumed_false(epoch: str, offset: int) -> None:
    hub = make_hub(ring=3, shown=5)
    browser, hello = join(hub, epoch, offset)
    assert (hello["resumed"], hello["offset"]) == (False, 5)
    assert drain(hub, browser) == []


@pytest.mark.parametrize(("offset", "resumed"), [(1, False), (2, True)])
def test_the_ring_keeps_the_configured_number_of_events(offset: int, *, resumed: bool) -> None:
    assert join(make_hub(ring=3, shown=5), offset=offset)[1]["resumed"] is resumed


@pytest.mark.parametrize(("offset", "resumed"), [(7, False), (8, True)])
def test_the_ring_is_limited_in_bytes(offset: int, *, resumed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "RING_BYTES", 3 * len(event_json(1)) - 1)
    assert join(make_hub(shown=10), offset=offset)[1]["resumed"] is resumed


def test_an_event_larger_than_the_whole_ring_is_still_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "RING_BYTES", 10)
    hub = make_hub(shown=3)
    browser, _ = join(hub)
    publish(hub, 4)
    assert [event_numbers(frame) for frame in drain(hub, browser)] == [[4]]


def test_a_ring_of_a_single_event_works() -> None:
    hub = make_hub(ring=1, shown=2)
    browser, hello = join(hub, offset=1)
    assert hello["resumed"]
    publish(hub, 3)
    assert [msgspec.json.decode(frame) for frame in drain(hub, browser)] == [{"gap": True, "offset": 3}]


def test_a_frame_has_the_offset_of_its_last_event_and_the_events_unchanged() -> None:
    hub = make_hub(shown=4)
    browser, _ = join(hub)
    publish(hub, 5, 6)
    assert drain(hub, browser) == [b'{"offset":6,"events":[' + event_json(5) + b"," + event_json(6) + b"]}"]


def test_without_a_browser_no_event_is_shown_and_it_can_be_staged_again() -> None:
    hub = make_hub()
    assert hub.stage([event_json(1)])
    assert (hub.commit(), hub.offset) == (0, 0)
    browser, _ = join(hub)
    assert hub.stage([event_json(1)])
    assert (hub.commit(), hub.offset) == (1, 1)
    assert [event_numbers(frame) for frame in drain(hub, browser)] == [[1]]


def test_with_only_paused_browsers_no_event_is_shown() -> None:
    hub = make_hub()
    browser, _ = join(hub)
    hub.pause(browser)
    assert (publish(hub, 1), hub.offset) == (0, 0)


def test_a_staged_event_is_not_shown_before_the_commit() -> None:
    hub = make_hub()
    browser, _ = join(hub)
    hub.stage([event_json(1)])
    assert (drain(hub, browser), hub.offset) == ([], 0)


def test_only_browsers_that_keep_up_count_as_ready() -> None:
    hub = make_hub()
    slow, *_ = [join(hub)[0] for _ in range(3)]
    hub.pause(slow)
    assert hub.ready_count == 2
    assert publish(hub, 1) == 2


def test_a_browser_that_is_paused_or_resumed_again_counts_once() -> None:
    hub = make_hub()
    slow, slower, _ = (join(hub)[0] for _ in range(3))
    for browser in (slow, slow, slower):
        hub.pause(browser)
    assert hub.ready_count == 1
    for _ in range(2):
        hub.resume(slow)
        assert hub.ready_count == 2


def test_a_browser_that_left_does_not_count_and_may_leave_twice() -> None:
    hub = make_hub()
    browser, _ = join(hub)
    hub.leave(browser)
    hub.leave(browser)
    assert (hub.ready_count, publish(hub, 1)) == (0, 0)


def test_an_event_staged_twice_in_one_call_is_shown_once() -> None:
    hub = make_hub()
    browser, _ = join(hub)
    assert hub.stage([event_json(1), event_json(2), event_json(1)])
    hub.commit()
    assert [event_numbers(frame) for frame in drain(hub, browser)] == [[1, 2]]


def test_an_event_staged_again_before_the_commit_is_shown_once_and_both_callers_wait() -> None:
    hub = make_hub()
    browser, _ = join(hub)
    assert hub.stage([event_json(1)])
    assert hub.stage([event_json(1)])
    hub.commit()
    assert [event_numbers(frame) for frame in drain(hub, browser)] == [[1]]


@pytest.mark.parametrize("watched", [True, False])
def test_events_that_were_all_shown_before_are_not_staged(*, watched: bool) -> None:
    hub = make_hub(shown=2)
    if watched:
        join(hub)
    assert not hub.stage([event_json(2), event_json(1)])
    hub.commit()
    assert hub.offset == 2


def test_only_the_events_that_were_not_shown_before_are_shown() -> None:
    hub = make_hub(shown=2)
    browser, _ = join(hub)
    assert hub.stage([event_json(2), event_json(3), event_json(1)])
    hub.commit()
    assert [event_numbers(frame) for frame in drain(hub, browser)] == [[3]]


@pytest.mark.parametrize("invalid", [b"", b"{}", b'{"id":"1"}', event_json(2)[:-1], event_json(2) + b"x"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_invalid_event_rejects_all_events_of_the_call(invalid: bytes, place: int) -> None:
    hub = make_hub()
    join(hub)
    lines = [event_json(1), event_json(3)]
    lines.insert(place, invalid)
    with pytest.raises(InvalidEvent):
        hub.stage(lines)
    assert (hub.commit(), hub.offset) == (1, 0)


def test_an_invalid_event_leaves_the_staged_events_of_other_callers() -> None:
    hub = make_hub()
    browser, _ = join(hub)
    hub.stage([event_json(1)])
    with pytest.raises(InvalidEvent):
        hub.stage([event_json(2), b"{}"])
    hub.commit()
    assert [event_numbers(frame) for frame in drain(hub, browser)] == [[1]]


def test_a_slow_browser_keeps_its_cursor_and_catches_up_in_frames_of_bounded_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hub_module, "FRAME_BYTES", 5 * len(event_json(1)))
    hub = make_hub()
    slow, _ = join(hub)
    join(hub)
    hub.pause(slow)
    for number in range(1, 21):
        publish(hub, number)
    assert slow.cursor == 0
    frames = drain(hub, slow)
    assert [number for frame in frames for number in event_numbers(frame)] == list(range(1, 21))
    envelope_bytes = len(b'{"offset":20,"events":[]}')
    assert {len(frame) - envelope_bytes <= hub_module.FRAME_BYTES for frame in frames} == {True}
    assert len(frames) == 5


def test_an_event_larger_than_a_frame_gets_a_frame_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "FRAME_BYTES", 10)
    hub = make_hub()
    browser, _ = join(hub)
    publish(hub, 1, 2, 3)
    assert [event_numbers(frame) for frame in drain(hub, browser)] == [[1], [2], [3]]


def test_a_browser_that_falls_past_the_ring_gets_one_gap_and_continues_after_it() -> None:
    hub = make_hub(ring=3)
    slow, _ = join(hub)
    join(hub)
    for number in range(1, 6):
        publish(hub, number)
    assert [msgspec.json.decode(frame) for frame in drain(hub, slow)] == [{"gap": True, "offset": 5}]
    publish(hub, 6)
    assert [event_numbers(frame) for frame in drain(hub, slow)] == [[6]]


def test_an_announced_gap_reaches_every_browser_once_in_its_place_between_the_events() -> None:
    hub = make_hub()
    fast, _ = join(hub)
    slow, _ = join(hub)
    publish(hub, 1)
    assert [event_numbers(frame) for frame in drain(hub, fast)] == [[1]]
    hub.add_gap()
    publish(hub, 2)
    gap, after = drain(hub, fast)
    assert msgspec.json.decode(gap) == {"gap": True, "offset": 2}
    assert (event_numbers(after), msgspec.json.decode(after)["offset"]) == ([2], 3)
    before, *rest = drain(hub, slow)
    assert event_numbers(before) == [1]
    assert rest == [gap, after]


def test_a_browser_that_was_away_during_a_gap_is_told_when_it_resumes() -> None:
    hub = make_hub(shown=3)
    hub.add_gap()
    browser, hello = join(hub, offset=3)
    assert hello["resumed"]
    assert [msgspec.json.decode(frame) for frame in drain(hub, browser)] == [{"gap": True, "offset": 4}]


def test_a_new_browser_is_not_told_of_an_earlier_gap() -> None:
    hub = make_hub(shown=3)
    hub.add_gap()
    browser, _ = join(hub)
    assert drain(hub, browser) == []


def test_a_browser_at_the_oldest_offset_of_the_ring_has_no_gap() -> None:
    hub = make_hub(ring=3)
    slow, _ = join(hub)
    publish(hub, 1, 2, 3)
    assert [event_numbers(frame) for frame in drain(hub, slow)] == [[1, 2, 3]]


def test_browsers_at_the_same_offset_share_one_frame() -> None:
    hub = make_hub(shown=5)
    browsers = [join(hub, offset=2)[0] for _ in range(3)]
    frames = [hub.next_frame(browser) for browser in browsers]
    assert frames[0] is not None
    assert frames[0] is frames[1] is frames[2]


def test_a_cached_frame_is_not_reused_after_new_events() -> None:
    hub = make_hub(shown=2)
    first, second = (join(hub, offset=1)[0] for _ in range(2))
    drain(hub, first)
    publish(hub, 3)
    assert [event_numbers(frame) for frame in drain(hub, second)] == [[2, 3]]
