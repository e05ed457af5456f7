"""The long form: strike victims by chance, for as many rounds as asked, and account for every message."""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from pathlib import Path

from tests.chaos.scenario import VICTIMS, Chaos, Poster, settle
from tests.stack import stack
from tests.watcher import Watcher


def main() -> int:
    """Run the rounds; 0 where nothing was lost."""
    parser = argparse.ArgumentParser(prog="tests/chaos/run", description=__doc__)
    parser.add_argument("rounds", type=int, nargs="?", default=50)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)  # noqa: S311 - repeatable, not secret
    home = Path(tempfile.mkdtemp(prefix="tw-chaos-", dir="/tmp"))
    home.chmod(0o755)
    (home / "sock/workers").mkdir(parents=True)
    with stack(home, RATE="off") as running:
        with Watcher(running.port) as first, Watcher(running.port) as second:
            with Poster(running.port) as poster:
                chaos = Chaos(running, poster)
                chaos.recover()
                for number in range(arguments.rounds):
                    victim = chance.choice((*VICTIMS, "everything"))
                    print(f"{number + 1:3} {victim}", flush=True)
                    chaos.strike_all() if victim == "everything" else chaos.strike(victim)
            settle(running)
        shown = {*first.ids, *second.ids}
        lost = set(poster.accepted) - shown
        print(f"{len(poster.accepted)} accepted, {len(lost)} of them never shown to anyone")
        print(f"{len(shown - set(poster.accepted))} shown beyond them, {poster.unanswered} posts unanswered")
    shutil.rmtree(home)
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
