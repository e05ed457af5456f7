"""CPU and memory of each of a stack's programs, and of the clients connected to it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import psutil

from tests.bench.figures import PROGRAMS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.bench.clients import Clients
    from tests.stack import Stack


class Meter:
    """Measures from its creation on. No program may restart until the meter is read."""

    def __init__(self, stack: Stack, groups: Iterable[Clients] = ()) -> None:
        self._processes = [*_processes(stack), *(("browsers", psutil.Process(clients.pid)) for clients in groups)]
        self._start = self._total_cpu_seconds()

    def cpu_seconds(self) -> dict[str, float]:
        """Return the CPU seconds used by each program since the start."""
        return {program: seconds - self._start[program] for program, seconds in self._total_cpu_seconds().items()}

    def memory_mb(self) -> dict[str, float]:
        """Return the resident memory of each program; pages that its processes share count once for each process."""
        totals: dict[str, float] = {}
        for program, process in self._processes:
            totals[program] = totals.get(program, 0) + process.memory_info().rss / 1e6
        return totals

    def _total_cpu_seconds(self) -> dict[str, float]:
        totals: dict[str, float] = {}
        for program, process in self._processes:
            totals[program] = totals.get(program, 0) + sum(process.cpu_times()[:2])
        return totals


def per_message(cpu_seconds: dict[str, float], messages: int) -> dict[str, float]:
    """Return CPU microseconds per message, by program."""
    return {program: 1e6 * seconds / messages for program, seconds in cpu_seconds.items()}


def resident_bytes(stack: Stack, program: str) -> int:
    """Return the resident memory of a program's main process."""
    return int(psutil.Process(stack.pid(program)).memory_info().rss)


def _processes(stack: Stack) -> Iterator[tuple[str, psutil.Process]]:
    """Yield every process of the stack, each with its program's name."""
    for name, (_, pid) in stack.states().items():
        program = re.sub(r"^processors:|-[0-9]+$", "", name)
        if pid is not None and program in PROGRAMS:
            leader = psutil.Process(pid)
            yield from ((program, process) for process in (leader, *leader.children(recursive=True)))
