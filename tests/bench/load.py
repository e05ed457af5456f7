"""Load on a stack: from wrk, as fast as possible or at a rate, or from a producer that records each POST's time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from tests.bench.trades import trades
from tests.support import ROOT, require_program

if TYPE_CHECKING:
    from tests.bench.target import Running

CONNECTIONS: Final = 16
BATCH: Final = 500
"""Messages in a batch."""
_BODIES: Final = 20_000
"""Distinct messages; wrk repeats them."""


class LoadResult(NamedTuple):
    """The result of posting."""

    accepted: int
    """Messages answered 201. At the end of the load, the stack may accept a few more whose answers come too late."""
    refused: int
    """Requests answered otherwise, or not at all."""
    seconds: float
    cpu_seconds: float
    """CPU of the load generator."""

    @property
    def rate(self) -> float:
        """Messages accepted per second."""
        return self.accepted / self.seconds


class Sent(NamedTuple):
    """A message that was answered 201. Times are ns of the monotonic clock."""

    mark: bytes
    """Its `userId`, by which the clients recognise it."""
    sent_ns: int
    """When its POST began."""
    answered_ns: int


class Wrk:
    """Posts in the background with wrk, single messages or batches.

    Args:
        stack: The stack to load.
        seconds: How long to post.
        connections: Connections that are kept alive; at a low rate fewer, at least one.
        batch: Messages in a batch; 0 posts single messages.
        rate: Messages a second; 0 posts as fast as possible.
        token: Of the key to post with; empty if the stack asks for none.
    """

    def __init__(
        self,
        stack: Running,
        seconds: int,
        *,
        connections: int = CONNECTIONS,
        batch: int = 0,
        rate: float = 0,
        token: str = "",
    ) -> None:
        bodies_file = stack.home / f"bodies-{batch}"
        if not bodies_file.exists():
            bodies_file.write_bytes(_bodies(batch))
        script = Path(__file__).with_name("post.lua")
        url = stack.url + ("api/messages" if batch else "api/message")
        requests_per_second = rate / (batch or 1)
        if rate:  # nginx closes a connection that sends nothing for some seconds, so each has to send often
            connections = min(connections, max(1, int(requests_per_second)))
        command = [
            require_program("wrk"),
            "-t1",
            f"-c{connections}",
            f"-d{seconds}s",
            "--timeout=30s",
            *(["-H", f"X-API-Key: {token}"] if token else []),
            "-s",
            str(script),
            url,
        ]
        script_arguments = ["--", str(bodies_file), str(requests_per_second)]
        self._process = subprocess.Popen([*command, *script_arguments], stdout=subprocess.PIPE)

    @property
    def goes_on(self) -> bool:
        """Whether it is still posting."""
        return self._process.poll() is None

    def stop(self) -> LoadResult:
        """End the load early; fail if a request was refused."""
        self._process.send_signal(signal.SIGINT)
        return self.result()

    def result(self, *, may_refuse: bool = False) -> LoadResult:
        """Wait for the end of the load; fail if a request was refused, unless the stack may refuse some."""
        output, cpu_seconds = _finish(self._process)
        accepted, refused, seconds = map(float, output.splitlines()[-1].split())
        assert may_refuse or not refused, output
        return LoadResult(int(accepted), int(refused), seconds, cpu_seconds)


class Producer:
    """Posts single messages in the background, evenly, and records when each was sent."""

    def __init__(self, stack: Running, rate: float, count: int) -> None:
        command = [sys.executable, "-m", "tests.bench.producer", str(stack.port), str(rate), str(count)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
        self._count = count
        self.cpu_seconds = 0.0
        """CPU that posting took; 0 until `result` returns."""

    def result(self) -> list[Sent]:
        """Wait for the end; fail unless all messages were accepted."""
        output, _ = _finish(self._process)
        *lines, cpu_seconds = output.splitlines()
        self.cpu_seconds = float(cpu_seconds)
        sent = [line.split() for line in lines]
        assert len(sent) == self._count, f"{len(sent)} of {self._count} were accepted"
        return [Sent(mark.encode(), int(sent_ns), int(answered_ns)) for mark, sent_ns, answered_ns in sent]


def post_all(stack: Running, count: int) -> None:
    """Post `count` single messages as fast as possible; fail unless all are accepted."""
    command = [sys.executable, "-m", "tests.bench.stream", str(stack.port), "1e9", str(count)]
    accepted = int(subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout)
    assert accepted == count, f"{accepted} of {count} were accepted"


@cache
def _bodies(batch: int) -> bytes:
    """Return the request bodies for wrk, separated by empty lines: single messages, or batches as NDJSON."""
    messages = trades(_BODIES)
    if not batch:
        return b"\n\n".join(messages)
    return b"\n\n".join(b"\n".join(messages[start : start + batch]) for start in range(0, _BODIES, batch))


def _finish(process: subprocess.Popen[bytes]) -> tuple[str, float]:
    """Wait for a process to end; return its output and its CPU seconds."""
    assert process.stdout
    with process.stdout as pipe:
        output = pipe.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, output
    return output, usage.ru_utime + usage.ru_stime
