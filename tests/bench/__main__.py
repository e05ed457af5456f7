"""Every scenario, with its baseline in the same run: prints tables, and writes JSON where asked to.

Nothing here fails for being slow: machines differ, and a figure is to be read beside its baseline. What fails is a
message that is lost or doubled, or a counter that is wrong.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.bench import machine
from tests.bench.bench import FULL, SHORT, Bench, Form
from tests.bench.catalogue import SCENARIOS, SETTINGS, Scenario
from tests.bench.figures import Report, Result, print_report
from tests.postgres import postgres
from tests.stack import stack

if TYPE_CHECKING:
    from collections.abc import Iterator


def main() -> int:
    """Run the scenarios; 1 where a message was lost or doubled, or a counter is wrong."""
    arguments = _arguments()
    if arguments.print:
        print_report(msgspec.json.decode(arguments.print.read_bytes(), type=Report))
        return 0
    chosen = [scenario for scenario in SCENARIOS if arguments.only in scenario.name]
    form = SHORT if arguments.short else FULL
    report = Report(f"{datetime.now(UTC):%Y-%m-%d}", form.name, machine.describe(), [])
    for number, scenario in enumerate(chosen, 1):
        print(f"{number} of {len(chosen)}: {scenario.name}", file=sys.stderr, flush=True)
        report.results += run(scenario, form)
        if arguments.json:  # what is measured is kept, whatever becomes of the rest
            arguments.json.write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")
    print_report(report)
    return int(any(result.fault for result in report.results))


def run(scenario: Scenario, form: Form) -> list[Result]:
    """Run a scenario in a stack of its own; what it holds to be wrong is in its result."""
    try:
        with ExitStack() as opened:
            home = opened.enter_context(_home())
            server = opened.enter_context(postgres(home)) if scenario.store == "postgresql" else None
            settings = SETTINGS | {"MAX_BROWSERS": str(scenario.max_browsers)}
            settings |= {"STORE_URL": server.create_database()} if server else {}
            running = opened.enter_context(stack(home, **settings))
            try:
                return scenario.run(Bench(running, form, server))
            except BaseException:
                print(running.logs(), file=sys.stderr)
                raise
    # Whatever it is, the others are still worth running. `wait_until` fails and `require_program` skips by outcomes.
    except (Exception, pytest.fail.Exception, pytest.skip.Exception) as fault:  # noqa: BLE001
        return [Result(scenario.name, fault=f"{type(fault).__name__}: {fault}")]


def _arguments() -> argparse.Namespace:
    names = "; ".join(scenario.name for scenario in SCENARIOS)
    parser = argparse.ArgumentParser(prog="tests/bench/run", description=__doc__, epilog=f"Scenarios: {names}.")
    parser.add_argument("--short", action="store_true", help="a few seconds for each, with a tenth of the browsers")
    parser.add_argument("--only", default="", metavar="WORD", help="only the scenarios that have this in their name")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here, too")
    parser.add_argument("--print", type=Path, metavar="FILE", help="only print what --json has written")
    return parser.parse_args()


@contextmanager
def _home() -> Iterator[Path]:
    home = Path(tempfile.mkdtemp(prefix="tw-bench-", dir="/tmp"))
    home.chmod(0o755)
    (home / "sock/workers").mkdir(parents=True)
    try:
        yield home
    finally:
        shutil.rmtree(home)


if __name__ == "__main__":
    sys.exit(main())
