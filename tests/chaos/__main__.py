"""Kill random targets of a stack for a number of rounds, then reconcile every message."""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from pathlib import Path

from tests.chaos.producer import Producer
from tests.chaos.reconcile import find_violations, wait_settled
from tests.chaos.scenario import EVERYTHING, Chaos, chaos_stack
from tests.watcher import Watcher


def main() -> int:
    """Run the rounds; return 0 if no message was lost or duplicated."""
    parser = argparse.ArgumentParser(prog="tests/chaos/run", description=__doc__)
    parser.add_argument("rounds", type=int, nargs="?", default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--store", choices=["sqlite", "postgresql"], default="sqlite")
    arguments = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="tw-chaos-", dir="/tmp"))
    home.chmod(0o755)
    (home / "sock/workers").mkdir(parents=True)
    violations = _run(home, arguments.store, arguments.rounds, random.Random(arguments.seed))  # noqa: S311 - repeatable, not secret
    shutil.rmtree(home)
    print("\n".join(violations) or "every message is accounted for")
    return 1 if violations else 0


def _run(home: Path, store: str, rounds: int, rng: random.Random) -> list[str]:
    """Run the rounds; return the violations found afterwards."""
    with chaos_stack(home, store) as (running, server):
        with Watcher(running.port) as first, Watcher(running.port) as second, Producer(running.port) as producer:
            chaos = Chaos(running, producer, server)
            chaos.recover()
            for number in range(rounds):
                target = rng.choice((*chaos.targets, EVERYTHING))
                print(f"{number + 1:3} {target}", flush=True)
                chaos.kill(target)
            producer.stop()
            ledger = wait_settled(running)
        never_shown = set(producer.accepted) - {*first.ids, *second.ids}
        print(f"{len(producer.accepted)} accepted, {len(never_shown)} of them never shown, ledger: {ledger}")
        violations = find_violations(running, producer, ledger)
        return [*violations, *(f"never shown: {event_id}" for event_id in sorted(never_shown))]


if __name__ == "__main__":
    sys.exit(main())
