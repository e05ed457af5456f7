"""The reconciler names each lost message, and no other. Store, slots, turns and marks are real; the queue is in memory.

Each step takes half a second by the clock that the programs see.
"""

from __future__ import annotations

import logging
import time
from contextlib import closing, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import structlog
from structlog.stdlib import BoundLogger
from structlog.testing import LogCapture

from processor.loop import Processor
from processor.reconciler import CHECK_SECONDS, Reconciler
from processor.sinks import PartialDelivery, Verdict
from processor.sinks.archive import ArchiveSink
from processor.turns import Turns
from tests.unit.helpers import MESSAGE, decode_trade
from tests.unit.sinks import InstantStop, ScriptedSink
from tradewire import event, receipt
from tradewire.consumers import archive, live
from tradewire.errors import QueueUnavailable, StoreUnavailable
from tradewire.ledger import losses, slots
from tradewire.ledger.counters import Counter
from tradewire.ledger.slot_writer import SlotWriter
from tradewire.queue import ARCHIVE, LIVE, Rejected
from tradewire.queue.memory import Broker, MemoryQueue
from tradewire.settings import Settings
from tradewire.store.reading import StoreReader

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tradewire.ledger.losses import Loss
    from tradewire.queue import Job, TubeCounts


class ShowingSink(ScriptedSink):
    """Puts a receipt for each event that is shown, as the live consumer does."""

    def __init__(self, queue: MemoryQueue) -> None:
        super().__init__()
        self._queue = queue

    def deliver(self, events: Sequence[bytes]) -> Verdict:
        verdict = super().deliver(events)
        if verdict is Verdict.OK:
            ids = [header.id for header in map(event.peek, events) if header]
            for line in receipt.encode_all("shown", LIVE, ids):
                self._queue.put_receipt(line)
        return verdict


class Posted:
    """What a request has put."""

    def __init__(self, received_at: int, events: Sequence[bytes]) -> None:
        self.received_at = received_at
        self.events = events
        self.ids = [header.id for header in map(event.peek, events) if header]


class Scene:
    """A stack with one ingest process."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = time.monotonic()
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        monkeypatch.setattr(time, "monotonic_ns", lambda: round(self.now * 10**9))
        monkeypatch.setattr(time, "sleep", lambda _: None)
        self.settings = Settings(home=home, store_url=f"sqlite:///{home}/store.db")
        self.folder = self.settings.counters
        self.broker = Broker()
        self.queue = MemoryQueue(self.broker)
        self.capture = LogCapture()
        self.log = structlog.wrap_logger(
            logging.getLogger(__name__), processors=[self.capture], wrapper_class=BoundLogger
        )
        self.counter = Counter(self.folder)
        self.writer = SlotWriter(self.folder, self.counter, (LIVE, ARCHIVE))
        queue = MemoryQueue(self.broker)
        self.archive_sink = ArchiveSink(archive.CONSUMER, self.settings, queue)
        turns = Turns(self.folder, ARCHIVE)
        self.archive = Processor(queue, archive.CONSUMER, self.archive_sink, turns, InstantStop(), self.log)
        queue = MemoryQueue(self.broker)
        self.live_sink = ShowingSink(queue)
        self.live = Processor(queue, live.CONSUMER, self.live_sink, Turns(self.folder, LIVE), InstantStop(), self.log)
        self.archive_sink.connect()
        self.are_running = {LIVE, ARCHIVE}
        self.restart()

    def restart(self) -> None:
        """Restart the reconciler."""
        self.store = StoreReader(self.settings.store)
        self.stop = InstantStop()
        self.reconciler = Reconciler(MemoryQueue(self.broker), self.store, self.settings, self.stop, self.log)

    def post(self, messages: int = 1, *, accepted: bool = True, key: str = "", without: int = 0) -> Posted:
        """Post messages. The archive's tube does not get the first ones."""
        request = self.writer.start()
        now = event.from_microseconds(request.received_at)
        trade = decode_trade(MESSAGE)
        ids = [event.keyed_id(key, index, trade) if key else event.new_id() for index in range(messages)]
        events = [event.encode(trade, id_, now) for id_ in ids]
        request.begin(messages, ids[0])
        self.queue.put(b"\n".join(events), [LIVE])
        if events[without:]:
            self.queue.put(b"\n".join(events[without:]), [ARCHIVE])
        if accepted:
            request.accept(messages)
        request.end()
        return Posted(request.received_at, events)

    def lose(self, tube: str) -> None:
        """Delete the newest job of a tube."""
        ready = self.broker.ready[tube]
        del ready[max(ready)]

    def step(self, times: int = 1) -> None:
        """Let all programs take a step."""
        for _ in range(times):
            self.now += 0.5
            for tube, program in ((LIVE, self.live), (ARCHIVE, self.archive)):
                if tube in self.are_running and self.broker.ready[tube]:
                    program.step()
            self.reconciler.step()

    def settle(self) -> None:
        """Let the programs work until everything is reconciled."""
        for _ in range(40):
            self.step()
            if not slots.names(self.folder):
                return
        pytest.fail("the slots are not reconciled after 20 seconds")

    @property
    def named(self) -> list[Loss]:
        """The losses that were named."""
        return [*losses.read(self.folder).unsettled]


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    scene = Scene(tmp_path, monkeypatch)
    with closing(scene.counter), closing(scene.writer), closing(scene.archive_sink):
        yield scene
        scene.store.close()


def only(found: Sequence[Loss]) -> tuple[str, int, int, int, str]:
    """Return what the only loss tells but for the ids and its own time."""
    [loss] = found
    return loss.tube, loss.received_at, loss.messages, loss.of, loss.first_id


def test_when_all_messages_are_settled_no_loss_is_named(scene: Scene) -> None:
    for messages in (1, 500, 3):
        scene.post(messages)
        scene.step()
    scene.settle()
    assert scene.named == []
    assert not any(scene.broker.ready.values())


def test_when_idle_the_reconciler_puts_nothing(scene: Scene) -> None:
    scene.post()
    scene.settle()
    last = next(scene.broker.ids)
    scene.stop.waits.clear()
    scene.step(20)
    assert next(scene.broker.ids) == last + 1
    assert scene.stop.waits == [CHECK_SECONDS] * 20


def test_when_idle_the_reconciler_lets_the_archives_processor_repair_the_store(scene: Scene) -> None:
    scene.post()
    scene.settle()
    scene.step()
    scene.archive_sink.connect()
    (scene.settings.home / "store.db-wal").unlink()
    scene.archive_sink.connect()
    assert (scene.settings.home / "store.db-wal").exists()


@pytest.mark.parametrize("messages", [1, 5])
def test_a_request_that_the_archives_tube_has_lost_is_named_with_its_moment(scene: Scene, messages: int) -> None:
    scene.post()
    posted = scene.post(messages)
    scene.lose(ARCHIVE)
    scene.post()
    before = datetime.now(UTC)
    scene.settle()
    assert only(scene.named) == (ARCHIVE, posted.received_at, messages, messages, posted.ids[0])
    [loss] = scene.named
    assert loss.ids == []
    assert before <= datetime.fromisoformat(loss.named_at) <= datetime.now(UTC)


def test_the_moment_of_a_loss_is_in_utc_whatever_the_time_zone_of_the_machine(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "UTC-9")
    time.tzset()
    try:
        before = datetime.now(UTC)
        scene.post()
        scene.lose(ARCHIVE)
        scene.settle()
        [loss] = scene.named
        assert before <= datetime.fromisoformat(loss.named_at) <= datetime.now(UTC)
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()


def test_of_a_batch_that_is_partly_lost_the_number_of_lost_messages_is_named(scene: Scene) -> None:
    posted = scene.post(5, without=2)
    scene.settle()
    assert only(scene.named) == (ARCHIVE, posted.received_at, 2, 5, posted.ids[0])


def test_a_message_that_the_live_tube_has_lost_is_named_with_its_id(scene: Scene) -> None:
    scene.post()
    posted = scene.post(3)
    scene.lose(LIVE)
    scene.settle()
    assert only(scene.named) == (LIVE, posted.received_at, 3, 3, posted.ids[0])
    assert sorted(scene.named[0].ids) == sorted(posted.ids)


def test_of_many_lost_messages_ten_ids_are_named(scene: Scene) -> None:
    posted = scene.post(50)
    scene.lose(LIVE)
    scene.settle()
    [loss] = scene.named
    assert (loss.messages, len(loss.ids)) == (50, 10)
    assert {*loss.ids} < {*posted.ids}


def test_a_message_that_is_lost_in_both_tubes_is_named_in_the_archive_alone(scene: Scene) -> None:
    scene.post()
    scene.lose(LIVE)
    scene.lose(ARCHIVE)
    scene.settle()
    assert [loss.tube for loss in scene.named] == [ARCHIVE]


def test_each_loss_is_logged_once(scene: Scene) -> None:
    posted = scene.post(3, without=1)
    scene.settle()
    scene.step(10)
    lost = [entry for entry in scene.capture.entries if entry["event"] == "lost"]
    told = [(entry["tube"], entry["messages"], entry["of"], entry["first_id"]) for entry in lost]
    assert told == [(ARCHIVE, 1, 3, posted.ids[0])]


def test_under_constant_load_a_loss_is_named_within_ten_seconds_and_nothing_else_is(scene: Scene) -> None:
    for _ in range(10):
        scene.post(2)
        scene.step()
    lost = scene.post()
    scene.lose(ARCHIVE)
    for _ in range(20):
        scene.post(2)
        scene.step()
    assert only(scene.named) == (ARCHIVE, lost.received_at, 1, 1, lost.ids[0])
    for _ in range(10):
        scene.post()
        scene.step()
    scene.settle()
    assert len(scene.named) == 1


def test_a_retry_with_a_key_is_found_as_a_duplicate(scene: Scene) -> None:
    scene.post(3, key="same")
    scene.step()
    scene.post(3, key="same")
    scene.settle()
    assert scene.named == []


def test_a_lost_retry_with_a_key_is_named_although_its_message_is_archived(scene: Scene) -> None:
    scene.post(key="same")
    scene.step()
    retry = scene.post(key="same")
    scene.lose(ARCHIVE)
    scene.settle()
    assert only(scene.named) == (ARCHIVE, retry.received_at, 1, 1, retry.ids[0])


def test_a_message_that_is_delivered_twice_hides_no_loss(scene: Scene) -> None:
    twice = scene.post()
    scene.queue.put(twice.events[0], [LIVE, ARCHIVE])
    lost = scene.post()
    scene.lose(ARCHIVE)
    scene.settle()
    assert only(scene.named) == (ARCHIVE, lost.received_at, 1, 1, lost.ids[0])


def test_unanswered_messages_that_turn_up_hide_no_loss(scene: Scene) -> None:
    scene.post(5, accepted=False)
    lost = scene.post()
    scene.lose(ARCHIVE)
    scene.settle()
    assert only(scene.named) == (ARCHIVE, lost.received_at, 1, 1, lost.ids[0])


def test_unanswered_messages_that_do_not_turn_up_are_no_loss(scene: Scene) -> None:
    scene.post(5, accepted=False)
    scene.lose(ARCHIVE)
    scene.lose(LIVE)
    scene.settle()
    assert scene.named == []


def test_a_dead_letter_of_the_archive_is_no_loss(scene: Scene) -> None:
    posted = scene.post(3, without=1)
    [job] = scene.queue.reserve(ARCHIVE, 1, 0)
    scene.queue.put(b"\n".join(posted.events[1:]), [ARCHIVE])
    scene.queue.dead_letter(job, [Rejected(posted.events[0], "bad")])
    scene.settle()
    assert scene.named == []


def test_dead_letters_of_the_archive_hide_no_other_loss(scene: Scene) -> None:
    posted = scene.post(3, without=2)
    [job] = scene.queue.reserve(ARCHIVE, 1, 0)
    scene.queue.put(posted.events[2], [ARCHIVE])
    scene.queue.dead_letter(job, [Rejected(posted.events[0], "bad"), Rejected(b"not an event", "bad")])
    scene.settle()
    assert only(scene.named) == (ARCHIVE, posted.received_at, 1, 3, posted.ids[0])


def test_a_dead_letter_of_another_tube_is_no_loss(scene: Scene) -> None:
    posted = scene.post()
    scene.live_sink.script = [PartialDelivery([], [Rejected(posted.events[0], "bad")])]
    scene.settle()
    assert scene.named == []
    assert len(scene.queue.dead_letters(LIVE, 10)) == 1


def test_a_dead_letter_that_an_operator_requeues_while_it_is_looked_for_is_no_loss(scene: Scene) -> None:
    posted = scene.post()
    [job] = scene.queue.reserve(ARCHIVE, 1, 0)
    scene.queue.delete([job])
    missing = 0
    for _ in range(20):
        scene.step()
        missing += any(pending.suspect_since for pending in scene.reconciler._backlog.pending)  # noqa: SLF001
        if missing == 3:
            scene.queue.put(posted.events[0], [ARCHIVE])
    assert missing >= 3
    assert (scene.named, slots.names(scene.folder)) == ([], [])


def test_a_dead_letter_that_is_requeued_while_it_is_looked_for_may_wait_long_in_its_tube(scene: Scene) -> None:
    posted = scene.post()
    [job] = scene.queue.reserve(ARCHIVE, 1, 0)
    scene.queue.delete([job])
    while not any(pending.suspect_since for pending in scene.reconciler._backlog.pending):  # noqa: SLF001
        scene.step()
    scene.step()
    scene.queue.put(posted.events[0], [ARCHIVE])
    scene.are_running.remove(ARCHIVE)
    scene.step(40)
    assert scene.named == []
    scene.are_running.add(ARCHIVE)
    scene.settle()
    assert scene.named == []


def test_among_more_dead_letters_than_are_looked_at_nothing_is_named(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("processor.reconciler._DEAD_LETTERS_MAX", 1)
    posted = [scene.post(), scene.post()]
    for job, each in zip(scene.queue.reserve(ARCHIVE, 2, 0), posted, strict=True):
        scene.queue.dead_letter(job, [Rejected(each.events[0], "bad")])
    lost = scene.post()
    scene.lose(ARCHIVE)
    scene.step(40)
    assert scene.named == []
    scene.queue.discard(ARCHIVE, scene.queue.dead_letters(ARCHIVE, 2)[0].id)
    scene.step(40)
    assert lost.received_at in {loss.received_at for loss in scene.named}


def test_a_message_is_suspect_for_two_seconds_before_it_is_named(scene: Scene) -> None:
    scene.post()
    scene.lose(ARCHIVE)
    for _ in range(20):
        scene.step()
        if suspects := [
            pending.suspect_since[ARCHIVE]
            for pending in scene.reconciler._backlog.pending  # noqa: SLF001
            if pending.suspect_since
        ]:
            break
    [since] = suspects
    while scene.now < since + 1.9:
        assert scene.named == []
        scene.step()
    assert len(scene.named) == 1


def test_a_receipt_that_comes_late_since_a_connection_broke_makes_no_loss(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    strays: list[Job] = []
    monkeypatch.setattr(scene.reconciler._queue, "has_strays", lambda tube: tube == ARCHIVE and strays)  # noqa: SLF001
    scene.post()
    scene.are_running.remove(ARCHIVE)
    scene.step()
    ready = scene.broker.ready[ARCHIVE]
    [number] = [number for number, job in ready.items() if b'"shown"' in job.body]
    strays.append(ready.pop(number))
    scene.are_running.add(ARCHIVE)
    scene.step(40)
    assert [pending.suspect_since.keys() for pending in scene.reconciler._backlog.pending] == [{LIVE}]  # noqa: SLF001
    ready[number] = strays.pop()
    scene.are_running.remove(ARCHIVE)
    scene.step(20)  # the archive is behind
    assert scene.named == []
    scene.are_running.add(ARCHIVE)
    scene.settle()
    assert scene.named == []


def test_a_connection_that_broke_while_the_queue_was_unavailable_is_not_forgotten(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: str) -> TubeCounts:
        raise QueueUnavailable("no majority")

    scene.post()
    scene.are_running.remove(ARCHIVE)
    scene.step(4)
    ready = scene.broker.ready[ARCHIVE]
    [number] = [number for number, job in ready.items() if b'"shown"' in job.body]
    stray = ready.pop(number)
    with monkeypatch.context() as outage:
        outage.setattr(scene.reconciler._queue, "has_strays", lambda tube: tube == ARCHIVE)  # noqa: SLF001
        outage.setattr(scene.reconciler._queue, "counts", fail)  # noqa: SLF001
        with pytest.raises(QueueUnavailable):
            scene.reconciler.step()
    scene.are_running.add(ARCHIVE)
    scene.step(4)
    assert [pending.suspect_since.keys() for pending in scene.reconciler._backlog.pending] == [{LIVE}]  # noqa: SLF001
    ready[number] = stray
    scene.are_running.remove(ARCHIVE)
    scene.step(20)  # the archive is behind
    assert scene.named == []
    scene.are_running.add(ARCHIVE)
    scene.settle()
    assert scene.named == []


def test_after_a_connection_broke_a_loss_is_named_as_before(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scene.reconciler._queue, "has_strays", lambda _: True)  # noqa: SLF001
    scene.post()
    scene.settle()
    monkeypatch.setattr(scene.reconciler._queue, "has_strays", lambda _: False)  # noqa: SLF001
    posted = scene.post()
    scene.lose(LIVE)
    scene.settle()
    assert only(scene.named) == (LIVE, posted.received_at, 1, 1, posted.ids[0])


def test_while_the_archives_processor_is_stopped_nothing_is_named(scene: Scene) -> None:
    scene.are_running.remove(ARCHIVE)
    for _ in range(60):
        scene.post()
        scene.step()
    assert scene.named == []
    scene.are_running.add(ARCHIVE)
    scene.settle()
    assert scene.named == []


def test_messages_that_wait_for_a_browser_are_no_loss(scene: Scene) -> None:
    for _ in range(60):
        scene.post()
        scene.live_sink.script = [Verdict.WAIT]
        scene.step()
    assert scene.named == []
    scene.live_sink.script = []
    scene.settle()
    assert scene.named == []


def test_messages_whose_delivery_fails_again_and_again_are_no_loss(scene: Scene) -> None:
    posted = scene.post()
    for _ in range(30):
        scene.live_sink.script = [PartialDelivery([posted.events[0]], [])]
        scene.step()
    assert scene.named == []
    scene.live_sink.script = []
    scene.settle()
    assert scene.named == []


def test_a_slow_request_delays_no_news_of_others_and_is_followed_itself(scene: Scene) -> None:
    slow = scene.writer.start()
    slow.begin(1, event.new_id())
    scene.now += 0.6
    scene.post()
    scene.lose(ARCHIVE)
    scene.step(20)
    slow.end()
    scene.settle()
    assert len(scene.named) == 1


@pytest.mark.parametrize("steps", range(1, 13))
def test_a_reconciler_that_restarts_in_the_middle_names_each_loss_once(scene: Scene, steps: int) -> None:
    first = scene.post()
    scene.lose(ARCHIVE)
    second = scene.post()
    scene.lose(LIVE)
    scene.step(steps)
    scene.store.close()
    scene.restart()
    scene.settle()
    assert {(loss.tube, loss.received_at) for loss in scene.named} == {
        (ARCHIVE, first.received_at),
        (LIVE, second.received_at),
    }
    assert len(scene.named) == 2


def test_a_settled_loss_is_not_named_again_after_a_restart(scene: Scene) -> None:
    scene.post()
    scene.lose(ARCHIVE)
    scene.are_running.remove(LIVE)  # so that the slot stays pending
    scene.step(20)
    assert len(scene.named) == 1
    losses.settle(scene.folder, "2026-01-02T12:00:00Z")
    scene.store.close()
    scene.restart()
    scene.step(20)
    assert scene.named == []


def test_an_outage_of_the_store_names_nothing_and_is_waited_for(scene: Scene, tmp_path: Path) -> None:
    scene.post()
    scene.settle()
    scene.are_running.clear()
    scene.post()
    (tmp_path / "store.db").rename(tmp_path / "elsewhere.db")
    for _ in range(20):
        with suppress(StoreUnavailable):
            scene.step()
    assert scene.named == []
    (tmp_path / "elsewhere.db").rename(tmp_path / "store.db")
    scene.are_running = {LIVE, ARCHIVE}
    scene.settle()
    assert scene.named == []


def test_after_the_clock_was_set_back_by_an_hour_a_loss_is_named_and_nothing_else(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.post()
    scene.step()
    now = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: now() - 3600 * 10**9)
    lost = scene.post()
    scene.lose(ARCHIVE)
    scene.post()
    scene.settle()
    assert only(scene.named) == (ARCHIVE, lost.received_at, 1, 1, lost.ids[0])


def test_a_slot_of_an_ingest_process_that_has_ended_is_reconciled(scene: Scene) -> None:
    request = scene.writer.start()
    request.begin(1, event.new_id())  # it is killed before the queue confirms
    lost = scene.post()
    scene.lose(ARCHIVE)
    scene.writer.close()
    request.end()
    scene.settle()
    assert only(scene.named) == (ARCHIVE, lost.received_at, 1, 1, lost.ids[0])
