"""Both databases tell the reconciler which messages of a request they have, and which marks have passed."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine
from sqlalchemy import event as sqlalchemy_event

from tests.unit.helpers import MESSAGE, decode_trade
from tradewire import event
from tradewire.event import TradeEvent, format_time, to_microseconds
from tradewire.receipt import Receipt, passed
from tradewire.store import ledger
from tradewire.store.reading import StoreReader
from tradewire.store.writing import StoreWriter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

START = datetime(2026, 1, 1, 10, 7, tzinfo=UTC)


def time_of(request: int) -> int:
    """Return the time of receipt of the request with this number."""
    return to_microseconds(START + timedelta(microseconds=request))


def id_of(number: int) -> str:
    return f"00000000-0000-0000-0000-{number:012}"


def message(number: int, request: int) -> TradeEvent:
    """Return the message with this number, of a request."""
    encoded = event.encode(decode_trade(MESSAGE), id_of(number), START + timedelta(microseconds=request))
    return event.decode(encoded)


def about(kind: Any, *numbers: int, tube: str = "live") -> Receipt:
    """Return a receipt about messages."""
    return Receipt(kind, format_time(START), [id_of(number) for number in numbers], tube)


def save(url: str, events: Sequence[TradeEvent], receipts: Sequence[Receipt] = (), stack: str = "one") -> None:
    with closing(StoreWriter(url, stack)) as store:
        store.migrate()
        store.save(events, receipts)


@contextmanager
def reader(url: str) -> Iterator[StoreReader]:
    with closing(StoreReader(url)) as store:
        yield store


def passed_slots(url: str, tube: str, stack: str = "one") -> dict[int, int]:
    with reader(url) as store:
        return ledger.passed(store.counters(stack), tube)


def test_archived_messages_are_counted_by_request(store_url: str) -> None:
    save(store_url, [message(1, 1), *(message(number, 2) for number in range(10, 15)), message(3, 3)])
    with reader(store_url) as store:
        assert store.archived([time_of(2), time_of(1), time_of(4)]) == {time_of(1): 1, time_of(2): 5}
        assert store.archived([time_of(4)])[time_of(4)] == 0
        assert store.archived([]) == {}


def test_a_retry_with_a_key_counts_for_its_own_request_and_a_redelivery_for_none(store_url: str) -> None:
    save(store_url, [message(1, 1), message(1, 2)])
    save(store_url, [message(1, 1), message(1, 2), message(1, 3), message(1, 3)])
    with reader(store_url) as store:
        assert store.archived([time_of(1), time_of(2), time_of(3)]) == {
            time_of(1): 1,
            time_of(2): 1,
            time_of(3): 1,
        }


def test_any_number_of_requests_can_be_looked_up(store_url: str) -> None:
    save(store_url, [message(number, number) for number in range(1203)])
    requests = [time_of(number) for number in range(2000)]
    with reader(store_url) as store:
        assert store.archived(requests) == dict.fromkeys(requests[:1203], 1)
        assert sum(map(len, store.unsettled(requests, "live").values())) == 1203


@pytest.mark.parametrize("kind", ["shown", "delivered", "expired", "dead-lettered", "discarded"])
def test_a_message_with_a_receipt_in_a_tube_is_settled_there_alone(store_url: str, kind: str) -> None:
    save(store_url, [message(1, 1), message(2, 1), message(3, 2)], [about(kind, 1, tube="webhook")])
    requests = [time_of(1), time_of(2)]
    with reader(store_url) as store:
        assert store.unsettled(requests, "webhook") == {time_of(1): [id_of(2)], time_of(2): [id_of(3)]}
        live = store.unsettled(requests, "live")
    assert {time: sorted(ids) for time, ids in live.items()} == {
        time_of(1): [id_of(1), id_of(2)],
        time_of(2): [id_of(3)],
    }


def test_only_requests_that_are_asked_for_are_unsettled(store_url: str) -> None:
    save(store_url, [message(1, 1), message(2, 2)])
    with reader(store_url) as store:
        assert store.unsettled([time_of(2)], "live") == {time_of(2): [id_of(2)]}
        assert store.unsettled([], "live") == {}


def test_the_greatest_number_of_each_ingest_process_has_passed_a_tube(store_url: str) -> None:
    assert_saved = [({0: 5, 3: 1}, {0: 5, 3: 1}), ({0: 4}, {0: 5, 3: 1}), ({0: 6, 7: 2**60}, {0: 6, 3: 1, 7: 2**60})]
    for slots, expected in assert_saved:
        save(store_url, [], [passed("live", slots)])
        assert passed_slots(store_url, "live") == expected
    save(store_url, [], [passed("live", {0: 9}), passed("live", {0: 8}), passed("archive", {0: 2})])
    assert passed_slots(store_url, "live")[0] == 9
    assert passed_slots(store_url, "archive") == {0: 2}
    assert passed_slots(store_url, "webhook") == {}
    assert passed_slots(store_url, "live", stack="two") == {}


def test_tubes_and_stacks_do_not_share_what_has_passed(store_url: str) -> None:
    save(store_url, [], [passed("live", {0: 9})], stack="one")
    save(store_url, [], [passed("live", {0: 2}), passed("liver", {0: 3})], stack="two")
    assert (passed_slots(store_url, "live"), passed_slots(store_url, "live", stack="two")) == ({0: 9}, {0: 2})


def test_a_receipt_that_a_mark_has_passed_is_about_no_message(store_url: str) -> None:
    save(store_url, [message(1, 1)], [passed("live", {0: 1})])
    with reader(store_url) as store:
        assert store.unsettled([time_of(1)], "live") == {time_of(1): [id_of(1)]}
        assert {name for name in store.counters("one") if "live" in name} == {"passed:live:0"}


def test_requests_are_looked_up_by_an_index(home: Path) -> None:
    statements: list[tuple[str, Any]] = []

    def record(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        statements.append((statement, parameters))

    save(f"sqlite:///{home}/store.db", [message(1, 1), message(1, 2)])
    with reader(f"sqlite:///{home}/store.db") as store:
        sqlalchemy_event.listen(Engine, "before_cursor_execute", record)
        try:
            store.archived([time_of(1), time_of(2)])
            store.unsettled([time_of(1), time_of(2)], "live")
        finally:
            sqlalchemy_event.remove(Engine, "before_cursor_execute", record)
    with closing(sqlite3.connect(home / "store.db")) as connection:
        plans = [
            [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]
            for statement, parameters in statements
            if statement.startswith("SELECT") and "received_at" in statement
        ]
    assert len(plans) == 3
    for plan in plans:
        assert "received_at=?" in plan[0]
        assert not [step for step in plan if step.startswith("SCAN") and "VIRTUAL TABLE" not in step]
