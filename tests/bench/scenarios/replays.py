"""Others' latency while one address resumes on /ws again and again, beside their latency without that."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from tests.bench import latency
from tests.bench.bench import BROWSERS, RATE
from tests.bench.clients import Clients
from tests.bench.figures import Figure, Result
from tests.bench.trades import trades
from tests.support import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bench.bench import Bench
    from tests.stack import Stack

_MISSED: Final = 19_900
"""Events that each attempt asks for: nearly all that the server keeps by default."""
_BATCH: Final = 500


class Attack:
    """The counts of an attack, when it has ended."""

    attempts = replays = received_bytes = 0
    seconds = 0.0


def attacked(bench: Bench) -> list[Result]:
    """Measure in turn without and with the attack; fail if a message is lost, or if the server drops a browser."""
    stack, messages = bench.stack, RATE * bench.profile.seconds
    missed = bench.profile.scale_count(_MISSED)
    figures: list[Figure] = []
    with Clients(stack.port, BROWSERS) as clients:
        clients.wait_received(_fill_ring(stack, missed))
        latency.measure(stack, clients, RATE, RATE)  # to warm up
        for number in range(1, 1 + bench.profile.rounds):
            load = os.getloadavg()[0]
            without = latency.measure(stack, clients, RATE, messages)
            with _attack(stack, missed) as attack:
                during = latency.measure(stack, clients, RATE, messages)
            figures += [
                Figure(f"round {number}, load of the machine before it", load, ""),
                Figure(f"round {number}, POST to browser, 90th percentile, without the attack", without.p90, "ms"),
                Figure(f"round {number}, POST to browser, 90th percentile, during the attack", during.p90, "ms"),
                Figure(f"round {number}, attempts to resume", attack.attempts / attack.seconds, "1/s"),
                Figure(f"round {number}, replays that the attacker got", attack.replays, ""),
                Figure(f"round {number}, bytes that the attacker got", attack.received_bytes / 2**20, "MiB"),
            ]
    return [Result(f"replay attack, {missed:,} events each, {BROWSERS} other browsers", figures)]


def _fill_ring(stack: Stack, count: int) -> int:
    """Post so many messages, in whole batches. The server keeps the newest. Return how many were posted."""
    bodies = b"\n".join(trades(_BATCH))
    batches = math.ceil(count / _BATCH)
    for _ in range(batches):
        answer = stack.get("/api/messages", method="POST", body=bodies)
        assert answer.status == 201, answer.body
    return batches * _BATCH


@contextmanager
def _attack(stack: Stack, missed: int) -> Iterator[Attack]:
    """Attack during a block. The counts are there after it."""
    attack, start = Attack(), time.monotonic()
    command = [sys.executable, "-m", "tests.bench.replayer", str(stack.port), str(missed)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield attack
        finally:
            output, _ = process.communicate()
            attack.seconds = time.monotonic() - start
    attack.attempts, attack.replays, attack.received_bytes = map(int, output.split())
