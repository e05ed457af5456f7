"""The hub against a model: whoever keeps to the protocol sees each event once and in order, or is told."""

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

from tests.unit.helpers import drain, line, numbers
from tradewire.errors import InvalidEvent
from wsserver import hub as hub_module
from wsserver.hub import Browser, Hub

NOW = "2024-06-01T00:00:00.000000Z"


@dataclass(eq=False)
class Page:
    """A browser's page: all it knows is what the frames have told it."""

    epoch: str = ""
    offset: int = -1
    browser: Browser | None = None
    begins: int = 0
    """How many events had been shown when it was last told to ask the archive for what was before."""
    seen: list[int] = field(default_factory=list)
    """The numbers of the events that it got since."""

    def take(self, frame: bytes) -> None:
        """Take a frame as the protocol says."""
        message = msgspec.json.decode(frame)
        if "hello" in message:
            hello = message["hello"]
            if not hello["resumed"]:
                self.begins, self.seen = hello["offset"], []
            self.epoch, self.offset = hello["epoch"], hello["offset"]
        else:
            self.offset = message["offset"]
            if message.get("gap"):
                self.begins, self.seen = self.offset, []
            else:
                self.seen += numbers(frame)


class HubMachine(RuleBasedStateMachine):
    """Workers offer, browsers come, go, fall behind and come back, the hub is restarted; in any order."""

    pages = Bundle("pages")

    def __init__(self) -> None:
        super().__init__()
        self.restarts = 0
        self.everyone: list[Page] = []
        self.begin()

    def begin(self) -> None:
        """Start a hub, which knows nothing of the one before."""
        self.hub = Hub(f"epoch {self.restarts}", ring_events=6)
        self.shown: list[int] = []
        self.pending: list[int] = []

    @rule()
    def restart(self) -> None:
        self.restarts += 1
        for page in self.everyone:
            page.browser = None
        self.begin()

    @rule(target=pages)
    def open(self) -> Page:
        page = Page()
        self.everyone.append(page)
        self.connect(page)
        return page

    @rule(page=pages)
    def connect(self, page: Page) -> None:
        """Connect, or connect anew, from where the page stands."""
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
        self.everyone.remove(page)

    @rule(page=pages, paused=st.booleans())
    def fill_or_drain_its_buffer(self, page: Page, *, paused: bool) -> None:
        if page.browser:
            (self.hub.pause if paused else self.hub.resume)(page.browser)

    @rule(given=st.lists(st.integers(1, 60), min_size=1, max_size=9))
    def stage(self, given: list[int]) -> None:
        fresh = [number for number in dict.fromkeys(given) if number not in self.shown]
        assert self.hub.stage([line(number) for number in given]) is bool(fresh)
        self.pending += [number for number in fresh if number not in self.pending]

    @rule(given=st.lists(st.integers(1, 60), max_size=3))
    def offer_with_one_that_is_no_event(self, given: list[int]) -> None:
        with pytest.raises(InvalidEvent):
            self.hub.stage([*(line(number) for number in given), b"{}"])

    @rule()
    def show(self) -> None:
        ready = sum(page.browser is not None and not page.browser.paused for page in self.everyone)
        assert self.hub.commit() == ready
        while self.hub.has_staged:
            assert self.hub.commit() == ready
        if ready:
            self.shown += self.pending
        self.pending = []

    @precondition(lambda self: self.everyone)
    @rule(page=pages, count=st.integers(1, 3))
    def send(self, page: Page, count: int) -> None:
        """Send a page its next frames, as a publisher would while its buffer is not full."""
        for _ in range(count):
            if page.browser and not page.browser.paused and (frame := self.hub.next_frame(page.browser)):
                page.take(frame)

    @invariant()
    def every_page_saw_each_event_once_and_in_order_since_it_was_last_told_of_a_gap(self) -> None:
        for page in self.everyone:
            if page.epoch == self.hub.epoch:
                assert page.seen == self.shown[page.begins : page.offset]

    @invariant()
    def the_hub_counts_what_was_shown(self) -> None:
        assert self.hub.offset == len(self.shown)

    def teardown(self) -> None:
        """Let everyone catch up: in the end, each page that is connected has all."""
        for page in self.everyone:
            if page.browser:
                self.hub.resume(page.browser)
                for frame in drain(self.hub, page.browser):
                    page.take(frame)
                assert page.offset == len(self.shown)
                assert page.seen == self.shown[page.begins :]


def test_whoever_keeps_to_the_protocol_sees_each_event_once_and_in_order_or_is_told_of_a_gap(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hub_module, "FRAME_BYTES", 2 * len(line(1)) + 2)
    run_state_machine_as_test(HubMachine, settings=settings(stateful_step_count=60, deadline=None))
