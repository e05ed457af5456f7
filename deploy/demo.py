"""Post a plausible stream of trades through nginx until it is stopped.

`supervisorctl start demo` starts it. TRADEWIRE_DEMO_RATE sets its speed. The same TRADEWIRE_DEMO_SEED gives the same
trades.
"""

from __future__ import annotations

import logging
import math
import os
import random
import sys
import time
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.client import HTTPException
from typing import TYPE_CHECKING, NamedTuple

from deploy import urls
from deploy.own_http import connection_to
from tradewire.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from http.client import HTTPConnection


class Currency(NamedTuple):
    """A currency, as the demo trades it."""

    per_euro: float
    """Units that one euro buys. Each pair's rate is derived from two of these, so all rates are consistent."""
    countries: str
    """Countries where it is sold."""
    decimals: int = 2
    """Decimal places of an amount."""


CURRENCIES = {
    "EUR": Currency(1.0, "FR DE IE ES IT NL PT FI"),
    "USD": Currency(1.085, "US"),
    "GBP": Currency(0.853, "GB"),
    "CHF": Currency(0.958, "CH LI"),
    "JPY": Currency(164.2, "JP", decimals=0),
    "SEK": Currency(11.32, "SE"),
    "NOK": Currency(11.58, "NO"),
    "DKK": Currency(7.459, "DK"),
    "PLN": Currency(4.31, "PL"),
    "CZK": Currency(25.1, "CZ"),
    "HUF": Currency(392.0, "HU", decimals=0),
    "RON": Currency(4.974, "RO"),
    "TRY": Currency(35.1, "TR"),
    "AUD": Currency(1.642, "AU"),
    "NZD": Currency(1.781, "NZ"),
    "CAD": Currency(1.476, "CA"),
    "ZAR": Currency(20.1, "ZA"),
    "INR": Currency(90.4, "IN"),
    "SGD": Currency(1.458, "SG"),
    "HKD": Currency(8.48, "HK"),
    "CNY": Currency(7.84, "CN"),
    "KRW": Currency(1478.0, "KR", decimals=0),
    "BRL": Currency(5.61, "BR"),
    "MXN": Currency(18.4, "MX"),
    "AED": Currency(3.985, "AE"),
    "THB": Currency(39.2, "TH"),
}
PAIRS = [
    "EURUSD",
    "EURGBP",
    "GBPUSD",
    "USDJPY",
    "EURCHF",
    "EURSEK",
    "EURNOK",
    "EURDKK",
    "EURPLN",
    "EURCZK",
    "EURHUF",
    "EURRON",
    "EURTRY",
    "AUDUSD",
    "NZDUSD",
    "USDCAD",
    "USDZAR",
    "GBPINR",
    "USDSGD",
    "USDHKD",
    "USDCNY",
    "USDKRW",
    "USDBRL",
    "USDMXN",
    "GBPAED",
    "EURTHB",
    "GBPJPY",
    "AUDNZD",
]
"""Currency pairs, the most traded first."""
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
USERS = 200
STEP = 0.0002
"""Standard deviation of one step of a currency's random walk, as a share of its rate."""
PULL = 0.001
"""How strongly each step pulls back to the start. Without it, rates would be far off after a week."""
MISMATCHES = 1 / 200
"""Share of trades with a rate that does not fit their amounts."""
BACKOFF_SECONDS = (0.25, 15.0)
"""First and longest pause between attempts while the stack accepts nothing."""

_log = logging.getLogger("demo")


class Trade(NamedTuple):
    """One trade, with numbers as text."""

    user: str
    sold: str
    bought: str
    amount_sell: str
    amount_buy: str
    rate: str
    country: str
    age_seconds: float
    """Time between placing and posting it."""

    def body(self, now: datetime) -> bytes:
        """Write it as a message. No JSON encoder would keep 747.10 as it is, so it is a format string."""
        placed = now - timedelta(seconds=self.age_seconds)
        time_placed = f"{placed:%d}-{MONTHS[placed.month - 1]}-{placed:%y %H:%M:%S}"  # %b follows the locale
        return (
            f'{{"userId": "{self.user}", "currencyFrom": "{self.sold}", "currencyTo": "{self.bought}", '
            f'"amountSell": {self.amount_sell}, "amountBuy": {self.amount_buy}, "rate": {self.rate}, '
            f'"timePlaced": "{time_placed}", "originatingCountry": "{self.country}"}}'
        ).encode()


def trades(seed: int) -> Iterator[Trade]:
    """Generate trades without end, the same for the same seed."""
    chance = random.Random(seed)  # noqa: S311 - a demonstration, not a secret
    walk = dict.fromkeys(CURRENCIES, 0.0)  # logarithm of the factor by which each rate has changed
    # A few users make most of the trades (Zipf), and so do a few pairs.
    users = [str(chance.randrange(100_000, 1_000_000)) for _ in range(USERS)]
    user_weights = [1 / rank for rank in range(1, USERS + 1)]
    pair_weights = [1 / rank**0.7 for rank in range(1, len(PAIRS) + 1)]
    while True:
        for currency in walk:
            walk[currency] += chance.gauss(-PULL * walk[currency], STEP)
        pair = chance.choices(PAIRS, pair_weights)[0]
        sold, bought = pair[:3], pair[3:]
        if chance.random() < 0.5:  # noqa: PLR2004 - in either direction
            sold, bought = bought, sold
        price = CURRENCIES[bought].per_euro / CURRENCIES[sold].per_euro * math.exp(walk[bought] - walk[sold])
        rate = Decimal(f"{price:.5g}")
        amount_sell = _rounded(chance.lognormvariate(6.5, 1.3) * CURRENCIES[sold].per_euro, sold)
        amount_buy = _rounded(amount_sell * rate, bought)
        if chance.random() < MISMATCHES:
            rate *= Decimal("1.01")
        yield Trade(
            chance.choices(users, user_weights)[0],
            sold,
            bought,
            f"{amount_sell:f}",
            f"{amount_buy:f}",
            f"{rate:f}",
            chance.choice(CURRENCIES[sold].countries.split()),
            chance.uniform(0, 3),
        )


def _rounded(amount: float | Decimal, currency: str) -> Decimal:
    """Round to the currency's unit. The result is at least one unit, so no amount is zero."""
    unit = Decimal(1).scaleb(-CURRENCIES[currency].decimals)
    return max(Decimal(amount).quantize(unit), unit)


class Poster:
    """Posts messages one at a time over one connection, and waits while the stack accepts none."""

    def __init__(self, connection: HTTPConnection) -> None:
        self._connection = connection
        self.accepted = 0
        self.refused = 0

    def post(self, body: bytes) -> None:
        """Post a message until the answer is final. The key makes every retry the same message."""
        key = str(uuid.uuid4())
        pause, longest = BACKOFF_SECONDS
        waiting = False
        while reason := self._post_once(body, key):
            if not waiting:
                _log.warning("waiting and retrying: %s", reason)
                waiting = True
            time.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - jitter
            pause = min(2 * pause, longest)
        if waiting:
            _log.info("posting again")

    def _post_once(self, body: bytes, key: str) -> str:
        """Post once. Return why the answer was not final; empty if it was."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        try:
            self._connection.request("POST", "/api/message", body, headers)
            answer = self._connection.getresponse()
            text = answer.read().decode(errors="replace").strip()
        except (OSError, HTTPException) as error:
            self._connection.close()  # the next request opens a new one
            return f"nginx does not answer: {error!r}"
        if answer.status in {429, 503}:
            return f"{answer.status} {text}"
        if answer.status == 201:  # noqa: PLR2004 - Created
            self.accepted += 1
        else:
            self.refused += 1
            _log.error("refused with %s: %s; the message was %s", answer.status, text, body.decode())
        return ""


def main() -> None:
    """Post at the configured rate until SIGTERM ends the process. There is nothing to finish."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    settings = Settings.from_env(os.environ)
    address = urls.on_this_machine(settings)[0]
    poster = Poster(connection_to(settings.home, address, 20))
    _log.info("posting %s trades a second to %s, seed %s", settings.demo_rate, address, settings.demo_seed)
    due = told = time.monotonic()
    for trade in trades(settings.demo_seed):
        now = time.monotonic()
        time.sleep(max(0, due - now))
        # Trades come independently of each other, as from customers. After a pause, the demo makes up for at most one
        # second.
        due = max(due, now - 1) + random.expovariate(settings.demo_rate)
        poster.post(trade.body(datetime.now(UTC)))
        if time.monotonic() - told >= 60:  # noqa: PLR2004 - a minute
            told = time.monotonic()
            _log.info("%s trades accepted so far, %s refused", poster.accepted, poster.refused)


if __name__ == "__main__":
    main()
