"""Fills a store with plausible messages: `python -m tests.bench.archive_fill URL MESSAGES DAYS`."""

from __future__ import annotations

import argparse
import random
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import accumulate, islice
from typing import TYPE_CHECKING, Final, Generic, TypeVar
from uuid import UUID

from tradewire.event import TradeEvent, format_time
from tradewire.store.writing import StoreWriter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Name = TypeVar("Name")

STACK: Final = "bench"
USERS: Final = 20_000
AT_ONCE: Final = 20_000
# fmt: off
RATES: Final = {  # one euro's worth
    "EUR": 1.0, "USD": 1.09, "GBP": 0.86, "JPY": 164.2, "CHF": 0.95, "AUD": 1.66, "CAD": 1.5, "CNY": 7.8,
    "SEK": 11.4, "NZD": 1.79, "NOK": 11.6, "PLN": 4.3, "DKK": 7.46, "HUF": 392.5, "TRY": 35.1, "ZAR": 19.9,
}
COUNTRIES: Final = (
    "GB", "DE", "FR", "US", "JP", "CH", "AU", "CA", "CN", "SE", "NZ", "NO", "PL", "DK", "HU", "TR", "ZA", "IT", "ES",
    "NL", "BE", "IE", "PT", "AT", "FI", "CZ", "GR", "RO", "IN", "BR", "MX", "SG", "HK", "KR", "IL", "AE", "XK",
)
# fmt: on
MISMATCHED: Final = 0.02
"""The share of messages that are flagged."""


def fill(url: str, messages: int, since: datetime, until: datetime) -> None:
    """Save so many messages, received at a steady rate; the same ones for the same words. Some 20,000 a second."""
    coming = events(messages, since, until)
    with closing(StoreWriter(url, STACK)) as store:
        store.migrate()
        while some := list(islice(coming, AT_ONCE)):
            store.save(some, [])


def events(messages: int, since: datetime, until: datetime) -> Iterator[TradeEvent]:
    """Give so many events, oldest first. A few currencies, countries and users make most of them."""
    chance = random.Random(messages)  # noqa: S311 - to be the same each time
    currency, country = _Favourites(list(RATES), chance), _Favourites(COUNTRIES, chance)
    user = _Favourites(range(1, USERS + 1), chance)
    step = (until - since) / messages
    for number in range(messages):
        moment = since + step * number
        sold = currency.pick()
        bought = next(name for name in iter(currency.pick, None) if name != sold)
        rate = round(RATES[bought] / RATES[sold] * chance.gauss(1, 0.002), 4)
        cents = int(chance.lognormvariate(11, 1.5)) + 1
        is_odd = chance.random() < MISMATCHED
        yield TradeEvent(
            _id(moment, chance),
            format_time(moment),
            str(user.pick()),
            sold,
            bought,
            f"{cents / 100:.2f}",
            f"{cents / 100 * rate * (2 if is_odd else 1) + 0.01:.2f}",
            f"{rate:.4f}",
            format_time(moment - timedelta(seconds=chance.randrange(1, 90)), "seconds"),
            country.pick(),
            ["rate-mismatch"] if is_odd else [],
        )


class _Favourites(Generic[Name]):
    """Picks the first of some names most often, each one after it less: by one over its place."""

    def __init__(self, names: Sequence[Name], chance: random.Random) -> None:
        self._names = names
        self._weights = list(accumulate(1 / place for place in range(1, len(names) + 1)))
        self._chance = chance

    def pick(self) -> Name:
        return self._chance.choices(self._names, cum_weights=self._weights)[0]


def _id(moment: datetime, chance: random.Random) -> str:
    """Make a UUIDv7 of that moment."""
    return str(UUID(int=int(moment.timestamp() * 1000) << 80 | 7 << 76 | 2 << 62 | chance.getrandbits(62)))


def main() -> None:
    """Fill a store, up to now."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("messages", type=int)
    parser.add_argument("days", type=float)
    arguments = parser.parse_args()
    now = datetime.now(UTC)
    fill(arguments.url, arguments.messages, now - timedelta(days=arguments.days), now)


if __name__ == "__main__":
    main()
