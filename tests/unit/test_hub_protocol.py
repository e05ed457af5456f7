"""A model test of the hub: a page that follows the protocol sees each event once and in order, or is told of a gap."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.unit.helpers import drain, event_json, event_numbers
from tradewire.errors import InvalidEvent
from wsserver import hub as hub_module
from wsserver.hub import Browser, Hub

GAP = 0
"""Stands for a gap among the numbers of the shown events."""
NOW = "2024-06-01T00:00:00.000000Z"


@dataclass(eq=False)
class Page:
    """A page that knows only what it read from frames."""

    epoch: str = ""
    offset: int = -1
    browser: Browser | None = None
    start: int = 0
    """The offset at the last gap, or at the last hello that did not resume. The archive has the events before it."""
    seen: list[int] = field(default_factory=list)
    """The numbers of the events received since then."""

    def take(self, frame: bytes) -> None:
        """Handle a frame as the protocol requires."""
        message = msgspec.json.decode(frame)
        if "hello" in message:
            hello = message["hello"]
            if not hello["resumed"]:
                self.start, self.seen = hello["offset"], []
            self.epoch, self.offset = hello["epoch"], hello["offset"]
        else:
            self.offset = message["offset"]
            if message.get("gap"):
                self.start, self.seen = self.offset, []
            else:
                self.seen += event_numbers(frame)


class HubMachine(RuleBasedStateMachine):
    """Workers stage events and announce gaps, browsers come, go, lag and resume, and the hub restarts, in any order."""

    pages = Bundle("pages")

    def __init__(self) -> None:
        super().__init__()
        self.restarts = 0
        self.all_pages: list[Page] = []
        self.start_hub()

    def start_hub(self) -> None:
        """Start a new hub without the state of the previous one."""
        self.hub = Hub(f"epoch {self.restarts}", ring_events=6)
        self.shown: list[int] = []
        self.pending: list[int] = []

    @rule()
    def restart(self) -> None:
        self.restarts += 1
        for page in self.all_pages:
            page.browser = None
        self.start_hub()

    @rule(target=pages)
    def open(self) -> Page:
        page = Page()
        self.all_pages.append(page)
        self.connect(page)
        return page

    @rule(page=pages)
    def connect(self, page: Page) -> None:
        """Connect or reconnect with the page's epoch and offset."""
        self.disconnect(page)
        page.browser, hello = self.hub.join(page.epoch, page.offset, NOW)
        page.take(hello)

    @rule(page=pages)
    def disconnect(self, page: Page) -> None:
        if page.browser:
            self.hub.leave(page.browser)
        page.browser = None

    @rule(page=consumes(pages))
    def close(self, page: Page) -> None:
        self.disconnect(page)
        self.all_pages.remove(page)

    @rule(page=pages, paused=st.booleans())
    def fill_or_drain_buffer(self, page: Page, *, paused: bool) -> None:
        if page.browser:
            (self.hub.pause if paused else self.hub.resume)(page.browser)

    @rule(staged=st.lists(st.integers(1, 60), min_size=1, max_size=9))
    def stage(self, staged: list[int]) -> None:
        new = [number for number in dict.fromkeys(staged) if number not in self.shown]
        assert self.hub.stage([event_json(number) for number in staged]) is bool(new)
        self.pending += [number for number in new if number not in self.pending]

    @rule(staged=st.lists(st.integers(1, 60), max_size=3))
    def stage_with_an_invalid_event(self, staged: list[int]) -> None:
        with pytest.raises(InvalidEvent):
            self.hub.stage([*(event_json(number) for number in staged), b"{}"])

    @rule()
    def add_gap(self) -> None:
        self.hub.add_gap()
        self.shown.append(GAP)

    @rule()
    def commit(self) -> None:
        ready = sum(page.browser is not None and not page.browser.paused for page in self.all_pages)
        assert self.hub.commit() == ready
        while self.hub.has_staged:
            assert self.hub.commit() == ready
        if ready:
            self.shown += self.pending
        self.pending = []

    @precondition(lambda self: self.all_pages)
    @rule(page=pages, count=st.integers(1, 3))
    def send(self, page: Page, count: int) -> None:
        """Send a page its next frames, as the publisher does while the buffer is not full."""
        for _ in range(count):
            if page.browser and not page.browser.paused and (frame := self.hub.next_frame(page.browser)):
                page.take(frame)

    @invariant()
    def every_page_saw_each_event_once_and_in_order_since_its_last_gap(self) -> None:
        for page in self.all_pages:
            if page.epoch == self.hub.epoch:
                assert page.seen == self.shown[page.start : page.offset]

    @invariant()
    def the_offset_is_the_number_of_shown_events_and_gaps(self) -> None:
        assert self.hub.offset == len(self.shown)

    def teardown(self) -> None:
        """Let all pages catch up and check that each connected page has every event."""
        for page in self.all_pages:
            if page.browser:
                self.hub.resume(page.browser)
                for frame in drain(self.hub, page.browser):
                    page.take(frame)
                assert page.offset == len(self.shown)
                assert page.seen == self.shown[page.start :]


def test_a_page_that_follows_the_protocol_sees_each_event_once_and_in_order_or_gets_a_gap(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hub_module, "FRAME_BYTES", 2 * len(event_json(1)) + 2)
    run_state_machine_as_test(HubMachine, settings=settings(stateful_step_count=60, deadline=None))
