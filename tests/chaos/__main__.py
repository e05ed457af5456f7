"""Let random faults happen to a stack for a number of rounds or minutes, and account for every message."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from tests.chaos.soak import Soak


def main() -> int:
    """Run the rounds; return 0 if no message was lost or duplicated and readiness was never wrong for long."""
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
    soak = Soak(home, arguments.store, arguments.seed, every_fault=arguments.all)
    soak.run(arguments.rounds, 60 * arguments.minutes)
    shutil.rmtree(home)
    print("\n".join(soak.failures) or "every message is accounted for, and readiness was right")
    return 1 if soak.failures else 0


if __name__ == "__main__":
    sys.exit(main())
