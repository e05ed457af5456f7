"""Every scenario, with its baseline in the same run; prints a table, and writes JSON where asked to.

Nothing here fails for being slow: machines differ, and a figure is to be read beside its baseline. What fails
is a message that is lost, or a counter that is wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench import archive, page, reading, scenarios
from tests.postgres import postgres
from tests.stack import stack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bench.load import Figure


def main() -> int:
    """Run the scenarios."""
    parser = argparse.ArgumentParser(prog="tests/bench/run", description=__doc__)
    parser.add_argument("--short", action="store_true", help="a few seconds for each scenario")
    parser.add_argument("--page", type=int, metavar="SECONDS", help="only the page's scenarios, the first one so long")
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    arguments = parser.parse_args()
    if arguments.page:
        figures = _measure_page(arguments.page, 100_000)
    elif arguments.short:
        figures = [*_measure(3, 50_000, 1), *_measure_page(10, 10_000)]
    else:
        figures = [*_measure(20, 1_000_000, 3), *_measure_page(60, 100_000)]
    _print(figures)
    if arguments.json:
        arguments.json.write_text(json.dumps([figure._asdict() for figure in figures], indent=2) + "\n")
    return 0


def _measure(seconds: int, messages: int, turns: int) -> list[Figure]:
    """Run the scenarios in stacks of their own, on SQLite and on PostgreSQL."""
    roomy = {"RATE": "off", "ADDRESS_CONNECTIONS": "5000"}
    figures: list[Figure] = []
    with _home() as home, stack(home, **roomy) as running:
        figures += asyncio.run(scenarios.run(running, seconds))
        figures += asyncio.run(archive.run(running, None, seconds, turns))
    with _home() as home, stack(home) as running:
        figures += reading.run(running, messages, 5 * turns)
    with _home() as home, postgres(home) as server, stack(home, **roomy, STORE_URL=server.database()) as running:
        figures += asyncio.run(archive.run(running, server, seconds, turns))
    return figures


def _measure_page(seconds: int, messages: int) -> list[Figure]:
    """Look at the page at a thousand messages a second, then at its counters after so many messages."""
    with _home() as home, stack(home, RATE="off") as running:
        figures = asyncio.run(page.frames(running, seconds))
        return figures + asyncio.run(page.counters(running, messages))


@contextmanager
def _home() -> Iterator[Path]:
    home = Path(tempfile.mkdtemp(prefix="tw-bench-", dir="/tmp"))
    home.chmod(0o755)
    (home / "sock/workers").mkdir(parents=True)
    yield home
    shutil.rmtree(home)


def _print(figures: list[Figure]) -> None:
    print("| scenario | figure | value | target |\n|---|---|---|---|")
    for figure in figures:
        print(f"| {figure.scenario} | {figure.name} | {figure.value:,.4g} {figure.unit} | {figure.target} |")


if __name__ == "__main__":
    sys.exit(main())
