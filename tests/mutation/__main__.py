"""Make one small change at a time to the core and count the changes that no test notices.

Fails if tests notice fewer than 90 % of the changes to the Python files or to the page, or if a change that they do
not notice is missing from tests/mutation/survivors.txt, where each has its reason.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING, Final

from tests.mutation import core, page
from tests.mutation.mutant import Result, read_known
from tests.support import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

WORK: Final = ROOT / ".mutation"
KNOWN: Final = ROOT / "tests/mutation/survivors.txt"
SCORE_MIN: Final = 90.0
"""Percentage of mutants that must be killed."""
TIMEOUT_SECONDS: Final = 14400.0
"""The longest time for each of the two languages."""
SHORT: Final = ("tradewire/amount.py", "wsserver/ring.py", "web/src/trade/json.ts")


def main() -> int:
    """Run mutmut and Stryker, and print a table. Return 0 if the score is high enough and each survivor is known."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # end mutmut and Stryker, too
    parser = argparse.ArgumentParser(prog="tests/mutation/run", description=__doc__)
    parser.add_argument("files", nargs="*", metavar="FILE", help="mutate only these files")
    parser.add_argument("--short", action="store_true", help=f"mutate only {', '.join(SHORT)}")
    parser.add_argument("--processes", type=int, default=2, help="mutants that are tested at a time (default: 2)")
    arguments = parser.parse_args()
    selected = [*arguments.files, *(SHORT if arguments.short else ())]
    languages = {core: core.files(), page: page.files()}
    unknown = set(selected) - {file for files in languages.values() for file in files}
    if unknown:
        parser.error(f"not among the files that can be mutated: {', '.join(sorted(unknown))}")
    results, is_high_enough = [], True
    for language, files in languages.items():
        some = [file for file in files if not selected or file in selected]
        if some:
            name = language.__name__.rpartition(".")[2]
            try:
                found = language.run(some, WORK / name, arguments.processes, TIMEOUT_SECONDS)
            except subprocess.SubprocessError as error:
                print(f"{error}\nSee {WORK / name / 'log'}.")
                return 1
            is_high_enough &= print_table(found, name) >= SCORE_MIN
            results += found
    return 0 if all_are_known(results) and is_high_enough else 1


def print_table(results: Sequence[Result], name: str) -> float:
    """Print how many mutants of each file are killed. Return the score of all files together, in percent."""
    made = Counter(result.mutant.file for result in results)
    killed = Counter(result.mutant.file for result in results if result.is_killed)
    print(f"\n{'file':36} mutants  killed  survived  score")
    for file in made:
        print_row(file, made[file], killed[file])
    return print_row(f"all of {name}", made.total(), killed.total())


def print_row(title: str, made: int, killed: int) -> float:
    """Print a row of the table. Return its score in percent."""
    score = 100 * killed / made if made else 100.0
    print(f"{title:36} {made:7} {killed:7} {made - killed:9} {score:5.1f} %", flush=True)
    return score


def all_are_known(results: Sequence[Result]) -> bool:
    """Return True if each survivor has its reason in the list. Print the others, and entries that are out of date."""
    known = read_known(KNOWN)
    survivors = dict.fromkeys(result.mutant for result in results if not result.is_killed)
    files = {result.mutant.file for result in results}
    for mutant in known:
        if mutant.file in files and mutant not in survivors:
            print(f"\nNo longer survives, so remove it from {KNOWN.name}:\n{mutant}")
    new = [mutant for mutant in survivors if mutant not in known]
    for mutant in new:
        print(f"\nSurvives, and has no reason in {KNOWN.name}:\n{mutant}")
    return not new


if __name__ == "__main__":
    sys.exit(main())
