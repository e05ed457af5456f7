"""Run the benchmark scenarios, each with its baseline; print the figures as tables, and optionally write JSON.

No scenario fails for being slow: machines differ, so compare a figure with its baseline. A scenario fails if a message
is lost or duplicated, or a counter is wrong.
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
from tests.bench.bench import FULL, SHORT, Bench, Profile
from tests.bench.catalogue import SCENARIOS, SETTINGS, Scenario
from tests.bench.figures import Report, Result, print_report
from tests.postgres import postgres
from tests.stack import stack

if TYPE_CHECKING:
    from collections.abc import Iterator


def main() -> int:
    """Run the selected scenarios; return 1 if any failed."""
    arguments = _arguments()
    if arguments.print:
        print_report(msgspec.json.decode(arguments.print.read_bytes(), type=Report))
        return 0
    scenarios = [scenario for scenario in SCENARIOS if arguments.only in scenario.name]
    profile = SHORT if arguments.short else FULL
    report = Report(f"{datetime.now(UTC):%Y-%m-%d}", profile.name, machine.describe(), [])
    for number, scenario in enumerate(scenarios, 1):
        print(f"{number} of {len(scenarios)}: {scenario.name}", file=sys.stderr, flush=True)
        report.results += run(scenario, profile)
        if arguments.json:  # after each scenario, so that an aborted run loses nothing
            arguments.json.write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")
    print_report(report)
    return int(any(result.fault for result in report.results))


def run(scenario: Scenario, profile: Profile) -> list[Result]:
    """Run a scenario on a new stack. A failure becomes a result with a fault."""
    try:
        with ExitStack() as contexts:
            home = contexts.enter_context(_home())
            server = contexts.enter_context(postgres(home)) if scenario.store == "postgresql" else None
            settings = SETTINGS | {"MAX_BROWSERS": str(scenario.max_browsers)}
            settings |= {"STORE_URL": server.create_database()} if server else {}
            running = contexts.enter_context(stack(home, **settings))
            try:
                return scenario.run(Bench(running, profile, server))
            except BaseException:
                print(running.logs(), file=sys.stderr)
                raise
    # The other scenarios still run. `wait_until` and `require_program` raise pytest's outcomes, not Exceptions.
    except (Exception, pytest.fail.Exception, pytest.skip.Exception) as error:  # noqa: BLE001
        return [Result(scenario.name, fault=f"{type(error).__name__}: {error}")]


def _arguments() -> argparse.Namespace:
    names = "; ".join(scenario.name for scenario in SCENARIOS)
    parser = argparse.ArgumentParser(prog="tests/bench/run", description=__doc__, epilog=f"Scenarios: {names}.")
    parser.add_argument("--short", action="store_true", help="a few seconds for each figure, a tenth of the browsers")
    parser.add_argument("--only", default="", metavar="NAME", help="run only the scenarios whose name contains this")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to this file")
    parser.add_argument("--print", type=Path, metavar="FILE", help="run nothing; print a file written by --json")
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
