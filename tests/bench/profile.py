"""Where a message's cost goes: each program's CPU time in user and in system mode, and its system calls."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.bench.bench import BROWSERS, RATE
from tests.bench.figures import Figure, Result
from tests.bench.load import BATCH, Producer, Wrk
from tests.bench.meter import Meter
from tests.bench.target import Tradewire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.bench.bench import Bench
    from tests.bench.target import Running

TRACED_SECONDS: Final = 2
"""How long each program is traced. A traced program is several times as slow, so it may batch more than otherwise."""
_CALL: Final = re.compile(r"^ *[\d.]+ +[\d.]+ +\d+ +(\d+) +(?:\d+ +)?(\w+)$", re.MULTILINE)
_MOST_FREQUENT: Final = 4


def measure(bench: Bench, name: str, post: Callable[[Running, int], int]) -> list[Result]:
    """Measure a load without a trace, then trace one program after the other, if strace is there.

    Args:
        bench: The stack, and for how long to measure.
        name: The name of the load.
        post: Posts for some seconds; returns how many messages were answered 201.
    """
    target = Tradewire(bench.stack)
    with target.connect(BROWSERS) as clients:
        reconciliation = target.reconciliation(clients)

        def accepted(seconds: int) -> int:
            return reconciliation.reconcile(post(target, seconds))

        accepted(TRACED_SECONDS)  # to warm up
        meter = Meter(target, [clients])
        count = accepted(bench.profile.seconds)
        figures = [
            Figure(f"{program}, {mode}", 1e6 * seconds / count, "µs/message")
            for program, times in meter.user_and_system().items()
            for mode, seconds in times._asdict().items()
        ]
        figures += _calls(target, accepted)
    return [Result(f"profile of {name}, {BROWSERS} browsers", figures)]


def _calls(target: Tradewire, accepted: Callable[[int], int]) -> Iterator[Figure]:
    """Yield each program's system calls per message."""
    if not shutil.which("strace"):
        print("  strace is not installed: system calls are not counted", file=sys.stderr)
        return
    pids: dict[str, list[int]] = {}
    for program, process in target.programs():
        pids.setdefault(program, []).append(process.pid)
    for program, ids in pids.items():
        with _traced(ids) as calls:
            count = accepted(TRACED_SECONDS)
        names = sorted(calls, key=calls.__getitem__, reverse=True)[:_MOST_FREQUENT]
        most = ", ".join(f"{calls[name] / count:.1f} {name}" for name in names)
        yield Figure(f"{program}, system calls ({most})", sum(calls.values()) / count, "/message")


@contextmanager
def _traced(ids: list[int]) -> Iterator[dict[str, int]]:
    """Count the system calls of some processes while the `with` block runs; they are there at its end."""
    calls: dict[str, int] = {}
    with tempfile.NamedTemporaryFile("r") as summary:
        command = ["strace", "-f", "-c", "-o", summary.name, *(f"-p{id_}" for id_ in ids)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as strace:
            assert strace.stderr
            attached = strace.stderr.readline()
            assert "attached" in attached, f"strace can't attach: {attached}"
            yield calls
            strace.send_signal(signal.SIGINT)
            strace.stderr.read()
        calls.update(counts(Path(summary.name).read_text()))


def counts(summary: str) -> dict[str, int]:
    """Return how often each system call was made, from the table that `strace -c` writes."""
    return {name: int(number) for number, name in _CALL.findall(summary) if name != "total"}


def _post(stack: Running, seconds: int, batch: int = 0) -> int:
    return Wrk(stack, seconds, batch=batch).result().accepted


def _post_at_rate(stack: Running, seconds: int) -> int:
    return len(Producer(stack, RATE, RATE * seconds).result())


SCENARIOS: Final = {
    "single": partial(measure, name="single POSTs", post=_post),
    "batches": partial(measure, name=f"batches of {BATCH}", post=partial(_post, batch=BATCH)),
    "rate": partial(measure, name=f"{RATE}/s single", post=_post_at_rate),
}
"""What `--profile` can profile, by name."""
