"""The throttle: everyone comes in, in order, and nobody else waits long for it."""

from __future__ import annotations

import asyncio
import time
from itertools import pairwise
from typing import TYPE_CHECKING

from tests.support import PATIENCE_SECONDS
from wsserver import handshake_throttle as door_module
from wsserver.handshake_throttle import HandshakeThrottle

if TYPE_CHECKING:
    from collections.abc import Callable


async def until(condition: Callable[[], bool]) -> None:
    """Let the event loop turn until the condition holds."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110 - what is waited for is what the loop does meanwhile
            await asyncio.sleep(0)


def test_everyone_comes_in_in_the_order_in_which_they_knocked() -> None:
    came: list[int] = []

    async def submit() -> None:
        throttle = HandshakeThrottle()
        for number in range(100):
            throttle.submit(lambda number=number: came.append(number))  # type: ignore[misc] # mypy can't infer a default's
        await until(lambda: len(came) == 100)

    asyncio.run(submit())
    assert came == list(range(100))


def test_who_knocks_while_another_comes_in_is_let_in_once() -> None:
    came: list[str] = []

    async def submit() -> None:
        throttle = HandshakeThrottle()

        def first() -> None:
            came.append("first")
            throttle.submit(lambda: came.append("second"))

        throttle.submit(first)
        await until(lambda: "second" in came)
        await asyncio.sleep(0.01)

    asyncio.run(submit())
    assert came == ["first", "second"]


def test_others_have_most_of_the_time_between_those_who_take_theirs() -> None:
    moments: list[float] = []
    turns: list[float] = []

    def slow() -> None:
        moments.append(time.monotonic())
        time.sleep(2 * door_module.BURST_SECONDS)

    def all_are_in() -> bool:
        turns.append(time.monotonic())
        return len(moments) == 3

    async def submit() -> None:
        throttle = HandshakeThrottle()
        for _ in range(3):
            throttle.submit(slow)
        await until(all_are_in)

    asyncio.run(submit())
    for one, next_one in pairwise(moments):
        assert next_one - one >= 2 * door_module.BURST_SECONDS * (1 + door_module.REST_FACTOR)
        assert any(one < turn < next_one for turn in turns)


def test_one_that_fails_holds_up_nobody() -> None:
    events: list[str] = []

    def fail() -> None:
        raise ValueError("no handshake")

    async def submit() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: events.append(str(context["exception"])))
        throttle = HandshakeThrottle()
        throttle.submit(fail)
        throttle.submit(lambda: events.append("in"))
        await until(lambda: "in" in events)

    asyncio.run(submit())
    assert events == ["no handshake", "in"]
