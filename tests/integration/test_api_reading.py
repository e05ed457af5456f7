"""What the API answers from the archive, as it is deployed, on both databases."""

from __future__ import annotations

import csv
import io
import random
import time
import uuid
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import msgspec
import pytest

from tests.integration.conftest import ask, line, queue_of, reads
from tests.support import beanstalkd
from tradewire import counters
from tradewire.counters import CrashSafeCounter
from tradewire.event import TradeEvent, format_time, from_microseconds, new_id
from tradewire.queue import ARCHIVE
from tradewire.receipt import Receipt
from tradewire.store.writing import StoreWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.postgres import Postgres
    from tests.support import Answer

NEWEST: Final = datetime(2026, 1, 2, 12, tzinfo=UTC)
USERS: Final = ("134259", "=1+1", "+49", "-1", "@x", 'a "quoted", b', "\u00e9t\u00e9", "'", "Ab1", "ab2")
PAIRS: Final = (("EUR", "GBP"), ("GBP", "EUR"), ("USD", "JPY"), ("EUR", "USD"))
FLAG: Final = "rate-mismatch"


def made(count: int, newest: datetime = NEWEST) -> list[TradeEvent]:
    """Make messages, newest first; some share their moment."""
    chance = random.Random(count)  # noqa: S311 - to be the same each time
    events = [
        TradeEvent(
            str(uuid.UUID(int=chance.getrandbits(128), version=4)),
            format_time(newest - timedelta(seconds=7 * (number // 2))),
            chance.choice(USERS),
            *chance.choice(PAIRS),
            chance.choice(("1000", "747.10", "0.000000000001", "999999999999999999.999999999999", "9", "10.0")),
            *("747.10", "0.7471", "2015-01-24T10:27:44Z"),
            chance.choice(("FR", "DE", "XK")),
            [FLAG] if chance.random() < 0.1 else [],
        )
        for number in range(count)
    ]
    return sorted(events, key=lambda event: (event.received_at, event.id), reverse=True)


def fill(home: Path, url: str, events: list[TradeEvent], receipts: list[Receipt] | None = None) -> None:
    """Archive messages as the stack in this home would, oldest first."""
    with closing(StoreWriter(url, counters.stack_id(home / "ledger"))) as store:
        store.migrate()
        store.save(events[::-1], receipts or [])


ALL: Final = made(300)
SHOWN, EXPIRED, DISCARDED = ALL[0].id, ALL[1].id, "d15ca4de-d000-4000-8000-000000000000"
RECEIPTS: Final = [
    Receipt("shown", "2026-01-02T12:00:01.000000Z", [SHOWN], browsers=3),
    Receipt("expired", "2026-01-02T13:00:00.000000Z", [EXPIRED], reason="age"),
    Receipt("discarded", "2026-01-02T13:00:00.000000Z", [DISCARDED], tube=ARCHIVE),
]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared(request: pytest.FixtureRequest, module_home: Path) -> Iterator[Path]:
    """Give the home of an API that runs, and its archive holds ALL."""
    if request.param == "sqlite":
        url = f"sqlite:///{module_home}/store.db"
    else:
        server: Postgres = request.getfixturevalue("postgresql")
        url = server.database()
    fill(module_home, url, ALL, RECEIPTS)
    with beanstalkd(module_home), reads(module_home, TRADEWIRE_STORE_URL=url):
        yield module_home


@pytest.fixture
def sqlite(home: Path) -> str:
    """Give the URL of a stack's own store."""
    (home / "store").mkdir()
    return f"sqlite:///{home}/store/tradewire.db"


def messages(home: Path, **query: object) -> dict[str, Any]:
    """Give a page of messages."""
    answer = ask(home, f"/api/messages?{urlencode(query)}")
    assert answer.status == 200, answer.body
    page: dict[str, Any] = answer.json
    return page


def ids(home: Path, **query: object) -> list[str]:
    """Give the ids of all messages that match, page by page."""
    found: list[str] = []
    page = messages(home, **query)
    while True:
        found += [message["id"] for message in page["messages"]]
        if page["next"] is None:
            return found
        page = messages(home, cursor=page["next"], **query)


def codes(answer: Answer, status: int) -> set[tuple[str | None, str]]:
    """Check that an answer has the form of a failure; give each fault's field and code."""
    assert answer.status == status, answer.body
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json["status"] == "FAILED"
    return {(error["field"], error["code"]) for error in answer.json["errors"]}


def test_a_page_gives_the_newest_messages_as_they_were_accepted(shared: Path) -> None:
    page = messages(shared)
    assert msgspec.convert(page["messages"], list[TradeEvent]) == ALL[:100]
    assert messages(shared, limit=7)["messages"] == page["messages"][:7]
    assert len(messages(shared, limit=1000)["messages"]) == 300


def test_the_cursor_leads_through_all_messages_once(shared: Path) -> None:
    assert ids(shared, limit=7) == [event.id for event in ALL]


FILTERS: Final[dict[str, Callable[[TradeEvent], bool]]] = {
    "from=eur": lambda one: one.currency_from == "EUR",
    "to=USD": lambda one: one.currency_to == "USD",
    "country=DE": lambda one: one.originating_country == "DE",
    "user=Ab1": lambda one: one.user_id == "Ab1",
    "user=%3D1%2B1": lambda one: one.user_id == "=1+1",
    f"flag={FLAG}": lambda one: FLAG in one.flags,
    "flag=rate": lambda one: "rate" in one.flags,
    "min=747.1&max=1000.00": lambda one: one.amount_sell in {"747.10", "1000"},
    "max=9": lambda one: Decimal(one.amount_sell) <= 9,
    "min=10": lambda one: Decimal(one.amount_sell) >= 10,
    "q=eur+Fr": lambda one: "EUR" in {one.currency_from, one.currency_to} and one.originating_country == "FR",
    "q=ab": lambda one: one.user_id.lower().startswith("ab") or one.id.startswith("ab"),
    "q=RATE-mismatch": lambda one: FLAG in one.flags,
    "q=%25": lambda one: "%" in one.user_id,
    f"q={ALL[5].id[:30].upper()}": lambda one: one.id.startswith(ALL[5].id[:30]),
    "since=2026-01-02T11:59:53Z": lambda one: one.received_at >= "2026-01-02T11:59:53.000000Z",
    "until=2026-01-02T12:59:53%2B01:00": lambda one: one.received_at < "2026-01-02T11:59:53.000000Z",
    "from=EUR&country=FR&q=ab1": lambda one: (
        (one.currency_from, one.originating_country, one.user_id) == ("EUR", "FR", "Ab1")
    ),
}


@pytest.mark.parametrize("query", FILTERS)
def test_a_filter_finds_what_it_says_and_nothing_else_in_each_form(shared: Path, query: str) -> None:
    wanted = [event for event in ALL if FILTERS[query](event)]
    page = ask(shared, f"/api/messages?{query}&limit=1000").json
    assert msgspec.convert(page["messages"], list[TradeEvent]) == wanted
    lines = ask(shared, f"/api/messages?{query}&format=ndjson").body.splitlines()
    assert [msgspec.json.decode(one, type=TradeEvent) for one in lines] == wanted
    rows = ask(shared, f"/api/messages?{query}&format=csv").body.splitlines()
    assert len(rows) == len(wanted) + 1


def test_a_csv_opens_right_in_a_spreadsheet_and_carries_no_formula(shared: Path) -> None:
    answer = ask(shared, "/api/messages?format=csv")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="tradewire-20')
    assert answer.headers["Content-Disposition"].endswith('Z.csv"')
    assert answer.body.startswith(b"\xef\xbb\xbfid,receivedAt,userId,")
    assert answer.body.count(b"\r\n") == answer.body.count(b"\n") == 301
    rows = list(csv.DictReader(io.StringIO(answer.body.decode("utf-8-sig"), newline="")))
    for row, event in zip(rows, ALL, strict=True):
        given = msgspec.to_builtins(event) | {"flags": " ".join(event.flags)}
        if event.user_id in {"=1+1", "+49", "-1", "@x"}:
            given["userId"] = f"'{event.user_id}"
        assert row == given


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_a_file_holds_at_most_as_many_as_are_asked_for(shared: Path, form: str) -> None:
    heading = form == "csv"
    assert ask(shared, f"/api/messages?format={form}&limit=10").body.count(b"\n") == 10 + heading
    assert ask(shared, f"/api/messages?format={form}&limit=100000").body.count(b"\n") == 300 + heading
    assert ask(shared, f"/api/messages?format={form}&user=nobody").body.count(b"\n") == heading


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/csv", "text/csv"),
        ("application/x-ndjson", "application/x-ndjson"),
        ("application/json", "application/json"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "application/json"),
        ("text/csv;q=0.5, application/x-ndjson;q=0.9", "application/x-ndjson"),
    ],
)
def test_accept_chooses_the_form_where_the_question_does_not(shared: Path, accept: str, kind: str) -> None:
    answer = ask(shared, "/api/messages?limit=1", Accept=accept)
    assert answer.headers["Content-Type"].split(";")[0] == kind
    assert answer.headers["Vary"] == "Accept"
    said = ask(shared, "/api/messages?limit=1&format=json", Accept=accept)
    assert said.headers["Content-Type"] == "application/json"


def test_a_form_that_there_is_not_is_refused(shared: Path) -> None:
    assert codes(ask(shared, "/api/messages", Accept="image/png"), 406) == {(None, "not-acceptable")}


@pytest.mark.parametrize(
    "target", ["/api/messages", "/api/messages?format=csv", "/api/stats", f"/api/message/{SHOWN}", "/api/openapi.json"]
)
def test_head_is_answered_as_get_is_without_the_body(shared: Path, target: str) -> None:
    head, whole = ask(shared, target, method="HEAD"), ask(shared, target)
    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Type"] == whole.headers["Content-Type"]
    assert ("Content-Disposition" in head.headers) == ("Content-Disposition" in whole.headers)


def test_every_fault_of_a_question_is_named_at_once(shared: Path) -> None:
    answer = ask(shared, "/api/messages?from=XXX&min=2&max=x&limit=0&limit=1&since=now&cursor=x&color=red&q=%00")
    assert codes(answer, 400) == {
        ("from", "unknown-currency"),
        ("max", "bad-amount"),
        ("limit", "repeated-parameter"),
        ("since", "bad-time"),
        ("cursor", "bad-cursor"),
        ("color", "unknown-parameter"),
        ("q", "control-character"),
    }
    assert codes(ask(shared, "/api/stats?window=1y&country=ZZ"), 400) == {
        ("window", "bad-window"),
        ("country", "unknown-country"),
    }
    assert codes(ask(shared, f"/api/message/{SHOWN}?x=1"), 400) == {("x", "unknown-parameter")}


def trace(home: Path, message_id: str) -> Any:
    """Give all that is known of a message."""
    answer = ask(home, f"/api/message/{message_id}")
    assert answer.status == 200, answer.body
    return answer.json


def test_a_message_comes_with_what_became_of_it_in_order_of_time(shared: Path) -> None:
    found = trace(shared, SHOWN.upper())
    assert found["id"] == SHOWN
    assert msgspec.convert(found["message"], TradeEvent) == ALL[0]
    accepted, shown, archived = found["trace"]
    assert accepted == {"kind": "accepted", "at": ALL[0].received_at}
    assert shown == {"kind": "shown", "at": "2026-01-02T12:00:01.000000Z", "tube": "live", "browsers": 3}
    assert (archived["kind"], archived["at"] > shown["at"]) == ("archived", True)
    assert trace(shared, EXPIRED)["trace"][1] == {
        "kind": "expired",
        "at": "2026-01-02T13:00:00.000000Z",
        "tube": "live",
        "reason": "age",
    }


def test_receipts_without_their_message_are_a_trace_all_the_same(shared: Path) -> None:
    found = trace(shared, DISCARDED)
    assert found["message"] is None
    assert [entry["kind"] for entry in found["trace"]] == ["discarded"]


def test_a_message_that_is_not_there_may_be_yet_to_come(shared: Path) -> None:
    answer = ask(shared, f"/api/message/{new_id()}")
    assert codes(answer, 404) == {("id", "not-found")}
    assert answer.headers["Retry-After"] == "1"
    assert "not be archived yet" in answer.json["errors"][0]["detail"]
    assert codes(ask(shared, "/api/message/1"), 400) == {("id", "bad-id")}


def stats(home: Path, query: str) -> dict[str, Any]:
    """Give statistics."""
    answer = ask(home, f"/api/stats?{query}")
    assert answer.status == 200, answer.body
    found: dict[str, Any] = answer.json
    return found


def test_statistics_are_the_sums_of_the_messages_in_whole_steps(shared: Path) -> None:
    found = stats(shared, "since=2026-01-02T11:50:30Z&until=2026-01-02T12:00:00.5Z")
    counted = [event for event in ALL if event.received_at >= "2026-01-02T11:50"]
    assert (found["since"], found["until"], found["step"]) == ("2026-01-02T11:50:00Z", "2026-01-02T12:01:00Z", 60)
    assert found["total"] == {"count": len(counted), "flagged": sum(bool(one.flags) for one in counted)}
    assert [one["count"] for one in found["countries"]] == sorted(one["count"] for one in found["countries"])[::-1]
    for one in found["pairs"]:
        of_pair = [
            each
            for each in counted
            if (each.currency_from, each.currency_to) == (one["currencyFrom"], one["currencyTo"])
        ]
        with localcontext(prec=60):
            sold = sum((Decimal(each.amount_sell) for each in of_pair), Decimal(0))
            bought = sum((Decimal(each.amount_buy) for each in of_pair), Decimal(0))
        assert (one["count"], Decimal(one["sold"]), Decimal(one["bought"])) == (len(of_pair), sold, bought)
        assert abs(Decimal(one["vwap"]) / (bought / sold) - 1) < Decimal("1e-11")
        assert {one[name] for name in ("open", "high", "low", "last")} == {"0.7471"}
    assert sum(step["count"] for step in found["series"]) == len(counted)
    assert [step["start"] for step in found["series"]] == sorted(step["start"] for step in found["series"])
    assert found["series"][0].keys() == {"start", "count", "flagged"}


def test_statistics_of_one_pair_and_country_have_money_in_their_series(shared: Path) -> None:
    found = stats(shared, "since=2026-01-02T00:00:00Z&until=2026-01-03T00:00:00Z&from=EUR&to=GBP&country=FR")
    counted = [
        event
        for event in ALL
        if (event.currency_from, event.currency_to, event.originating_country) == ("EUR", "GBP", "FR")
    ]
    assert found["total"]["count"] == len(counted)
    assert found["series"][0].keys() == {
        *("start", "count", "flagged", "sold", "bought", "vwap", "open", "high", "low", "close"),
    }


def test_a_window_that_nothing_fell_into_is_empty(shared: Path) -> None:
    found = stats(shared, "window=15m")
    assert found["total"] == {"count": 0, "flagged": 0}
    assert found["pairs"] == found["countries"] == found["series"] == []


@pytest.mark.parametrize(
    "target",
    [f"/api/message/{SHOWN}", "/api/stats?since=2026-01-01T00:00:00Z&until=2026-01-03T00:00:00Z", "/api/openapi.json"],
)
def test_who_has_an_answer_already_is_told_so(shared: Path, target: str) -> None:
    first = ask(shared, target)
    assert first.headers["Cache-Control"] == "no-cache"
    again = ask(shared, target, If_None_Match=f'"x", W/{first.headers["ETag"]}')
    assert (again.status, again.body, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert "Content-Length" not in again.headers
    assert ask(shared, target, If_None_Match='"x"').body == first.body


def test_pages_never_skip_or_repeat_while_new_messages_arrive(home: Path, sqlite: str) -> None:
    old, new = made(50), made(20, NEWEST + timedelta(minutes=1))
    fill(home, sqlite, old)
    with beanstalkd(home), reads(home):
        page = messages(home, limit=20)
        found = [message["id"] for message in page["messages"]]
        while page["next"]:
            fill(home, sqlite, [new.pop()])
            page = messages(home, limit=20, cursor=page["next"])
            found += [message["id"] for message in page["messages"]]
        assert found == [event.id for event in old]


def test_without_a_store_the_answer_is_503_until_it_is_there(home: Path, sqlite: str) -> None:
    with beanstalkd(home), reads(home):
        for target in ("/api/messages", "/api/messages?format=csv", f"/api/message/{SHOWN}", "/api/stats"):
            answer = ask(home, target)
            assert codes(answer, 503) == {(None, "unavailable")}
            assert answer.headers["Retry-After"] == "1"
            assert "confirmed" not in answer.json["errors"][0]["detail"]
        fill(home, sqlite, ALL)
        assert len(messages(home)["messages"]) == 100
        (home / "store/tradewire.db").rename(home / "store/elsewhere.db")
        assert ask(home, "/api/messages").status == 503


def up_to(home: Path) -> datetime | None:
    """Give the moment up to which the archive says that it is complete."""
    text = messages(home)["archivedUpTo"]
    return None if text is None else datetime.fromisoformat(text)


def test_the_archive_is_complete_up_to_now_where_nothing_is_on_its_way(home: Path, sqlite: str) -> None:
    fill(home, sqlite, [])
    with beanstalkd(home), reads(home):
        before = datetime.now(UTC)
        found = up_to(home)
        assert found
        assert before - timedelta(seconds=0.2) < found < datetime.now(UTC)


def test_the_archive_is_not_complete_beyond_a_request_that_is_in_hand(home: Path, sqlite: str) -> None:
    fill(home, sqlite, [])
    with beanstalkd(home), reads(home), closing(CrashSafeCounter(home / "ledger")) as counting:
        received_at = counting.start_request()
        time.sleep(0.2)  # what is in hand is trusted before the clock is
        assert up_to(home) == from_microseconds(received_at)
        counting.end_request(received_at)
        found = up_to(home)
        assert found
        assert found > from_microseconds(received_at)


def test_while_messages_wait_the_archive_is_complete_up_to_the_last_one_saved_or_so(home: Path, sqlite: str) -> None:
    fill(home, sqlite, [])
    with reads(home):
        with beanstalkd(home), queue_of(home) as queue:
            queue.put(line(), [ARCHIVE])
            assert up_to(home) is None
            fill(home, sqlite, ALL)
            assert up_to(home) == NEWEST - timedelta(seconds=5)
            queue.reserve(ARCHIVE, 1, 0)
            assert up_to(home) == NEWEST - timedelta(seconds=5)
        assert up_to(home) == NEWEST - timedelta(seconds=5)  # the queue is away
