"""Who takes how much: CPU and memory of each part of a stack, and of the browsers that look at it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import psutil

from tests.bench.figures import PARTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.bench.browsers import Browsers
    from tests.stack import Stack


class Meter:
    """Counts from when it is made. The parts must be the same processes until it is read."""

    def __init__(self, stack: Stack, crowds: Iterable[Browsers] = ()) -> None:
        self._processes = [*_processes(stack), *(("browsers", psutil.Process(crowd.pid)) for crowd in crowds)]
        self._begun = self._cpu()

    def cpu_seconds(self) -> dict[str, float]:
        """Give the CPU seconds that each part has taken."""
        return {part: seconds - self._begun[part] for part, seconds in self._cpu().items()}

    def memory_mb(self) -> dict[str, float]:
        """Give the memory that each part has resident, what its processes share counted in each."""
        found: dict[str, float] = {}
        for part, process in self._processes:
            found[part] = found.get(part, 0) + process.memory_info().rss / 1e6
        return found

    def _cpu(self) -> dict[str, float]:
        found: dict[str, float] = {}
        for part, process in self._processes:
            found[part] = found.get(part, 0) + sum(process.cpu_times()[:2])
        return found


def per_message(cpu_seconds: dict[str, float], messages: int) -> dict[str, float]:
    """Give the microseconds for each message, by part."""
    return {part: 1e6 * seconds / messages for part, seconds in cpu_seconds.items()}


def resident_bytes(stack: Stack, part: str) -> int:
    """Give the memory that a part has resident."""
    return int(psutil.Process(stack.pid(part)).memory_info().rss)


def _processes(stack: Stack) -> Iterator[tuple[str, psutil.Process]]:
    """Give each process of the stack with the name of its part."""
    for name, (_, pid) in stack.states().items():
        part = re.sub(r"^processors:|-[0-9]+$", "", name)
        if pid is not None and part in PARTS:
            leader = psutil.Process(pid)
            yield from ((part, process) for process in (leader, *leader.children(recursive=True)))
