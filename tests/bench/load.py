"""Load on a stack: from wrk, as fast as it goes or at a rate, or evenly from a process that notes each moment."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from tests.bench.trades import trades
from tests.support import ROOT, require_program

if TYPE_CHECKING:
    from tests.stack import Stack

CONNECTIONS: Final = 16
BATCH: Final = 500
"""Messages in a batch."""
_BODIES: Final = 20_000
"""Different messages; what posts more begins again."""


class Posted(NamedTuple):
    """What came of posting."""

    accepted: int
    """Messages whose 201 has come. The last ones before the end may be kept and not be among them."""
    seconds: float
    cpu_seconds: float
    """Of whom posted."""

    @property
    def rate(self) -> float:
        """Messages accepted a second."""
        return self.accepted / self.seconds


class Wrk:
    """Posts in the background: single messages, or batches."""

    def __init__(self, stack: Stack, seconds: int, *, batch: int = 0, rate: float = 0) -> None:
        """`rate` is in messages a second; 0 is as fast as it goes."""
        file = stack.home / f"bodies-{batch}"
        if not file.exists():
            file.write_bytes(_bodies(batch))
        script = Path(__file__).with_name("post.lua")
        url = stack.url + ("api/messages" if batch else "api/message")
        command = [
            require_program("wrk"),
            "-t1",
            f"-c{CONNECTIONS}",
            f"-d{seconds}s",
            "--timeout=30s",
            "-s",
            str(script),
            url,
        ]
        options = ["--", str(file), str(rate / (batch or 1))]
        self._process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE)

    def result(self) -> Posted:
        """Wait for its end. Fails where anything was refused."""
        output, cpu_seconds = _finish(self._process)
        accepted, refused, seconds = map(float, output.splitlines()[-1].split())
        assert not refused, output
        return Posted(int(accepted), seconds, cpu_seconds)


class Poster:
    """Posts single messages in the background, at an even rate, and knows when each went out."""

    def __init__(self, stack: Stack, rate: float, count: int) -> None:
        command = [sys.executable, "-m", "tests.bench.poster", str(stack.port), str(rate), str(count)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
        self._count = count
        self.cpu_seconds = 0.0
        """Its CPU, known at the end."""

    def result(self) -> list[tuple[bytes, int]]:
        """Wait for its end; give each id, and when its POST began (ns of the monotonic clock)."""
        output, _ = _finish(self._process)
        *lines, cpu_seconds = output.splitlines()
        self.cpu_seconds = float(cpu_seconds)
        sent = [line.encode().split() for line in lines]
        assert len(sent) == self._count, f"{len(sent)} of {self._count} were accepted"
        return [(event_id, int(moment)) for event_id, moment in sent]


def post_all(stack: Stack, count: int) -> None:
    """Post so many single messages, as fast as they go, each of which must be accepted."""
    command = [sys.executable, "-m", "tests.bench.stream", str(stack.port), "1e9", str(count)]
    accepted = int(subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout)
    assert accepted == count, f"{accepted} of {count} were accepted"


@cache
def _bodies(batch: int) -> bytes:
    """Give what wrk posts: bodies parted by empty lines, each a message or, one a line, a batch."""
    messages = trades(_BODIES)
    if not batch:
        return b"\n\n".join(messages)
    return b"\n\n".join(b"\n".join(messages[at : at + batch]) for at in range(0, _BODIES, batch))


def _finish(process: subprocess.Popen[bytes]) -> tuple[str, float]:
    """Wait for a process; give what it has printed, and the CPU seconds that it took."""
    assert process.stdout
    with process.stdout as pipe:
        output = pipe.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, output
    return output, usage.ru_utime + usage.ru_stime
