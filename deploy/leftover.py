"""What is left in the tubes of consumers that are switched off."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, NamedTuple

from deploy import own_queue
from deploy.checkout import PYTHON
from deploy.console import Failure
from deploy.privileges import run_as_owner
from tradewire.ledger import tube_history
from tradewire.settings import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tradewire.settings import Settings


class Leftover(NamedTuple):
    """What is left in one tube."""

    tube: str
    jobs: int
    dead_letters: int

    def __str__(self) -> str:
        return f"{self.jobs} jobs and {self.dead_letters} dead letters in the tube of {self.tube}"


def check(settings: Settings, environ: Mapping[str, str]) -> None:
    """Refuse to start while the tube of a consumer that is switched off is not empty: nobody would look at it again.

    The stack must be down, and its home locked.

    Args:
        settings: They name the consumers that are switched on.
        environ: The process's environment.

    Raises:
        Failure: It names the tubes and their jobs, and what to do.
    """
    switched_off = tube_history.known(settings.counters).difference(settings.tubes)
    if not switched_off:
        return
    with own_queue.serve(settings):
        found = count(settings, environ, sorted(switched_off))
    if found:
        names = [leftover.tube for leftover in found]
        raise Failure(
            f"{PREFIX}CONSUMERS no longer names {' and '.join(names)}, but there are "
            f"{'; '.join(map(str, found))}; nothing was started",
            *(f"Run deploy/consumer drain {name} to deliver them, or deploy/consumer drop {name}." for name in names),
        )


def count(settings: Settings, environ: Mapping[str, str], tubes: Iterable[str]) -> list[Leftover]:
    """Count the jobs left in tubes.

    Args:
        settings: They name the home.
        environ: An environment with the settings.
        tubes: The tubes' names.

    Returns:
        The tubes that are not empty.
    """
    done = run_module(settings, environ, "processor.leftover", "count", *tubes, stdout=subprocess.PIPE)
    if done.returncode:
        raise Failure("the tubes of consumers that are switched off can't be counted", "See the lines above.")
    lines = [line.split() for line in done.stdout.splitlines()]
    return [Leftover(tube, int(jobs), int(dead_letters)) for tube, jobs, dead_letters in lines]


def run_module(
    settings: Settings, environ: Mapping[str, str], *arguments: str, stdout: int | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a module with the rights that the stack's programs have."""
    return run_as_owner(
        settings.home / "sock",
        [PYTHON, "-P", "-m", *arguments],
        cwd=settings.home,
        env=environ,
        stdout=stdout,
    )
