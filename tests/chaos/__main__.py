"""Let random faults happen to a stack for a number of rounds or minutes, then reconcile every message."""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from tests.chaos.producer import Producer
from tests.chaos.reconcile import find_unnamed_losses, find_violations, wait_settled
from tests.chaos.scenario import EVERYTHING, Chaos, chaos_stack, small_disks
from tests.watcher import Watcher


def main() -> int:
    """Run the rounds; return 0 if no message was lost or duplicated."""
    parser = argparse.ArgumentParser(prog="tests/chaos/run", description=__doc__)
    parser.add_argument("rounds", type=int, nargs="?", default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--store", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--all", action="store_true", help="also freezes, full disks, vanished and torn files")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no round after this time")
    arguments = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="tw-chaos-", dir="/tmp"))
    home.chmod(0o755)
    (home / "sock/workers").mkdir(parents=True)
    violations = _run(home, arguments)
    shutil.rmtree(home)
    print("\n".join(violations) or "every message is accounted for")
    return 1 if violations else 0


def _run(home: Path, arguments: argparse.Namespace) -> list[str]:
    """Run the rounds; return the violations found afterwards."""
    rng = random.Random(arguments.seed)  # noqa: S311 - repeatable, not secret
    end = time.monotonic() + 60 * arguments.minutes
    with chaos_stack(home, arguments.store) as (running, server), ExitStack() as context:
        disks = context.enter_context(small_disks(running)) if arguments.all else {}
        with Watcher(running.port) as first, Watcher(running.port) as second, Producer(running.port) as producer:
            chaos = Chaos(running, producer, server, disks)
            chaos.recover()
            kills = {target: partial(chaos.kill, target) for target in (*chaos.targets, EVERYTHING)}
            others = {name: partial(chaos.suffer, name) for name in chaos.faults()} if arguments.all else {}
            for number in range(arguments.rounds):
                if time.monotonic() > end:
                    break
                name, fault = rng.choice([*kills.items(), *others.items()])
                print(f"{number + 1:3} {name}", flush=True)
                fault()
            producer.stop()
            ledger = wait_settled(running)
        never_shown = set(producer.accepted) - {*first.ids, *second.ids}
        print(f"{len(producer.accepted)} accepted, {len(never_shown)} of them never shown, ledger: {ledger}")
        if arguments.all:
            return find_unnamed_losses(running, producer, ledger)
        violations = find_violations(running, producer, ledger)
        return [*violations, *(f"never shown: {event_id}" for event_id in sorted(never_shown))]


if __name__ == "__main__":
    sys.exit(main())
