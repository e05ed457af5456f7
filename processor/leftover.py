"""Jobs of consumers that are switched off, for deploy/up and deploy/consumer.

python -m processor.leftover count TUBE…   print `TUBE JOBS DEAD_LETTERS` for each tube that is not empty
python -m processor.leftover drop TUBE…    give up all that is in the tubes, with receipts
"""

from __future__ import annotations

import argparse
import os
import sys
from functools import partial
from typing import TYPE_CHECKING

from processor import program
from processor.expiry import Expiry
from processor.turns import Turns
from tradewire.audit.details import letters
from tradewire.audit.trail import Entry, Trail
from tradewire.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tradewire.queue import DeadLetter, Queue


def count(queue: Queue, tubes: Sequence[str]) -> None:
    """Print the number of jobs and of dead letters in each tube that is not empty."""
    for tube in tubes:
        counts = queue.counts(tube)
        jobs = counts.ready + counts.reserved
        if jobs or counts.dead_letters:
            sys.stdout.write(f"{tube} {jobs} {counts.dead_letters}\n")


def _record(trail: Trail, dropped: Sequence[DeadLetter]) -> None:
    """Record dead letters that are about to be deleted. deploy/consumer records who does it."""
    details = {"letters": letters(dropped)}
    trail.append(Entry("dead-letters-deleted", "begun", role="local", client="local", details=details))


def main() -> int:
    """Do what the arguments say. Return the exit status: 0, 1 if it can't go on, 2 if settings are invalid."""
    parser = argparse.ArgumentParser(prog="leftover", description="Counts or drops the jobs of consumers.")
    parser.add_argument("action", choices=["count", "drop"])
    parser.add_argument("tubes", nargs="+")
    arguments = parser.parse_args()
    settings, queue, _, log = program.start("leftover", os.environ)
    try:
        if arguments.action == "count":
            count(queue, arguments.tubes)
        else:
            trail = Trail(settings.audit, settings.audit_key)
            for tube in arguments.tubes:
                expiry = Expiry(queue, Turns(settings.counters, tube), None, 0, lambda: None, log)
                expiry.drop_all(partial(_record, trail))
    except Unavailable as error:
        log.critical("can't go on", reason=str(error))
        return 1
    finally:
        queue.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
