"""The ledger: how it reconciles the counts of the API, the queue and the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import msgspec
import pytest
from flask import Flask

from api.http.queue_pool import QueuePool
from api.operations import ledger
from tradewire import counters, tube_history
from tradewire.counters import CrashSafeCounter
from tradewire.queue import ARCHIVE, LIVE, Rejected
from tradewire.queue.memory import Broker, MemoryQueue
from tradewire.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tradewire.queue import TubeCounts
    from tradewire.store.reading import StoreReader


class FakeStore:
    """Knows the counters of one stack. `during_read` runs while they are read."""

    def __init__(self, stack: str) -> None:
        self.stack = stack
        self.saved: dict[str, int] = {}
        self.during_read: Callable[[], object] = lambda: None

    def counters(self, stack: str) -> dict[str, int]:
        assert stack == self.stack
        self.during_read()
        return self.saved


class Stack:
    """The three sides of the ledger."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.queue = MemoryQueue(Broker())
        self.counter = CrashSafeCounter(folder)
        self.store = FakeStore(counters.stack_id(folder))
        tube_history.record(folder, (LIVE, ARCHIVE))

    def accept(self, messages: int, jobs: int = 1) -> None:
        """Count messages that were accepted in a number of jobs of the same size."""
        for _ in range(jobs):
            self.counter.count_begun(messages // jobs)
            self.counter.count_accepted(messages // jobs)

    def save(self, **saved: int) -> None:
        """Set the counters of the store."""
        self.store.saved = saved

    def put(self, tube: str, jobs: int) -> None:
        """Put jobs into a tube."""
        for _ in range(jobs):
            self.queue.put(b"x", [tube])

    def reconcile(self) -> ledger.Ledger:
        """Return the ledger."""
        return ledger.reconcile(Settings(home=self.folder.parent), self.queue, cast("StoreReader", self.store))


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    stack = Stack(tmp_path / "ledger")
    yield stack
    stack.counter.close()


def differences(account: ledger.Account) -> tuple[int, int, int]:
    return account.unanswered, account.unexplained, account.missing


def test_a_new_stack_is_balanced(stack: Stack) -> None:
    found = stack.reconcile()
    assert (found.status, found.accepted, found.begun) == ("balanced", 0, 0)
    assert set(msgspec.to_builtins(found.tubes[LIVE]).values()) == {0}
    assert set(msgspec.to_builtins(found.tubes[ARCHIVE]).values()) == {0}


def test_all_outcomes_of_a_message_balance_it(stack: Stack) -> None:
    stack.accept(24, jobs=24)
    stack.save(duplicates=1, archived=22, archive_discarded=1, live_shown=6, live_expired=5, live_discarded=3)
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
    }
    assert msgspec.to_builtins(found.tubes[ARCHIVE]) == {
        "accepted": 24,
        "duplicates": 1,
        "deadLetters": 0,
        "discarded": 1,
        "expired": 0,
        "waiting": 0,
        "archived": 22,
        "unanswered": 0,
        "unexplained": 0,
        "missing": 0,
    }
    assert (found.status, found.accepted, found.begun) == ("balanced", 24, 24)


@pytest.mark.parametrize(
    ("shown", "archived", "missing"), [(3, 3, (0, 0)), (2, 3, (1, 0)), (3, 2, (0, 1)), (1, 2, (2, 1))]
)
def test_messages_without_an_outcome_are_missing(
    stack: Stack, shown: int, archived: int, missing: tuple[int, int]
) -> None:
    stack.accept(3, jobs=3)
    stack.save(live_shown=shown, archived=archived)
    found = stack.reconcile()
    assert found.status == ("loss" if any(missing) else "balanced")
    assert differences(found.tubes[LIVE]) == (0, 0, missing[0])
    assert differences(found.tubes[ARCHIVE]) == (0, 0, missing[1])


@pytest.mark.parametrize(("surplus", "expected"), [(1, (1, 0, 0)), (2, (2, 0, 0)), (5, (2, 3, 0))])
def test_a_surplus_is_unanswered_as_far_as_puts_were_begun(
    stack: Stack, surplus: int, expected: tuple[int, int, int]
) -> None:
    stack.accept(3, jobs=3)
    stack.counter.count_begun(2)
    stack.save(live_shown=3 + surplus, archived=3)
    found = stack.reconcile()
    assert differences(found.tubes[LIVE]) == expected
    assert differences(found.tubes[ARCHIVE]) == (0, 0, 0)
    assert (found.status, found.accepted, found.begun) == ("balanced", 3, 5)


@pytest.mark.parametrize(
    ("shown", "jobs", "waiting", "expected"),
    [
        pytest.param(100, 0, 0, (0, 0, 1905), id="no job, so nothing waits"),
        pytest.param(2000, 1, 5, (0, 0, 0), id="one job that may be a batch"),
        pytest.param(1003, 1, 1000, (0, 0, 2), id="more than one job can hold"),
        pytest.param(0, 2, 2000, (0, 0, 5), id="more than two jobs can hold"),
        pytest.param(2005, 1, 1, (0, 1, 0), id="a job more than expected"),
        pytest.param(2000, 6, 6, (0, 1, 0), id="more jobs than expected messages"),
    ],
)
def test_jobs_that_wait_may_be_batches(
    stack: Stack, shown: int, jobs: int, waiting: int, expected: tuple[int, int, int]
) -> None:
    stack.accept(2000, jobs=2)
    stack.accept(5, jobs=5)
    stack.save(live_shown=shown, archived=2005)
    stack.put(LIVE, jobs)
    account = stack.reconcile().tubes[LIVE]
    assert (account.waiting, differences(account)) == (waiting, expected)


@pytest.mark.parametrize(("shown", "waiting", "missing"), [(6, 3, 1), (7, 3, 0), (8, 2, 0), (9, 2, 0)])
def test_without_batches_a_job_is_one_message_except_those_that_are_batched(
    stack: Stack, shown: int, waiting: int, missing: int
) -> None:
    stack.accept(8, jobs=8)
    stack.accept(2)  # one job with two messages
    stack.save(live_shown=shown, archived=10)
    stack.put(LIVE, 2)
    account = stack.reconcile().tubes[LIVE]
    assert (account.waiting, account.missing) == (waiting, missing)


def test_the_ledger_settles_while_a_request_is_in_flight(stack: Stack) -> None:
    request = stack.counter.start_request()
    assert stack.reconcile().status == "settling"
    stack.counter.end_request(request)
    assert stack.reconcile().status == "balanced"


def test_the_ledger_settles_while_the_archives_tube_has_jobs(stack: Stack) -> None:
    stack.accept(1)
    stack.save(live_shown=1)
    stack.put(ARCHIVE, 1)
    assert stack.reconcile().status == "settling"
    [job] = stack.queue.reserve(ARCHIVE, 1, 0)
    assert stack.reconcile().status == "settling"
    stack.queue.delete([job])
    assert stack.reconcile().status == "loss"


@pytest.mark.parametrize("tube", [LIVE, ARCHIVE])
def test_the_ledger_settles_while_jobs_move(stack: Stack, tube: str) -> None:
    stack.store.during_read = lambda: stack.put(tube, 1)
    assert stack.reconcile().status == "settling"


def test_the_ledger_settles_while_messages_are_accepted(stack: Stack) -> None:
    stack.store.during_read = lambda: stack.counter.count_begun(1)
    assert stack.reconcile().status == "settling"


@pytest.mark.parametrize("tube", [LIVE, ARCHIVE])
def test_a_consumer_that_comes_and_the_age_of_jobs_change_nothing(
    stack: Stack, tube: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.accept(1)
    stack.save(archived=1)
    stack.put(LIVE, 1)

    def come() -> None:
        MemoryQueue(stack.queue._broker).reserve(tube, 0, 0)  # noqa: SLF001 - a second connection to the same queue
        monkeypatch.setattr("time.monotonic", lambda: 2e9)

    monkeypatch.setattr("time.monotonic", lambda: 1e9)
    stack.store.during_read = come
    assert stack.reconcile().status == "balanced"


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
    assert stack.reconcile().status == "settling"


def test_the_ledger_has_the_words_of_each_consumer_and_its_outcomes(stack: Stack) -> None:
    settings = Settings(home=stack.folder.parent)
    words = stack.reconcile().consumers
    assert list(words) == [consumer.name for consumer in settings.consumers]
    for consumer in settings.consumers:
        assert words[consumer.name].title == consumer.title
        found = [(each.name, each.label, each.meaning) for each in words[consumer.name].outcomes]
        assert found == [(outcome.kind, outcome.label, outcome.meaning) for outcome in consumer.outcomes]
        assert found


def test_the_route_answers_with_the_ledger(stack: Stack) -> None:
    app = Flask(__name__)
    stack.counter.count_begun(7)
    settings = Settings(home=stack.folder.parent)
    assert settings.counters == stack.folder
    ledger.add_routes(app, settings, QueuePool(lambda: stack.queue), cast("StoreReader", stack.store))
    with app.test_client() as client:
        response = client.get("/api/ledger")
    assert response.status_code == 200
    assert response.json == msgspec.to_builtins(stack.reconcile())
    assert response.json["begun"] == 7
