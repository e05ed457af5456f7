"""The handshake throttle runs all handshakes in order and leaves time for other work."""

from __future__ import annotations

import asyncio
import time
from itertools import pairwise
from typing import TYPE_CHECKING

from tests.support import TIMEOUT_SECONDS
from wsserver import handshake_throttle
from wsserver.handshake_throttle import HandshakeThrottle

if TYPE_CHECKING:
    from collections.abc import Callable


async def until(condition: Callable[[], bool]) -> None:
    """Run the event loop until the condition holds."""
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while not condition():  # noqa: ASYNC110 - the condition depends on work of this event loop
            await asyncio.sleep(0)


def test_handshakes_run_in_the_order_of_their_submission() -> None:
    completed: list[int] = []

    async def run() -> None:
        throttle = HandshakeThrottle()
        for number in range(100):
            throttle.submit(lambda number=number: completed.append(number))  # type: ignore[misc] # mypy can't infer its type
        await until(lambda: len(completed) == 100)

    asyncio.run(run())
    assert completed == list(range(100))


def test_a_handshake_submitted_during_another_runs_once() -> None:
    completed: list[str] = []

    async def run() -> None:
        throttle = HandshakeThrottle()

        def first() -> None:
            completed.append("first")
            throttle.submit(lambda: completed.append("second"))

        throttle.submit(first)
        await until(lambda: "second" in completed)
        await asyncio.sleep(0.01)

    asyncio.run(run())
    assert completed == ["first", "second"]


def test_slow_handshakes_leave_most_of_the_time_to_other_work() -> None:
    starts: list[float] = []
    turns: list[float] = []

    def slow() -> None:
        starts.append(time.monotonic())
        time.sleep(2 * handshake_throttle.BURST_SECONDS)

    def all_started() -> bool:
        turns.append(time.monotonic())
        return len(starts) == 3

    async def run() -> None:
        throttle = HandshakeThrottle()
        for _ in range(3):
            throttle.submit(slow)
        await until(all_started)

    asyncio.run(run())
    for start, next_start in pairwise(starts):
        assert next_start - start >= 2 * handshake_throttle.BURST_SECONDS * (1 + handshake_throttle.REST_FACTOR)
        assert any(start < turn < next_start for turn in turns)


def test_a_failed_handshake_does_not_stop_the_next() -> None:
    outcomes: list[str] = []

    def fail() -> None:
        raise ValueError("no handshake")

    async def run() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: outcomes.append(str(context["exception"])))
        throttle = HandshakeThrottle()
        throttle.submit(fail)
        throttle.submit(lambda: outcomes.append("completed"))
        await until(lambda: "completed" in outcomes)

    asyncio.run(run())
    assert outcomes == ["no handshake", "completed"]
