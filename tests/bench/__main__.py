"""Run the benchmark scenarios, each with its baseline; print the figures as tables, and optionally write JSON.

No scenario fails for being slow: machines differ, so compare a figure with its baseline. A scenario fails if a message
is lost or duplicated, or a counter is wrong.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from tests.bench import machine, peer, profile, tables
from tests.bench.bench import FULL, PEERS, PEERS_SHORT, SETTINGS, SHORT, Bench, Profile, temporary_home
from tests.bench.catalogue import COMPARISONS, SCENARIOS, Scenario
from tests.bench.comparison import FAILURES
from tests.bench.figures import Report, Result
from tests.postgres import postgres
from tests.stack import stack


class Plan(NamedTuple):
    """What a command runs."""

    scenarios: tuple[Scenario, ...]
    profile: Profile
    peers: tuple[str, ...] = ()


def main() -> int:
    """Run the selected scenarios; return 1 if any failed."""
    arguments = _arguments()
    if arguments.print:
        print(tables.markdown(msgspec.json.decode(arguments.print.read_bytes(), type=Report)), end="")
        return 0
    scenarios, measured, peers = _plan(arguments)
    report = Report(f"{datetime.now(UTC):%Y-%m-%d}", measured.name, machine.describe(), [])
    print(". ".join(report.machine.values()), file=sys.stderr, flush=True)
    for number, scenario in enumerate(scenarios, 1):
        print(f"{number} of {len(scenarios)}: {scenario.name}", file=sys.stderr, flush=True)
        report.results += run(scenario, measured, peers)
        if arguments.json:  # after each scenario, so that an aborted run loses nothing
            arguments.json.write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")
        if arguments.markdown:
            arguments.markdown.write_text(tables.markdown(report))
    print(tables.markdown(report), end="")
    return int(any(result.fault for result in report.results))


def run(scenario: Scenario, measured: Profile, peers: tuple[str, ...] = ()) -> list[Result]:
    """Run a scenario on a new stack. A failure becomes a result with a fault."""
    try:
        with ExitStack() as contexts:
            home = contexts.enter_context(temporary_home())
            server = contexts.enter_context(postgres(home)) if scenario.store == "postgresql" else None
            settings = SETTINGS | {"MAX_BROWSERS": str(scenario.max_browsers)}
            settings |= {"MAX_BROWSERS_PER_ADDRESS": str(scenario.max_browsers_per_address)}
            settings |= {"STORE_URL": server.create_database()} if server else {}
            running = contexts.enter_context(stack(home, **settings))
            try:
                results = scenario.run(Bench(running, measured, server, peers))
            except BaseException:
                print(running.logs(), file=sys.stderr)
                raise
            if any(result.fault for result in results):
                print(running.logs(), file=sys.stderr)
            return results
    except FAILURES as error:  # the other scenarios still run
        return [Result(scenario.name, fault=f"{type(error).__name__}: {error}")]


def _plan(arguments: argparse.Namespace) -> Plan:
    if arguments.profile:
        return Plan((Scenario("profile", profile.SCENARIOS[arguments.profile]),), SHORT if arguments.short else FULL)
    if not arguments.peers:
        selected = tuple(scenario for scenario in SCENARIOS if arguments.only in scenario.name)
        return Plan(selected, SHORT if arguments.short else FULL)
    selected = tuple(scenario for scenario in COMPARISONS if arguments.only in scenario.name)
    measured = PEERS_SHORT if arguments.short else PEERS
    if arguments.rounds:
        measured = measured._replace(rounds=arguments.rounds)
    names = arguments.peers.split(",")
    absences = [absence for name in names if (absence := peer.absence(name))]
    for absence in absences:
        print(f"Tradewire is measured without it: {absence}", file=sys.stderr)
    return Plan(selected, measured, tuple(name for name in names if not peer.absence(name)))


def _arguments() -> argparse.Namespace:
    names = "; ".join(scenario.name for scenario in SCENARIOS)
    compared = "; ".join(scenario.name for scenario in COMPARISONS)
    epilog = f"Scenarios: {names}. With --peers: {compared}."
    parser = argparse.ArgumentParser(prog="tests/bench/run", description=__doc__, epilog=epilog)
    parser.add_argument("--short", action="store_true", help="a few seconds for each figure, a tenth of the browsers")
    parser.add_argument("--only", default="", metavar="NAME", help="run only the scenarios whose name contains this")
    parser.add_argument(
        "--peers",
        nargs="?",
        const=peer.DEFAULT_PEER,
        metavar="NAMES",
        help="compare with other stacks in alternating rounds: names of subfolders, separated by commas (default: "
        f"{peer.DEFAULT_PEER}). {peer.FOLDER_VARIABLE} names their folder (default: ../shared/peers)",
    )
    parser.add_argument("--rounds", type=int, metavar="N", help=f"rounds of a comparison (default: {PEERS.rounds})")
    parser.add_argument(
        "--profile", choices=profile.SCENARIOS, help="show which program takes how much of one scenario's CPU, and why"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to this file")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="also write the tables to this file")
    parser.add_argument("--print", type=Path, metavar="FILE", help="run nothing; print a file written by --json")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
