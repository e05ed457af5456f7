"""The door: everyone comes in, in order, and nobody else waits long for it."""

from __future__ import annotations

import asyncio
import time

from wsserver import door as door_module
from wsserver.door import Door


def test_everyone_comes_in_in_the_order_in_which_they_knocked() -> None:
    came: list[int] = []

    async def knock() -> None:
        door = Door()
        for number in range(100):
            door.knock(lambda number=number: came.append(number))  # type: ignore[misc] # mypy can't infer a default's
        for _ in range(101):  # one turn for each, at the most
            await asyncio.sleep(0)

    asyncio.run(knock())
    assert came == list(range(100))


def test_who_knocks_while_another_comes_in_is_let_in_once() -> None:
    came: list[str] = []

    async def knock() -> None:
        door = Door()

        def first() -> None:
            came.append("first")
            door.knock(lambda: came.append("second"))

        door.knock(first)
        for _ in range(10):
            await asyncio.sleep(0)

    asyncio.run(knock())
    assert came == ["first", "second"]


def test_others_have_their_turn_between_those_who_take_their_time() -> None:
    events: list[str] = []

    def slow() -> None:
        events.append("in")
        time.sleep(2 * door_module.TURN_SECONDS)

    async def knock() -> None:
        door = Door()
        for _ in range(3):
            door.knock(slow)
        while events.count("in") < 3:
            await asyncio.sleep(0)
            events.append("turn")

    asyncio.run(knock())
    assert "turn" in events[events.index("in") : events.index("in", 1 + events.index("in"))]
    assert events.count("turn") >= 3


def test_one_that_fails_holds_up_nobody() -> None:
    events: list[str] = []

    def fail() -> None:
        raise ValueError("no handshake")

    async def knock() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: events.append(str(context["exception"])))
        door = Door()
        door.knock(fail)
        door.knock(lambda: events.append("in"))
        for _ in range(10):
            await asyncio.sleep(0)

    asyncio.run(knock())
    assert events == ["no handshake", "in"]
