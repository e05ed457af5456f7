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
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench import page, scenarios
from tests.stack import stack

if TYPE_CHECKING:
    from tests.bench.scenarios import Figure
    from tests.stack import Stack


def main() -> int:
    """Run the scenarios in a stack of their own."""
    parser = argparse.ArgumentParser(prog="tests/bench/run", description=__doc__)
    parser.add_argument("--short", action="store_true", help="a few seconds for each scenario")
    parser.add_argument("--page", type=int, metavar="SECONDS", help="only the page's scenarios, the first one so long")
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    arguments = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="tw-bench-", dir="/tmp"))
    home.chmod(0o755)
    (home / "sock/workers").mkdir(parents=True)
    with stack(home, RATE="off", ADDRESS_CONNECTIONS="5000") as running:
        figures = asyncio.run(_measure(running, arguments))
    shutil.rmtree(home)
    _print(figures)
    if arguments.json:
        arguments.json.write_text(json.dumps([figure._asdict() for figure in figures], indent=2) + "\n")
    return 0


async def _measure(running: Stack, arguments: argparse.Namespace) -> list[Figure]:
    if arguments.page:
        return [*await page.frames(running, arguments.page), *await page.counters(running, 100_000)]
    if arguments.short:
        return [
            *await scenarios.run(running, 3),
            *await page.frames(running, 10),
            *await page.counters(running, 10_000),
        ]
    return [
        *await scenarios.run(running, 20),
        *await page.frames(running, 60),
        *await page.counters(running, 100_000),
    ]


def _print(figures: list[Figure]) -> None:
    print("| scenario | figure | value | target |\n|---|---|---|---|")
    for figure in figures:
        print(f"| {figure.scenario} | {figure.name} | {figure.value:,.4g} {figure.unit} | {figure.target} |")


if __name__ == "__main__":
    sys.exit(main())
