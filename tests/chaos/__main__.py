"""The long form: strike victims by chance, for as many rounds as asked, and account for every message."""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from pathlib import Path

from tests.chaos.account import faults, settle
from tests.chaos.poster import Poster
from tests.chaos.scenario import EVERYTHING, Chaos, battlefield
from tests.watcher import Watcher


def main() -> int:
    """Run the rounds; 0 where every message is accounted for."""
    parser = argparse.ArgumentParser(prog="tests/chaos/run", description=__doc__)
    parser.add_argument("rounds", type=int, nargs="?", default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--store", choices=["sqlite", "postgresql"], default="sqlite")
    arguments = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="tw-chaos-", dir="/tmp"))
    home.chmod(0o755)
    (home / "sock/workers").mkdir(parents=True)
    found = _run(home, arguments.store, arguments.rounds, random.Random(arguments.seed))  # noqa: S311 - repeatable, not secret
    shutil.rmtree(home)
    print("\n".join(found) or "every message is accounted for")
    return 1 if found else 0


def _run(home: Path, store: str, rounds: int, chance: random.Random) -> list[str]:
    """Run the rounds; give what is wrong after them."""
    with battlefield(home, store) as (running, server):
        with Watcher(running.port) as first, Watcher(running.port) as second, Poster(running.port) as poster:
            chaos = Chaos(running, poster, server)
            chaos.recover()
            for number in range(rounds):
                victim = chance.choice((*chaos.victims, EVERYTHING))
                print(f"{number + 1:3} {victim}", flush=True)
                chaos.strike(victim)
            poster.stop()
            ledger = settle(running)
        lost = set(poster.accepted) - {*first.ids, *second.ids}
        print(f"{len(poster.accepted)} accepted, {len(lost)} of them never shown to anyone, the ledger: {ledger}")
        return [*faults(running, poster, ledger), *(f"never shown: {one}" for one in sorted(lost))]


if __name__ == "__main__":
    sys.exit(main())
