"""The api-query program in its deployed configuration: messages and statistics from both databases."""

from __future__ import annotations

import csv
import io
import random
import time
import uuid
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import msgspec
import pytest

from tests.integration.conftest import call_query, event_json, open_queue, query_api
from tests.support import TUBES, beanstalkd
from tradewire.event import TradeEvent, format_time, from_microseconds, new_id, to_microseconds
from tradewire.ledger import counters, losses, slots
from tradewire.ledger.counters import Counter
from tradewire.ledger.losses import Loss
from tradewire.ledger.slot_writer import SlotWriter
from tradewire.queue import ARCHIVE
from tradewire.receipt import Receipt, passed
from tradewire.settings import Settings
from tradewire.store.writing import StoreWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.postgres import Postgres
    from tests.support import Response

NEWEST: Final = datetime(2026, 1, 2, 12, tzinfo=UTC)
USERS: Final = ("134259", "=1+1", "+49", "-1", "@x", 'a "quoted", b', "\u00e9t\u00e9", "'", "Ab1", "ab2")
PAIRS: Final = (("EUR", "GBP"), ("GBP", "EUR"), ("USD", "JPY"), ("EUR", "USD"))
FLAG: Final = "rate-mismatch"


def make_events(count: int, newest: datetime = NEWEST) -> list[TradeEvent]:
    """Return events, newest first. Some have the same time."""
    chance = random.Random(count)  # noqa: S311 - the same events each time
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


def fill_archive(home: Path, url: str, events: list[TradeEvent], receipts: list[Receipt] | None = None) -> None:
    """Save events to the archive as the stack in this home would, oldest first."""
    with closing(StoreWriter(url, counters.stack_id(home / "ledger"))) as store:
        store.migrate()
        store.save(events[::-1], receipts or [])


ALL: Final = make_events(300)
SHOWN, EXPIRED, DISCARDED = ALL[0].id, ALL[1].id, "d15ca4de-d000-4000-8000-000000000000"
RECEIPTS: Final = [
    Receipt("shown", "2026-01-02T12:00:01.000000Z", [SHOWN], browsers=3),
    Receipt("expired", "2026-01-02T13:00:00.000000Z", [EXPIRED], reason="age"),
    Receipt("discarded", "2026-01-02T13:00:00.000000Z", [DISCARDED], tube=ARCHIVE),
]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared(request: pytest.FixtureRequest, module_home: Path) -> Iterator[Path]:
    """Return the home directory of a running api-query whose archive holds ALL."""
    if request.param == "sqlite":
        url = f"sqlite:///{module_home}/store.db"
    else:
        server: Postgres = request.getfixturevalue("postgresql")
        url = server.create_database()
    fill_archive(module_home, url, ALL, RECEIPTS)
    with beanstalkd(module_home), query_api(module_home, TRADEWIRE_STORE_URL=url):
        yield module_home


@pytest.fixture
def default_store(home: Path) -> str:
    """Create the folder of the default store and return the store's URL."""
    (home / "store").mkdir()
    return f"sqlite:///{home}/store/tradewire.db"


def get_page(home: Path, **query: object) -> dict[str, Any]:
    """Return a page of messages."""
    response = call_query(home, f"/api/messages?{urlencode(query)}")
    assert response.status == 200, response.body
    page: dict[str, Any] = response.json
    return page


def all_ids(home: Path, **query: object) -> list[str]:
    """Return the ids of all messages that match, read page by page."""
    ids: list[str] = []
    page = get_page(home, **query)
    while True:
        ids += [message["id"] for message in page["messages"]]
        if page["next"] is None:
            return ids
        page = get_page(home, cursor=page["next"], **query)


def fault_codes(response: Response, status: int) -> set[tuple[str | None, str]]:
    """Check that a response has the error format. Return the field and code of each fault."""
    assert response.status == status, response.body
    assert response.headers["Content-Type"] == "application/json"
    assert response.json["status"] == "FAILED"
    return {(error["field"], error["code"]) for error in response.json["errors"]}


def test_a_page_has_the_newest_messages_unchanged(shared: Path) -> None:
    page = get_page(shared)
    assert msgspec.convert(page["messages"], list[TradeEvent]) == ALL[:100]
    assert get_page(shared, limit=7)["messages"] == page["messages"][:7]
    assert len(get_page(shared, limit=1000)["messages"]) == 300


def test_following_the_cursor_returns_every_message_once(shared: Path) -> None:
    assert all_ids(shared, limit=7) == [event.id for event in ALL]


FILTERS: Final[dict[str, Callable[[TradeEvent], bool]]] = {
    "from=eur": lambda event: event.currency_from == "EUR",
    "to=USD": lambda event: event.currency_to == "USD",
    "country=DE": lambda event: event.originating_country == "DE",
    "user=Ab1": lambda event: event.user_id == "Ab1",
    "user=%3D1%2B1": lambda event: event.user_id == "=1+1",
    f"flag={FLAG}": lambda event: FLAG in event.flags,
    "flag=rate": lambda event: "rate" in event.flags,
    "min=747.1&max=1000.00": lambda event: event.amount_sell in {"747.10", "1000"},
    "max=9": lambda event: Decimal(event.amount_sell) <= 9,
    "min=10": lambda event: Decimal(event.amount_sell) >= 10,
    "q=eur+Fr": lambda event: "EUR" in {event.currency_from, event.currency_to} and event.originating_country == "FR",
    "q=ab": lambda event: event.user_id.lower().startswith("ab") or event.id.startswith("ab"),
    "q=RATE-mismatch": lambda event: FLAG in event.flags,
    "q=%25": lambda event: "%" in event.user_id,
    f"q={ALL[5].id[:30].upper()}": lambda event: event.id.startswith(ALL[5].id[:30]),
    "since=2026-01-02T11:59:53Z": lambda event: event.received_at >= "2026-01-02T11:59:53.000000Z",
    "until=2026-01-02T12:59:53%2B01:00": lambda event: event.received_at < "2026-01-02T11:59:53.000000Z",
    "from=EUR&country=FR&q=ab1": lambda event: (
        (event.currency_from, event.originating_country, event.user_id) == ("EUR", "FR", "Ab1")
    ),
}


@pytest.mark.parametrize("query", FILTERS)
def test_a_filter_returns_exactly_the_matching_messages_in_every_format(shared: Path, query: str) -> None:
    expected = [event for event in ALL if FILTERS[query](event)]
    page = call_query(shared, f"/api/messages?{query}&limit=1000").json
    assert msgspec.convert(page["messages"], list[TradeEvent]) == expected
    lines = call_query(shared, f"/api/messages?{query}&format=ndjson").body.splitlines()
    assert [msgspec.json.decode(line, type=TradeEvent) for line in lines] == expected
    rows = call_query(shared, f"/api/messages?{query}&format=csv").body.splitlines()
    assert len(rows) == len(expected) + 1
    range_ = "" if "since" in query or "until" in query else "&since=2026-01-01T00:00:00Z"
    result = get_stats(shared, f"{query}{range_}")
    assert result["total"]["count"] == len(expected)
    assert sum(row["count"] for row in result["pairs"]) == len(expected)


def sorted_ids(home: Path, **query: object) -> list[str]:
    """Return the ids of all messages in an order, read by pages of 40."""
    assert get_page(home, **query)["basis"] is None
    return all_ids(home, limit=40, **query)


def test_messages_can_be_sorted_by_a_field_over_all_pages(shared: Path) -> None:
    def by(name: str) -> Callable[[TradeEvent], Decimal]:
        return lambda event: Decimal(getattr(event, name))

    euros = [event for event in ALL if event.currency_from == "EUR"]
    pounds = [event for event in ALL if (event.currency_from, event.currency_to) == ("GBP", "EUR")]
    ids = sorted_ids(shared, sort="-amountSell", **{"from": "EUR"})
    amounts = {event.id: Decimal(event.amount_sell) for event in euros}
    assert [amounts.pop(id_) for id_ in ids] == sorted(map(by("amount_sell"), euros), reverse=True)
    assert not amounts
    assert sorted_ids(shared, sort="rate", **{"from": "GBP", "to": "EUR"}) == [event.id for event in pounds]
    assert sorted_ids(shared, sort="receivedAt") == [event.id for event in ALL[::-1]]
    by_user = sorted(ALL, key=lambda event: event.user_id.encode())
    assert sorted_ids(shared, sort="userId") == [event.id for event in by_user]


def test_an_amount_is_sorted_by_only_in_one_currency(shared: Path) -> None:
    response = call_query(shared, "/api/messages?sort=-amountSell&to=GBP")
    assert fault_codes(response, 400) == {("from", "missing")}
    assert "it names the currency" in response.json["errors"][0]["detail"]


def test_a_csv_export_opens_correctly_in_a_spreadsheet_and_contains_no_formula(shared: Path) -> None:
    response = call_query(shared, "/api/messages?format=csv")
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
    assert response.headers["Content-Disposition"].startswith('attachment; filename="tradewire-20')
    assert response.headers["Content-Disposition"].endswith('Z.csv"')
    assert response.body.startswith(b"\xef\xbb\xbfid,receivedAt,userId,")
    assert response.body.count(b"\r\n") == response.body.count(b"\n") == 301
    rows = list(csv.DictReader(io.StringIO(response.body.decode("utf-8-sig"), newline="")))
    absent = dict.fromkeys(TradeEvent.__struct_encode_fields__, "")
    for row, event in zip(rows, ALL, strict=True):
        expected = absent | msgspec.to_builtins(event) | {"flags": " ".join(event.flags)}
        if event.user_id in {"=1+1", "+49", "-1", "@x"}:
            expected["userId"] = f"'{event.user_id}"
        assert row == expected


def test_a_csv_export_can_have_semicolons_and_a_decimal_comma(shared: Path) -> None:
    body = call_query(shared, "/api/messages?format=csv&separator=;").body.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(body, newline=""), delimiter=";"))
    assert [row["amountBuy"] for row in rows] == [event.amount_buy.replace(".", ",") for event in ALL]


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_an_export_has_at_most_limit_messages(shared: Path, form: str) -> None:
    header_rows = form == "csv"
    assert call_query(shared, f"/api/messages?format={form}&limit=10").body.count(b"\n") == 10 + header_rows
    assert call_query(shared, f"/api/messages?format={form}&limit=100000").body.count(b"\n") == 300 + header_rows
    assert call_query(shared, f"/api/messages?format={form}&user=nobody").body.count(b"\n") == header_rows


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("text/csv", "text/csv"),
        ("application/x-ndjson", "application/x-ndjson"),
        ("application/json", "application/json"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "application/json"),
        ("text/csv;q=0.5, application/x-ndjson;q=0.9", "application/x-ndjson"),
    ],
)
def test_the_accept_header_chooses_the_format_if_the_query_does_not(shared: Path, accept: str, media_type: str) -> None:
    response = call_query(shared, "/api/messages?limit=1", Accept=accept)
    assert response.headers["Content-Type"].split(";")[0] == media_type
    assert response.headers["Vary"] == "Accept"
    explicit = call_query(shared, "/api/messages?limit=1&format=json", Accept=accept)
    assert explicit.headers["Content-Type"] == "application/json"


def test_an_unsupported_media_type_is_refused(shared: Path) -> None:
    assert fault_codes(call_query(shared, "/api/messages", Accept="image/png"), 406) == {(None, "not-acceptable")}


@pytest.mark.parametrize(
    "target", ["/api/messages", "/api/messages?format=csv", "/api/stats", f"/api/message/{SHOWN}", "/api/openapi.json"]
)
def test_head_gives_the_headers_of_get_without_a_body(shared: Path, target: str) -> None:
    head, get = call_query(shared, target, method="HEAD"), call_query(shared, target)
    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Type"] == get.headers["Content-Type"]
    assert ("Content-Disposition" in head.headers) == ("Content-Disposition" in get.headers)


def test_all_faults_of_a_query_are_named_at_once(shared: Path) -> None:
    response = call_query(
        shared, "/api/messages?from=XXX&min=2&max=x&limit=0&limit=1&since=now&cursor=x&color=red&q=%00"
    )
    assert fault_codes(response, 400) == {
        ("from", "unknown-currency"),
        ("max", "bad-amount"),
        ("limit", "repeated-parameter"),
        ("since", "bad-time"),
        ("cursor", "bad-cursor"),
        ("color", "unknown-parameter"),
        ("q", "control-character"),
    }
    for path in ("/api/messages", "/api/stats"):
        assert fault_codes(call_query(shared, f"{path}?window=1y&country=ZZ&min=abc&flag=A"), 400) == {
            ("window", "bad-window"),
            ("country", "unknown-country"),
            ("min", "bad-amount"),
            ("flag", "bad-flag"),
        }
        assert fault_codes(call_query(shared, f"{path}?min=10&max=5"), 400) == {("max", "empty-range")}
    assert fault_codes(call_query(shared, f"/api/message/{SHOWN}?x=1"), 400) == {("x", "unknown-parameter")}


def get_message(home: Path, message_id: str) -> Any:
    """Return a message with its trace."""
    response = call_query(home, f"/api/message/{message_id}")
    assert response.status == 200, response.body
    return response.json


def test_a_message_has_a_trace_in_order_of_time(shared: Path) -> None:
    result = get_message(shared, SHOWN.upper())
    assert result["id"] == SHOWN
    assert msgspec.convert(result["message"], TradeEvent) == ALL[0]
    accepted, shown, archived = result["trace"]
    assert accepted == {"kind": "accepted", "at": ALL[0].received_at}
    assert shown == {"kind": "shown", "at": "2026-01-02T12:00:01.000000Z", "tube": "live", "browsers": 3}
    assert (archived["kind"], archived["at"] > shown["at"]) == ("archived", True)
    assert get_message(shared, EXPIRED)["trace"][1] == {
        "kind": "expired",
        "at": "2026-01-02T13:00:00.000000Z",
        "tube": "live",
        "reason": "age",
    }


def test_receipts_without_their_message_are_shown_as_a_trace(shared: Path) -> None:
    result = get_message(shared, DISCARDED)
    assert result["message"] is None
    assert [entry["kind"] for entry in result["trace"]] == ["discarded"]


def test_a_lost_message_has_a_trace_that_names_the_tube_and_the_time(shared: Path) -> None:
    lost = f"{uuid.UUID(int=77)}"
    received_at, named_at = "2026-01-02T12:00:00.000001Z", "2026-01-02T12:00:05.000000Z"
    microseconds = to_microseconds(datetime.fromisoformat(received_at))
    folder = Settings(home=shared).counters
    for settled in (False, True):
        if settled:
            losses.settle(folder, "2026-01-02T13:00:00Z")
        else:
            losses.name(folder, [Loss("archive", microseconds, 1, 1, lost, [lost], named_at)])
        assert get_message(shared, lost) == {
            "id": lost,
            "message": None,
            "trace": [
                {"kind": "accepted", "at": received_at},
                {"kind": "lost", "at": named_at, "tube": "archive"},
            ],
        }


def test_a_message_that_another_tube_lost_is_found_with_its_loss(shared: Path) -> None:
    found_id, named_at = ALL[5].id, "2026-01-02T12:00:05.000000Z"
    losses.name(Settings(home=shared).counters, [Loss("live", 7, 1, 1, found_id, [found_id], named_at)])
    found = get_message(shared, found_id)
    assert found["message"]["id"] == found_id
    assert {"kind": "lost", "at": named_at, "tube": "live"} in found["trace"]
    assert [entry["kind"] for entry in found["trace"]].count("accepted") == 1


def test_the_404_for_an_unknown_message_says_that_it_may_arrive_later(shared: Path) -> None:
    response = call_query(shared, f"/api/message/{new_id()}")
    assert fault_codes(response, 404) == {("id", "not-archived-yet")}
    assert response.headers["Retry-After"] == "1"
    assert "not be archived yet" in response.json["errors"][0]["detail"]
    assert fault_codes(call_query(shared, "/api/message/1"), 400) == {("id", "bad-id")}


def test_the_404_for_an_older_message_says_that_it_was_not_accepted_or_is_lost(shared: Path) -> None:
    of_1970 = "00000000-0001-7000-8000-000000000000"
    response = call_query(shared, f"/api/message/{of_1970}")
    assert fault_codes(response, 404) == {("id", "not-found")}
    assert "it was not accepted here, or it was lost" in response.json["errors"][0]["detail"]
    keyed = "00000000-0001-8000-8000-000000000000"  # has no time
    assert fault_codes(call_query(shared, f"/api/message/{keyed}"), 404) == {("id", "not-archived-yet")}


def get_stats(home: Path, query: str) -> dict[str, Any]:
    """Return statistics."""
    response = call_query(home, f"/api/stats?{query}")
    assert response.status == 200, response.body
    result: dict[str, Any] = response.json
    return result


def test_statistics_are_the_sums_of_the_messages_of_the_range(shared: Path) -> None:
    result = get_stats(shared, "since=2026-01-02T11:50:30Z&until=2026-01-02T12:00:00.5Z")
    counted = [event for event in ALL if event.received_at >= "2026-01-02T11:50:30"]
    assert (result["since"], result["until"]) == ("2026-01-02T11:50:30.000000Z", "2026-01-02T12:00:00.500000Z")
    assert (result["step"], result["basis"], result["series"][0]["start"]) == (60, None, "2026-01-02T11:50:00Z")
    assert result["total"] == {"count": len(counted), "flagged": sum(bool(event.flags) for event in counted)}
    assert [row["count"] for row in result["countries"]] == sorted(row["count"] for row in result["countries"])[::-1]
    for row in result["pairs"]:
        of_pair = [
            event
            for event in counted
            if (event.currency_from, event.currency_to) == (row["currencyFrom"], row["currencyTo"])
        ]
        with localcontext(prec=60):
            sold = sum((Decimal(event.amount_sell) for event in of_pair), Decimal(0))
            bought = sum((Decimal(event.amount_buy) for event in of_pair), Decimal(0))
        assert (row["count"], Decimal(row["sold"]), Decimal(row["bought"])) == (len(of_pair), sold, bought)
        assert abs(Decimal(row["vwap"]) / (bought / sold) - 1) < Decimal("1e-11")
        assert {row[name] for name in ("open", "high", "low", "last")} == {"0.7471"}
    assert sum(step["count"] for step in result["series"]) == len(counted)
    assert [step["start"] for step in result["series"]] == sorted(step["start"] for step in result["series"])
    assert result["series"][0].keys() == {"start", "count", "flagged"}


def test_the_series_of_a_pair_has_amounts_and_rates(shared: Path) -> None:
    result = get_stats(shared, "since=2026-01-02T00:00:00Z&until=2026-01-03T00:00:00Z&from=EUR&to=GBP&country=FR")
    counted = [
        event
        for event in ALL
        if (event.currency_from, event.currency_to, event.originating_country) == ("EUR", "GBP", "FR")
    ]
    assert result["total"]["count"] == len(counted)
    assert result["series"][0].keys() == {
        *("start", "count", "flagged", "sold", "bought", "vwap", "open", "high", "low", "close"),
    }


def test_a_window_without_messages_has_empty_statistics(shared: Path) -> None:
    result = get_stats(shared, "window=15m")
    assert result["total"] == {"count": 0, "flagged": 0}
    assert result["pairs"] == result["countries"] == result["series"] == []


@pytest.mark.parametrize(
    "target",
    [f"/api/message/{SHOWN}", "/api/stats?since=2026-01-01T00:00:00Z&until=2026-01-03T00:00:00Z", "/api/openapi.json"],
)
def test_a_request_with_a_current_etag_gets_304(shared: Path, target: str) -> None:
    first = call_query(shared, target)
    assert first.headers["Cache-Control"] == "no-cache"
    conditional = call_query(shared, target, If_None_Match=f'"x", W/{first.headers["ETag"]}')
    assert (conditional.status, conditional.body, conditional.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert "Content-Length" not in conditional.headers
    assert call_query(shared, target, If_None_Match='"x"').body == first.body


def test_pages_never_skip_or_repeat_a_message_while_new_ones_arrive(home: Path, default_store: str) -> None:
    old, new = make_events(50), make_events(20, NEWEST + timedelta(minutes=1))
    fill_archive(home, default_store, old)
    with beanstalkd(home), query_api(home):
        page = get_page(home, limit=20)
        ids = [message["id"] for message in page["messages"]]
        while page["next"]:
            fill_archive(home, default_store, [new.pop()])
            page = get_page(home, limit=20, cursor=page["next"])
            ids += [message["id"] for message in page["messages"]]
        assert ids == [event.id for event in old]


def test_without_a_store_the_status_is_503_until_it_exists(home: Path, default_store: str) -> None:
    with beanstalkd(home), query_api(home):
        for target in ("/api/messages", "/api/messages?format=csv", f"/api/message/{SHOWN}", "/api/stats"):
            response = call_query(home, target)
            assert fault_codes(response, 503) == {(None, "unavailable")}
            assert response.headers["Retry-After"] == "1"
            assert "confirmed" not in response.json["errors"][0]["detail"]
        fill_archive(home, default_store, ALL)
        assert len(get_page(home)["messages"]) == 100
        (home / "store/tradewire.db").rename(home / "store/elsewhere.db")
        assert call_query(home, "/api/messages").status == 503


def archived_up_to(home: Path) -> datetime:
    """Return the watermark: the time up to which the archive reports that it is complete."""
    return datetime.fromisoformat(get_page(home)["archivedUpTo"])


@contextmanager
def slot_writer(home: Path) -> Iterator[SlotWriter]:
    """Record requests as an ingest process."""
    with closing(Counter(home / "ledger")) as counter, closing(SlotWriter(home / "ledger", counter, TUBES)) as writer:
        yield writer


def test_the_watermark_is_now_when_nothing_is_in_flight(home: Path, default_store: str) -> None:
    fill_archive(home, default_store, [])
    with beanstalkd(home), query_api(home):
        before = datetime.now(UTC)
        assert before - timedelta(seconds=0.2) < archived_up_to(home) < datetime.now(UTC)


def test_the_watermark_stays_before_a_request_in_flight(home: Path, default_store: str) -> None:
    fill_archive(home, default_store, [])
    with beanstalkd(home), query_api(home), slot_writer(home) as writer:
        before = datetime.now(UTC)
        request = writer.start()
        received_at = from_microseconds(request.received_at)
        time.sleep(0.2)  # longer than the margin between clock and watermark
        watermark = archived_up_to(home)
        assert before - timedelta(seconds=0.001) < watermark <= received_at
        assert archived_up_to(home) == watermark
        request.end()
        assert archived_up_to(home) > received_at


def test_while_jobs_wait_the_watermark_stays_before_the_oldest_slot_that_has_not_passed(
    home: Path, default_store: str
) -> None:
    fill_archive(home, default_store, [])
    with query_api(home), slot_writer(home) as writer:
        writer.start().end()
        [slot] = slots.names(home / "ledger")
        with beanstalkd(home), open_queue(home) as queue:
            queue.put(event_json(), [ARCHIVE])
            assert archived_up_to(home) == from_microseconds(slot.label)
            [job] = queue.reserve(ARCHIVE, 1, 0)
            assert archived_up_to(home) == from_microseconds(slot.label)
            queue.delete([job])
            assert archived_up_to(home) > from_microseconds(slot.label), "the archive's tube is empty"
            queue.put(event_json(), [ARCHIVE])
            assert archived_up_to(home) == from_microseconds(slot.label)
        assert archived_up_to(home) == from_microseconds(slot.label), "beanstalkd has stopped"
        fill_archive(home, default_store, [], [passed(ARCHIVE, {slot.process: slot.number})])
        assert archived_up_to(home) > from_microseconds(slot.label)
