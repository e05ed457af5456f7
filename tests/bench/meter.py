"""CPU and memory of each of a stack's programs, and of the clients connected to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.bench.clients import Clients
    from tests.bench.target import Running


class CpuSeconds(NamedTuple):
    """CPU time of a program, in seconds."""

    user: float
    system: float
    """Spent in the kernel."""


class Meter:
    """Measures from its creation on. No program may restart until the meter is read."""

    def __init__(self, stack: Running, groups: Iterable[Clients] = ()) -> None:
        self._processes = [*stack.programs(), *(("browsers", psutil.Process(clients.pid)) for clients in groups)]
        self._start = self._totals()

    def cpu_seconds(self) -> dict[str, float]:
        """Return the CPU seconds used by each program since the start."""
        return {program: sum(times) for program, times in self.user_and_system().items()}

    def user_and_system(self) -> dict[str, CpuSeconds]:
        """Return the CPU seconds used by each program since the start, in user and in system mode."""
        return {
            program: CpuSeconds(times.user - self._start[program].user, times.system - self._start[program].system)
            for program, times in self._totals().items()
        }

    def memory_mb(self) -> dict[str, float]:
        """Return the resident memory of each program; pages that its processes share count once for each process."""
        totals: dict[str, float] = {}
        for program, process in self._processes:
            totals[program] = totals.get(program, 0) + process.memory_info().rss / 1e6
        return totals

    def _totals(self) -> dict[str, CpuSeconds]:
        totals: dict[str, CpuSeconds] = {}
        for program, process in self._processes:
            user, system = totals.get(program, (0.0, 0.0))
            times = process.cpu_times()
            totals[program] = CpuSeconds(user + times.user, system + times.system)
        return totals


def per_message(cpu_seconds: dict[str, float], messages: int) -> dict[str, float]:
    """Return CPU microseconds per message, by program."""
    return {program: 1e6 * seconds / messages for program, seconds in cpu_seconds.items()}


def resident_bytes(stack: Running, program: str) -> int:
    """Return the resident memory of a program, all its processes together."""
    return sum(process.memory_info().rss for name, process in stack.programs() if name == program)
