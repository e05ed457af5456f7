"""The ledger: the accounts of the tubes, the named losses, and whether all of that is known."""

from __future__ import annotations

import logging
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

import msgspec
import pytest
import structlog
from flask import Flask
from structlog.stdlib import BoundLogger
from structlog.testing import LogCapture

from api.http.audit import RequestTrail
from api.http.auth import Access
from api.http.queue_pool import QueuePool
from api.operations import ledger
from api.operations.ledger_losses import LossItem
from tests.support import audited, make_audit_key
from tradewire.audit.trail import Trail
from tradewire.event import from_microseconds
from tradewire.ledger import counters, losses, slots, tube_history
from tradewire.ledger.counters import Counter
from tradewire.ledger.losses import Loss
from tradewire.ledger.slot_writer import SlotWriter
from tradewire.queue import ARCHIVE, LIVE, Rejected
from tradewire.queue.memory import Broker, MemoryQueue
from tradewire.settings import Settings
from tradewire.store.kept import Kept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from werkzeug.test import TestResponse

    from tradewire.ledger.slot_writer import Request
    from tradewire.queue import TubeCounts
    from tradewire.store.reading import StoreReader

FIRST_ID = "11111111-1111-4111-8111-111111111111"
TOKEN = "secret"  # noqa: S105 - not a password of anything


class FakeStore:
    """Knows the counters of one stack. `during_read` runs while they are read."""

    def __init__(self, stack: str) -> None:
        self.stack = stack
        self.saved: dict[str, int] = {}
        self.limits = Kept(0, 0, 0, 0)
        self.during_read: Callable[[], object] = lambda: None

    def counters(self, stack: str) -> dict[str, int]:
        assert stack == self.stack
        self.during_read()
        return self.saved

    def kept(self) -> Kept:
        return self.limits


class Stack:
    """The three sides of the ledger."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = Settings(home=folder.parent)
        self.queue = MemoryQueue(Broker())
        self.counter = Counter(folder)
        self.writer = SlotWriter(folder, self.counter, (LIVE, ARCHIVE))
        self.store = FakeStore(counters.stack_id(folder))
        self.capture = LogCapture()
        tube_history.record(folder, (LIVE, ARCHIVE))

    def accept(self, messages: int) -> None:
        """Count messages that were accepted, and whose slots have been reconciled."""
        self.counter.count_begun(messages)
        self.counter.count_accepted(messages)

    def request(self) -> Request:
        """Accept a message in a request that is to be settled."""
        request = self.writer.start()
        request.begin(1, FIRST_ID)
        request.accept(1)
        return request

    def save(self, **saved: int) -> None:
        """Set the counters of the store."""
        self.store.saved = saved

    def put(self, tube: str, jobs: int) -> None:
        """Put jobs into a tube."""
        for _ in range(jobs):
            self.queue.put(b"x", [tube])

    def lose(self, tube: str, messages: int, received_at: datetime) -> None:
        """Name a loss."""
        microseconds = round(received_at.timestamp() * 10**6)
        loss = Loss(tube, microseconds, messages, messages + 1, FIRST_ID, [FIRST_ID], "2026-01-02T12:00:05.000000Z")
        losses.name(self.folder, [loss])

    def reconcile(self) -> ledger.Ledger:
        """Return the ledger."""
        return ledger.reconcile(self.settings, self.queue, cast("StoreReader", self.store))

    def call(self, method: str, path: str, **headers: str) -> TestResponse:
        """Call a route."""
        app = Flask(__name__, static_folder=None)
        log = structlog.wrap_logger(logging.getLogger(__name__), processors=[self.capture], wrapper_class=BoundLogger)
        pool, store, access = QueuePool(lambda: self.queue), cast("StoreReader", self.store), Access(self.settings)
        trail = RequestTrail(Trail(self.settings.audit, self.settings.audit_key), access, log)
        ledger.add_routes(app, self.settings, pool, store, trail, log)
        access.guard(app)
        with app.test_client() as client:
            return client.open(path, method=method, headers=headers)


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    stack = Stack(tmp_path / "ledger")
    with closing(stack.counter), closing(stack.writer):
        yield stack


def differences(account: ledger.Account) -> tuple[int, int, int]:
    return account.unanswered, account.unexplained, account.missing


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_new_stack_is_balanced(stack: Stack) -> None:
    found = stack.reconcile()
    assert (found.status, found.accepted, found.begun) == ("balanced", 0, 0)
    assert set(msgspec.to_builtins(found.tubes[LIVE]).values()) == {0}
    assert set(msgspec.to_builtins(found.tubes[ARCHIVE]).values()) == {0}


def test_all_outcomes_of_a_message_balance_it(stack: Stack) -> None:
    stack.accept(24)
    stack.save(
        duplicates=1, archived=21, outdated=1, archive_discarded=1, live_shown=6, live_expired=5, live_discarded=3
    )
    stack.put(LIVE, 9)
    for _ in range(2):
        [job] = stack.queue.reserve(LIVE, 1, 0)
        stack.queue.dead_letter(job, [Rejected(b"x", "bad")])
    stack.queue.reserve(LIVE, 4, 0)
    found = stack.reconcile()
    assert msgspec.to_builtins(found.tubes[LIVE]) == {
        "accepted": 24,
        "duplicates": 1,
        "deadLetters": 2,
        "discarded": 3,
        "waiting": 7,
        "shown": 6,
        "expired": 5,
        "unanswered": 0,
        "unexplained": 0,
        "missing": 0,
        "settled": 0,
    }
    assert msgspec.to_builtins(found.tubes[ARCHIVE]) == {
        "accepted": 24,
        "duplicates": 1,
        "deadLetters": 0,
        "discarded": 1,
        "expired": 0,
        "waiting": 0,
        "archived": 21,
        "outdated": 1,
        "unanswered": 0,
        "unexplained": 0,
        "missing": 0,
        "settled": 0,
    }
    assert (found.status, found.accepted, found.begun) == ("balanced", 24, 24)


@pytest.mark.parametrize(
    ("shown", "archived", "missing"), [(3, 3, (0, 0)), (2, 3, (1, 0)), (3, 2, (0, 1)), (1, 2, (2, 1))]
)
def test_messages_without_an_outcome_are_missing_when_nothing_is_on_its_way(
    stack: Stack, shown: int, archived: int, missing: tuple[int, int]
) -> None:
    stack.accept(3)
    stack.save(live_shown=shown, archived=archived)
    found = stack.reconcile()
    assert found.status == ("loss" if any(missing) else "balanced")
    assert differences(found.tubes[LIVE]) == (0, 0, missing[0])
    assert differences(found.tubes[ARCHIVE]) == (0, 0, missing[1])


@pytest.mark.parametrize(("surplus", "expected"), [(1, (1, 0, 0)), (2, (2, 0, 0)), (5, (2, 3, 0))])
def test_a_surplus_is_unanswered_as_far_as_puts_were_begun(
    stack: Stack, surplus: int, expected: tuple[int, int, int]
) -> None:
    stack.accept(3)
    stack.counter.count_begun(2)
    stack.save(live_shown=3 + surplus, archived=3)
    found = stack.reconcile()
    assert differences(found.tubes[LIVE]) == expected
    assert differences(found.tubes[ARCHIVE]) == (0, 0, 0)
    assert (found.status, found.accepted, found.begun) == ("balanced", 3, 5)


def test_messages_without_an_outcome_wait_while_a_job_is_in_the_tube(stack: Stack) -> None:
    stack.accept(2005)
    stack.save(archived=2005, live_shown=5)
    stack.put(LIVE, 1)  # it may hold any number of messages
    account = stack.reconcile().tubes[LIVE]
    assert (account.waiting, differences(account)) == (2000, (0, 0, 0))
    stack.queue.reserve(LIVE, 1, 0)
    account = stack.reconcile().tubes[LIVE]
    assert (account.waiting, differences(account)) == (2000, (0, 0, 0))


def test_more_jobs_than_messages_leave_nothing_waiting_and_nothing_missing(stack: Stack) -> None:
    stack.accept(1)
    stack.save(archived=1, live_shown=1)
    stack.put(LIVE, 3)
    account = stack.reconcile().tubes[LIVE]
    assert (account.waiting, differences(account)) == (0, (0, 0, 0))


def test_messages_of_a_slot_that_is_not_reconciled_wait(stack: Stack) -> None:
    request = stack.request()
    found = stack.reconcile()
    assert {tube: (account.waiting, account.missing) for tube, account in found.tubes.items()} == {
        LIVE: (1, 0),
        ARCHIVE: (1, 0),
    }
    request.end()
    assert stack.reconcile().tubes[ARCHIVE].missing == 0
    [name] = slots.names(stack.folder)
    slots.path_of(stack.folder, name).unlink()
    assert stack.reconcile().tubes[ARCHIVE].missing == 1


def test_a_receipt_in_the_archives_tube_may_be_about_a_message_without_an_outcome(stack: Stack) -> None:
    stack.accept(1)
    stack.save(archived=1)
    stack.put(ARCHIVE, 1)
    account = stack.reconcile().tubes[LIVE]
    assert (account.waiting, account.missing) == (1, 0)


def test_named_losses_are_missing_and_all_others_wait(stack: Stack) -> None:
    stack.accept(10)
    stack.save(archived=10, live_shown=4)
    stack.put(LIVE, 1)
    stack.lose(LIVE, 2, datetime(2026, 1, 2, 12, tzinfo=UTC))
    found = stack.reconcile()
    assert found.status == "loss"
    assert (found.tubes[LIVE].missing, found.tubes[LIVE].waiting) == (2, 4)
    assert (found.tubes[ARCHIVE].missing, found.tubes[ARCHIVE].waiting) == (0, 0)
    assert found.losses == [
        LossItem(LIVE, "2026-01-02T12:00:00.000000Z", 2, 3, FIRST_ID, [FIRST_ID], "2026-01-02T12:00:05.000000Z")
    ]


def test_a_message_that_turns_up_unanswered_hides_no_named_loss(stack: Stack) -> None:
    stack.accept(10)
    stack.counter.count_begun(1)
    stack.save(archived=10, live_shown=10)
    stack.lose(ARCHIVE, 1, datetime(2026, 1, 2, 12, tzinfo=UTC))
    found = stack.reconcile()
    assert (found.status, found.tubes[ARCHIVE].missing) == ("loss", 1)


def test_a_settled_loss_is_part_of_the_account_and_no_alarm(stack: Stack) -> None:
    stack.accept(10)
    stack.save(archived=8, live_shown=10)
    stack.lose(ARCHIVE, 2, datetime(2026, 1, 2, 12, tzinfo=UTC))
    assert stack.reconcile().tubes[ARCHIVE].missing == 2
    losses.settle(stack.folder, "2026-01-02T13:00:00Z")
    found = stack.reconcile()
    assert (found.status, found.losses) == ("balanced", [])
    assert (found.tubes[ARCHIVE].missing, found.tubes[ARCHIVE].settled) == (0, 2)
    assert differences(found.tubes[ARCHIVE]) == (0, 0, 0)


def test_the_hundred_losses_settled_last_are_listed_with_their_times(stack: Stack) -> None:
    start = datetime(2026, 1, 2, 12, tzinfo=UTC)
    for number in range(101):
        stack.lose(LIVE, 1, start + timedelta(seconds=number))
    losses.settle(stack.folder, "2026-01-02T13:00:00Z")
    stack.lose(LIVE, 1, start + timedelta(hours=2))
    assert [each.settled_at for each in stack.reconcile().losses] == [msgspec.UNSET]
    losses.settle(stack.folder, "2026-01-02T15:00:00Z")
    listed = stack.reconcile().settled_losses
    assert [each.settled_at for each in listed] == ["2026-01-02T15:00:00Z", *["2026-01-02T13:00:00Z"] * 99]
    received = [each.received_at for each in listed]
    assert received == sorted(received, reverse=True)


def test_the_hundred_losses_named_first_are_listed_and_all_are_counted(stack: Stack) -> None:
    start = datetime(2026, 1, 2, 12, tzinfo=UTC)
    for number in range(101):
        stack.lose(LIVE, 1, start + timedelta(seconds=number))
    found = stack.reconcile()
    assert found.tubes[LIVE].missing == 101
    assert [moment(loss.received_at) for loss in found.losses] == [
        start + timedelta(seconds=number) for number in range(100)
    ]


def test_a_balanced_ledger_was_last_balanced_now(stack: Stack) -> None:
    before = datetime.now(UTC)
    found = stack.reconcile()
    assert before <= moment(found.last_balanced_at) <= datetime.now(UTC)
    assert before - timedelta(seconds=1) < moment(found.archived_up_to) <= datetime.now(UTC)


def test_with_a_loss_the_ledger_was_last_balanced_when_the_oldest_lost_message_was_received(stack: Stack) -> None:
    start = datetime(2026, 1, 2, 12, tzinfo=UTC)
    stack.lose(LIVE, 1, start + timedelta(seconds=3))
    stack.lose(ARCHIVE, 1, start)
    assert moment(stack.reconcile().last_balanced_at) == start


def test_the_ledger_settles_while_the_watermark_is_over_ten_seconds_old(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time_ns()
    with monkeypatch.context() as patch:
        patch.setattr(time, "time_ns", lambda: now - 9 * 10**9)
        request = stack.request()
        [slot] = slots.names(stack.folder)
    assert stack.reconcile().status == "balanced", "less than ten seconds old"
    slots.path_of(stack.folder, slot).rename(slots.path_of(stack.folder, slot._replace(label=slot.label - 2 * 10**6)))
    found = stack.reconcile()
    assert found.status == "settling"
    assert moment(found.archived_up_to) == from_microseconds(slot.label - 2 * 10**6)
    assert found.last_balanced_at == found.archived_up_to
    stack.lose(LIVE, 1, datetime.now(UTC))
    found = stack.reconcile()
    assert (found.status, found.last_balanced_at) == ("loss", found.archived_up_to)
    request.end()
    assert stack.reconcile().archived_up_to == found.archived_up_to, "no mark has passed, though the tube is empty"


@pytest.mark.parametrize("tube", [LIVE, ARCHIVE])
def test_while_jobs_move_nothing_is_missing(stack: Stack, tube: str) -> None:
    stack.accept(1)
    stack.store.during_read = lambda: stack.put(tube, 1)
    assert stack.reconcile().tubes[LIVE].missing == 0


def test_while_messages_are_accepted_nothing_is_missing(stack: Stack) -> None:
    stack.accept(1)
    stack.store.during_read = lambda: stack.accept(1)
    assert stack.reconcile().tubes[LIVE].missing == 0


class MovingQueue(MemoryQueue):
    """A queue whose live job is shown just before the live tube is counted: its receipt then waits for the archive."""

    def counts(self, tube: str) -> TubeCounts:
        if tube == LIVE and (jobs := self.reserve(LIVE, 1, 0)):
            self.put_receipt(b"receipt")
            self.delete(jobs)
        return super().counts(tube)


def test_a_message_that_leaves_its_tube_while_the_tubes_are_counted_shows_as_a_waiting_receipt(stack: Stack) -> None:
    stack.queue = MovingQueue(Broker())
    stack.accept(1)
    stack.save(archived=1)
    stack.put(LIVE, 1)
    # The archive saves the receipt just after its counters were read.
    stack.store.during_read = lambda: stack.queue.delete(stack.queue.reserve(ARCHIVE, 1, 0))
    account = stack.reconcile().tubes[LIVE]
    assert (account.waiting, account.missing) == (1, 0)


def test_the_ledger_has_the_words_of_each_consumer_and_its_outcomes(stack: Stack) -> None:
    words = stack.reconcile().consumers
    assert list(words) == [consumer.name for consumer in stack.settings.consumers]
    for consumer in stack.settings.consumers:
        assert words[consumer.name].title == consumer.title
        found = [(each.name, each.label, each.meaning) for each in words[consumer.name].outcomes]
        assert found == [(outcome.kind, outcome.label, outcome.meaning) for outcome in consumer.outcomes]
        assert found


def test_the_route_answers_with_the_ledger(stack: Stack) -> None:
    stack.counter.count_begun(7)
    stack.lose(LIVE, 1, datetime(2026, 1, 2, 12, tzinfo=UTC))
    assert stack.settings.counters == stack.folder
    response = stack.call("GET", "/api/ledger")
    expected = msgspec.to_builtins(stack.reconcile())
    assert response.status_code == 200
    assert response.json
    assert response.json | {"archivedUpTo": ""} == expected | {"archivedUpTo": ""}
    assert response.json["begun"] == 7


def test_a_loss_that_is_named_while_an_operator_settles_is_recorded_as_settled_too(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_audit_key(stack.settings.home)
    (stack.settings.home / "operator-token").write_text(TOKEN)
    stack.lose(LIVE, 2, datetime(2026, 1, 2, 12, tzinfo=UTC))
    settle = losses.settle

    def after_another_loss(folder: Path, now: str) -> None:
        stack.lose(ARCHIVE, 3, datetime(2026, 1, 2, 13, tzinfo=UTC))
        settle(folder, now)

    monkeypatch.setattr(losses, "settle", after_another_loss)
    response = stack.call("POST", "/api/ledger/settle", Authorization=f"Bearer {TOKEN}")
    assert response.json == {"status": "OK", "settled": 5}
    assert [each["details"]["messages"] for each in audited(stack.settings.home, "losses-settled")] == [2, 5]


def test_an_operator_settles_all_losses(stack: Stack) -> None:
    make_audit_key(stack.settings.home)
    (stack.settings.home / "operator-token").write_text(TOKEN)
    stack.lose(LIVE, 2, datetime(2026, 1, 2, 12, tzinfo=UTC))
    stack.lose(ARCHIVE, 3, datetime(2026, 1, 2, 13, tzinfo=UTC))
    response = stack.call("POST", "/api/ledger/settle", Authorization=f"Bearer {TOKEN}")
    assert (response.status_code, response.json) == (200, {"status": "OK", "settled": 5})
    found = stack.reconcile()
    assert (found.status, found.losses) == ("balanced", [])
    assert [(entry["event"], entry["messages"]) for entry in stack.capture.entries] == [("losses settled", 5)]
    response = stack.call("POST", "/api/ledger/settle", Authorization=f"Bearer {TOKEN}")
    assert response.json == {"status": "OK", "settled": 0}
    begun, done, *_ = audited(stack.settings.home, "losses-settled")
    assert (begun["result"], done["result"], done["actor"], done["role"]) == ("begun", "done", "operator", "operator")
    assert done["details"] == {
        "messages": 5,
        "losses": [{"tube": LIVE, "firstId": FIRST_ID}, {"tube": ARCHIVE, "firstId": FIRST_ID}],
    }


def test_no_loss_is_settled_if_the_audit_trail_takes_no_record(stack: Stack) -> None:
    (stack.settings.home / "operator-token").write_text(TOKEN)
    stack.lose(LIVE, 2, datetime(2026, 1, 2, 12, tzinfo=UTC))
    response = stack.call("POST", "/api/ledger/settle", Authorization=f"Bearer {TOKEN}")
    assert response.status_code == 500  # the whole application answers Unavailable with 503
    assert stack.reconcile().status == "loss"


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer other"}])
def test_without_the_operator_token_no_loss_is_settled(stack: Stack, headers: dict[str, str]) -> None:
    (stack.settings.home / "operator-token").write_text(TOKEN)
    stack.lose(LIVE, 2, datetime(2026, 1, 2, 12, tzinfo=UTC))
    assert stack.call("POST", "/api/ledger/settle", **headers).status_code == 401
    assert stack.reconcile().status == "loss"
