"""Show what each index is for: `python -m tests.bench.index_costs FILE`.

The queries run on a copy of a SQLite archive that `archive_fill` has filled, with the index and without it. The figures
are the reader's CPU time, so other programs disturb them little.
"""

from __future__ import annotations

import argparse
import sqlite3
import tempfile
import time
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tradewire.store.reading import StoreReader
from tradewire.store.views import Filter

if TYPE_CHECKING:
    from collections.abc import Callable

_ROUNDS: Final = 5
_DAY: Final = 86_400_000_000
_LIMIT: Final = 100
_Query = tuple[str, Filter]

PAGES: Final[dict[str, list[_Query]]] = {
    "events_by_time": [("newest messages", Filter())],
    "events_by_user_group": [
        ("busiest user", Filter({"user_id": "1"})),
        ("user of rank 1,000", Filter({"user_id": "1000"})),
    ],
    "events_by_from": [
        ("rarest currency sold", Filter({"currency_from": "ZAR"})),
        ("currency sold by nobody", Filter({"currency_from": "HKD"})),
    ],
    "events_by_to": [
        ("rarest currency bought", Filter({"currency_to": "ZAR"})),
        ("currency that no message buys", Filter({"currency_to": "HKD"})),
    ],
    "events_by_country": [
        ("rarest country", Filter({"originating_country": "XK"})),
        ("country without messages", Filter({"originating_country": "VA"})),
    ],
    "events_flagged": [("flag", Filter(flag="rate-mismatch")), ("flag without messages", Filter(flag="no-such-flag"))],
}
"""Pages of messages, by the index that serves them."""
STATISTICS: Final[dict[str, list[_Query]]] = {
    "events_by_user_group": [("user of rank 1,000", Filter({"user_id": "1000"}))],
    "stats_by_country": [
        ("country", Filter({"originating_country": "DE"})),
        ("currency bought, country", Filter({"currency_to": "EUR", "originating_country": "DE"})),
    ],
    "stats_by_currency_to": [
        ("busiest currency bought", Filter({"currency_to": "EUR"})),
        ("rarest currency bought", Filter({"currency_to": "ZAR"})),
    ],
}
"""Statistics of a week and of all time, by the index that serves them."""


def main() -> None:
    """Print the times, as a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "store.db"
        with closing(sqlite3.connect(parser.parse_args().file)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        with closing(sqlite3.connect(copy)) as connection:
            _compare(copy, connection)


def _compare(file: Path, connection: sqlite3.Connection) -> None:
    newest, messages = connection.execute("SELECT max(received_at), count(*) FROM events").fetchone()
    print(f"| index | query, {messages:,} messages | ms of CPU | without the index |\n| --- | --- | --- | --- |")
    for index in dict.fromkeys([*PAGES, *STATISTICS]):
        calls = _calls(index, newest)
        before = _measure(file, calls)
        (statement,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", (index,)).fetchone()
        connection.execute(f"DROP INDEX {index}")
        after = _measure(file, calls)
        connection.execute(statement)
        for name in calls:
            print(f"| {index} | {name} | {before[name]:.1f} | {after[name]:.1f} |", flush=True)


def _calls(index: str, newest: int) -> dict[str, Callable[[StoreReader], object]]:
    calls: dict[str, Callable[[StoreReader], object]] = {}
    for name, filters in PAGES.get(index, []):
        calls[f"page: {name}"] = partial(_page, filters)
    for name, filters in STATISTICS.get(index, []):
        calls[f"statistics: {name}, a week"] = partial(_stats, filters._replace(since=newest - 7 * _DAY))
        calls[f"statistics: {name}, all"] = partial(_stats, filters)
    return calls


def _page(filters: Filter, reader: StoreReader) -> object:
    return reader.page(filters, None, _LIMIT)


def _stats(filters: Filter, reader: StoreReader) -> object:
    return reader.stats(filters)


def _measure(file: Path, calls: dict[str, Callable[[StoreReader], object]]) -> dict[str, float]:
    """Return the shortest CPU time of each call, in milliseconds."""
    with closing(StoreReader(f"sqlite:///{file}")) as reader:
        return {name: min(_cpu_ms(call, reader) for _ in range(_ROUNDS)) for name, call in calls.items()}


def _cpu_ms(call: Callable[[StoreReader], object], reader: StoreReader) -> float:
    begun = time.process_time()
    call(reader)
    return 1000 * (time.process_time() - begun)


if __name__ == "__main__":
    main()
