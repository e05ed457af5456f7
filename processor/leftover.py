"""Jobs of consumers that are switched off, for deploy/up and deploy/consumer.

python -m processor.leftover count TUBE…   print `TUBE JOBS DEAD_LETTERS` for each tube that is not empty
python -m processor.leftover drop TUBE…    give up all that is in the tubes, with receipts
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from processor import program
from processor.expiry import Expiry
from processor.turns import Turns
from tradewire.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tradewire.queue import Queue


def count(queue: Queue, tubes: Sequence[str]) -> None:
    """Print the number of jobs and of dead letters in each tube that is not empty."""
    for tube in tubes:
        counts = queue.counts(tube)
        jobs = counts.ready + counts.reserved
        if jobs or counts.dead_letters:
            sys.stdout.write(f"{tube} {jobs} {counts.dead_letters}\n")


def main() -> int:
    """Do what the arguments say. Return the exit status: 0, 1 if the queue can't be used, 2 if settings are invalid."""
    parser = argparse.ArgumentParser(prog="leftover", description="Counts or drops the jobs of consumers.")
    parser.add_argument("action", choices=["count", "drop"])
    parser.add_argument("tubes", nargs="+")
    arguments = parser.parse_args()
    settings, queue, _, log = program.start("leftover", os.environ)
    try:
        if arguments.action == "count":
            count(queue, arguments.tubes)
        else:
            for tube in arguments.tubes:
                Expiry(queue, Turns(settings.counters, tube), None, 0, lambda: None, log).drop_all()
    except Unavailable as error:
        log.critical("the queue can't be used", reason=str(error))
        return 1
    finally:
        queue.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
