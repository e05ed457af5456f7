"""Fill a store with plausible messages: `python -m tests.bench.archive_fill URL MESSAGES DAYS`."""

from __future__ import annotations

import argparse
import random
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import accumulate, islice
from typing import TYPE_CHECKING, Final, Generic, TypeVar
from uuid import UUID

from tradewire.event import TradeEvent, format_time
from tradewire.receipt import Receipt
from tradewire.settings import Settings
from tradewire.store.writing import StoreWriter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.stack import Stack

Item = TypeVar("Item")

STACK: Final = "bench"
USERS: Final = 20_000
BATCH: Final = 20_000
"""Messages saved in one transaction."""
# fmt: off
RATES: Final = {  # per euro
    "EUR": 1.0, "USD": 1.09, "GBP": 0.86, "JPY": 164.2, "CHF": 0.95, "AUD": 1.66, "CAD": 1.5, "CNY": 7.8,
    "SEK": 11.4, "NZD": 1.79, "NOK": 11.6, "PLN": 4.3, "DKK": 7.46, "HUF": 392.5, "TRY": 35.1, "ZAR": 19.9,
}
COUNTRIES: Final = (
    "GB", "DE", "FR", "US", "JP", "CH", "AU", "CA", "CN", "SE", "NZ", "NO", "PL", "DK", "HU", "TR", "ZA", "IT", "ES",
    "NL", "BE", "IE", "PT", "AT", "FI", "CZ", "GR", "RO", "IN", "BR", "MX", "SG", "HK", "KR", "IL", "AE", "XK",
)
# fmt: on
MISMATCH_SHARE: Final = 0.02
"""Share of messages whose rate does not fit their amounts."""


def fill(url: str, messages: int, since: datetime, until: datetime) -> None:
    """Save `messages` messages, received evenly between `since` and `until`, and that browsers were shown them.

    Saves some 20,000 a second.

    The same arguments give the same messages.
    """
    remaining = events(messages, since, until)
    with closing(StoreWriter(url, STACK)) as store:
        store.migrate()
        while batch := list(islice(remaining, BATCH)):
            store.save(batch, [Receipt("shown", batch[-1].received_at, [event.id for event in batch], browsers=1)])
            while store.summarize():  # as the archive's processor does, with pauses
                pass


def fill_archive(stack: Stack, messages: int, days: int) -> None:
    """Save `messages` messages of the last days in a stack's SQLite file."""
    stack.wait_ready()  # the archive's processor has made the file, which belongs to its user
    now = datetime.now(UTC)
    fill(Settings(home=stack.home).store, messages, now - timedelta(days=days), now)


def events(messages: int, since: datetime, until: datetime) -> Iterator[TradeEvent]:
    """Yield `messages` events, oldest first. A few currencies, countries and users make up most of them."""
    rng = random.Random(messages)  # noqa: S311 - repeatable, not secret
    currencies, countries = _ZipfChoice(list(RATES), rng), _ZipfChoice(COUNTRIES, rng)
    users = _ZipfChoice(range(1, USERS + 1), rng)
    step = (until - since) / messages
    for number in range(messages):
        received_at = since + step * number
        sold = currencies.pick()
        bought = next(currency for currency in iter(currencies.pick, None) if currency != sold)
        rate = round(RATES[bought] / RATES[sold] * rng.gauss(1, 0.002), 4)
        cents = int(rng.lognormvariate(11, 1.5)) + 1
        is_mismatch = rng.random() < MISMATCH_SHARE
        yield TradeEvent(
            _id(received_at, rng),
            format_time(received_at),
            str(users.pick()),
            sold,
            bought,
            f"{cents / 100:.2f}",
            f"{cents / 100 * rate * (2 if is_mismatch else 1) + 0.01:.2f}",
            f"{rate:.4f}",
            format_time(received_at - timedelta(seconds=rng.randrange(1, 90)), "seconds"),
            countries.pick(),
            ["rate-mismatch"] if is_mismatch else [],
        )


class _ZipfChoice(Generic[Item]):
    """Picks items at random, each with a weight of one over its rank: the first most often."""

    def __init__(self, items: Sequence[Item], rng: random.Random) -> None:
        self._items = items
        self._cumulative_weights = list(accumulate(1 / rank for rank in range(1, len(items) + 1)))
        self._rng = rng

    def pick(self) -> Item:
        return self._rng.choices(self._items, cum_weights=self._cumulative_weights)[0]


def _id(received_at: datetime, rng: random.Random) -> str:
    """Make a UUIDv7 with that time."""
    return str(UUID(int=int(received_at.timestamp() * 1000) << 80 | 7 << 76 | 2 << 62 | rng.getrandbits(62)))


def main() -> None:
    """Fill a store with messages of the last days."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("messages", type=int)
    parser.add_argument("days", type=float)
    arguments = parser.parse_args()
    now = datetime.now(UTC)
    fill(arguments.url, arguments.messages, now - timedelta(days=arguments.days), now)


if __name__ == "__main__":
    main()
