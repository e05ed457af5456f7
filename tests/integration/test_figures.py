"""The figures of the API, on a whole stack: statistics, messages and exports agree with each other and the producer.

`pytest tests/integration/test_figures.py --combinations 200` tries more combinations of filters and ranges.
"""

from __future__ import annotations

import random
import shutil
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import msgspec
import pytest

from tests.stack import Stack, stack
from tests.support import EXAMPLE, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.postgres import Postgres

Message = dict[str, Any]

CURRENCIES: Final = ("EUR", "GBP", "USD", "JPY")
COUNTRIES: Final = ("FR", "GB", "XK")
USERS: Final = ("1", "12", "Anna", "anton", "EUR")
AMOUNTS: Final = ("0.000000000001", "1", "9.5", "10", "747.10", "10000.01", "999999999999999999.999999999999")
FLAG: Final = "rate-mismatch"
REQUESTS: Final = 60


@dataclass
class Filled:
    """A stack with archived messages."""

    stack: Stack
    posted: list[Message]
    """The producer's own list, newest first, with the time of receipt of the archive."""

    def read(self, path: str, **query: str) -> bytes:
        """Read through nginx. It allows only some reads a second."""
        while (response := self.stack.get(f"{path}?{urlencode(query)}")).status == 429:
            time.sleep(int(response.headers["Retry-After"]))
        assert response.status == 200, response.body
        body: bytes = response.body
        return body

    def messages(self, **query: str) -> list[Message]:
        """Return the messages of all pages."""
        found: list[Message] = []
        page: Message = {"next": ""}
        while page["next"] is not None:
            cursor = {"cursor": page["next"]} if page["next"] else {}
            page = msgspec.json.decode(self.read("/api/messages", limit="500", **cursor, **query))
            found += page["messages"]
        return found


def produce(running: Stack) -> list[Message]:
    """Post messages in batches and alone. Return them by the producer's own account, with their ids."""
    chance = random.Random(14)  # noqa: S311 - the same messages each time
    posted: list[Message] = []
    for number in range(REQUESTS):
        batch = [message(chance) for _ in range(chance.choice((1, 5, 25)))]
        body = b"\n".join(map(msgspec.json.encode, batch))
        response = running.get("/api/messages", method="POST", body=body)
        assert response.status == 201, response.body
        posted += [sent | {"id": id_, "request": number} for sent, id_ in zip(batch, response.json["ids"], strict=True)]
    return posted


def message(chance: random.Random) -> Message:
    sold, bought = chance.sample(CURRENCIES, 2)
    rate = chance.choice(("0.7471", "2", "160.25", "9.99"))
    amount = chance.choice(AMOUNTS[1:-1])
    return EXAMPLE | {
        "userId": chance.choice(USERS),
        "currencyFrom": sold,
        "currencyTo": bought,
        "amountSell": amount,
        "amountBuy": format(Decimal(amount) * Decimal(rate), "f"),
        "rate": chance.choice((rate, rate, rate, "1000")),
        "originatingCountry": chance.choice(COUNTRIES),
    }


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def filled(request: pytest.FixtureRequest) -> Iterator[Filled]:
    """Return a stack that has archived all messages of a producer."""
    settings = {"RATE_LIMIT": "off", "BATCH_RATE_LIMIT": "off"}
    if request.param == "postgresql":
        server: Postgres = request.getfixturevalue("postgresql")
        settings["STORE_URL"] = server.create_database()
    home = Path(tempfile.mkdtemp(prefix="tw-", dir="/tmp"))
    home.chmod(0o755)
    (home / "sock/workers").mkdir(parents=True)
    with stack(home, **settings) as running:
        running.wait_ready()
        result = Filled(running, produce(running))
        wait_until(lambda: len(result.messages()) == len(result.posted), "all messages are archived")
        received = {archived["id"]: archived["receivedAt"] for archived in result.messages()}
        for sent in result.posted:
            sent["receivedAt"] = received[sent["id"]]
        result.posted.sort(key=lambda sent: (sent["receivedAt"], sent["id"]), reverse=True)
        yield result
    shutil.rmtree(home, ignore_errors=True)


def is_flagged(sent: Message) -> bool:
    return bool(sent["rate"] == "1000")


def word_matches(sent: Message, word: str) -> bool:
    codes = {sent["currencyFrom"], sent["currencyTo"], sent["originatingCountry"]}
    starts = sent["userId"].lower().startswith(word.lower()) or sent["id"].startswith(word.lower())
    return word.upper() in codes or starts or (is_flagged(sent) and word.lower() == FLAG)


def combination(chance: random.Random, posted: Sequence[Message]) -> dict[str, str]:
    """Choose filters and a time range."""
    times = [datetime.fromisoformat(sent["receivedAt"]) for sent in chance.sample(posted, 2)]
    since, until = (format_time(at + timedelta(microseconds=chance.randrange(-1, 2))) for at in sorted(times))
    ranges = [{"since": since}, {"until": until}, {"since": since, "until": until}, {"window": "1h"}, {"window": "90d"}]
    low, high = sorted(map(Decimal, chance.sample(AMOUNTS, 2)))
    filters = {
        "user": chance.choice(USERS),
        "from": chance.choice(CURRENCIES),
        "to": chance.choice(CURRENCIES),
        "country": chance.choice(COUNTRIES),
        "flag": chance.choice((FLAG, FLAG, "other")),
        "min": format(low, "f"),
        "max": format(high, "f"),
        "q": " ".join(
            chance.sample(("eur", "an", "1", "fr", "GBP", FLAG, posted[0]["id"][:8]), chance.randrange(1, 3))
        ),
    }
    names = chance.sample(list(filters), chance.choice((0, 1, 1, 2, 2, 3)))
    return {name: filters[name] for name in names} | chance.choice([range_ for range_ in ranges if in_order(range_)])


def in_order(range_: dict[str, str]) -> bool:
    return range_.get("since", "") < range_.get("until", "9")


def format_time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def matches(sent: Message, query: dict[str, str]) -> bool:
    """Return whether a query matches a message, without the API."""
    sold, zero, infinity = Decimal(sent["amountSell"]), Decimal(0), Decimal("Infinity")
    return (
        query.get("user", sent["userId"]) == sent["userId"]
        and query.get("from", sent["currencyFrom"]) == sent["currencyFrom"]
        and query.get("to", sent["currencyTo"]) == sent["currencyTo"]
        and query.get("country", sent["originatingCountry"]) == sent["originatingCountry"]
        and ("flag" not in query or (query["flag"] == FLAG and is_flagged(sent)))
        and Decimal(query.get("min", zero)) <= sold <= Decimal(query.get("max", infinity))
        and query.get("since", "") <= sent["receivedAt"] < query.get("until", "9")
        and all(word_matches(sent, word) for word in query.get("q", "").split())
    )


def figures(counted: Sequence[Message], step: int, *, is_of_pair: bool) -> Message:
    """Count messages, which are newest first, as the statistics do."""
    pairs: dict[tuple[str, str], list[Message]] = defaultdict(list)
    countries: dict[str, list[Message]] = defaultdict(list)
    steps: dict[str, list[Message]] = defaultdict(list)
    for sent in counted[::-1]:
        pairs[sent["currencyFrom"], sent["currencyTo"]].append(sent)
        countries[sent["originatingCountry"]].append(sent)
        second = int(datetime.fromisoformat(sent["receivedAt"]).timestamp())
        start = datetime.fromtimestamp(second - second % step, UTC)
        steps[start.isoformat().replace("+00:00", "Z")].append(sent)
    by_pair = [
        {"currencyFrom": key[0], "currencyTo": key[1], **count(group), **money(group, "last")}
        for key, group in pairs.items()
    ]
    by_country = [{"country": key, **count(group)} for key, group in countries.items()]
    return {
        "total": count(counted),
        "pairs": sorted(by_pair, key=lambda row: (-row["count"], row["currencyFrom"], row["currencyTo"])),
        "countries": sorted(by_country, key=lambda row: (-row["count"], row["country"])),
        "series": [
            {"start": start, **count(group), **(money(group, "close") if is_of_pair else {})}
            for start, group in sorted(steps.items())
        ],
    }


def count(group: Sequence[Message]) -> Message:
    return {"count": len(group), "flagged": sum(map(is_flagged, group))}


def money(group: Sequence[Message], last: str) -> Message:
    """Add up the messages of one pair, oldest first."""
    exact = Context(prec=100)
    sold, bought = Decimal(0), Decimal(0)
    for sent in group:
        sold, bought = exact.add(sold, Decimal(sent["amountSell"])), exact.add(bought, Decimal(sent["amountBuy"]))
    rates = [Decimal(sent["rate"]) for sent in group]
    numbers = {"sold": sold, "bought": bought, "vwap": Context(prec=12).divide(bought, sold)}
    return numbers | {"open": rates[0], "high": max(rates), "low": min(rates), last: rates[-1]}


def decimals(node: Any) -> Any:
    """Return an answer with its amounts as numbers, since the same number can be written in different ways."""
    if isinstance(node, list):
        return [decimals(item) for item in node]
    if not isinstance(node, dict):
        return node
    amounts = {"sold", "bought", "vwap", "open", "high", "low", "last", "close"}
    return {name: Decimal(value) if name in amounts else decimals(value) for name, value in node.items()}


@pytest.mark.timeout(3600)
def test_statistics_messages_and_exports_agree_with_the_producers_own_list(
    filled: Filled, request: pytest.FixtureRequest
) -> None:
    chance = random.Random(request.config.getoption("--seed"))  # noqa: S311
    for number in range(request.config.getoption("--combinations")):
        query = combination(chance, filled.posted)
        expected = [sent for sent in filled.posted if matches(sent, query)]
        ids = [sent["id"] for sent in expected]
        assert [found["id"] for found in filled.messages(**query)] == ids, query
        answer = msgspec.json.decode(filled.read("/api/stats", **query))
        assert answer["basis"] is None
        is_of_pair = {"from", "to"} <= query.keys()
        recount = figures(expected, answer["step"], is_of_pair=is_of_pair)
        assert decimals({name: answer[name] for name in recount}) == recount, query
        if number % 5 == 0:
            lines = filled.read("/api/messages", format="ndjson", **query).splitlines()
            assert [msgspec.json.decode(line)["id"] for line in lines] == ids, query
