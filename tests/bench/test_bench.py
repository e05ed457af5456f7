"""The short form of the benchmarks: they run, and lose nothing. Speed is for tests/bench/run to say."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.bench import archive, page, reading, scenarios
from tests.postgres import postgres
from tests.stack import stack
from tests.support import need

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.timeout(300)


def test_every_scenario_runs_and_shows_every_message_to_every_browser(home: Path) -> None:
    need("wrk")
    with stack(home, RATE="off", ADDRESS_CONNECTIONS="5000") as running:
        figures = asyncio.run(scenarios.run(running, 2))
    by_name = {(figure.scenario, figure.name): figure.value for figure in figures}
    assert all(value >= 0 for value in by_name.values())
    assert by_name["1,000 messages wait, then a browser comes", "growth of the queue's log in 6 s"] == 0


def test_all_that_is_posted_is_archived_also_what_came_while_the_store_was_away(home: Path) -> None:
    need("wrk")
    with postgres(home) as server, stack(home, RATE="off", STORE_URL=server.database()) as running:
        figures = asyncio.run(archive.run(running, server, 1, 1))
    assert all(figure.value >= 0 for figure in figures if figure.unit != "%")


def test_every_question_is_answered_and_an_export_is_complete(home: Path) -> None:
    with stack(home) as running:
        figures = reading.run(running, 2000, 1)
    assert all(figure.value >= 0 for figure in figures if figure.unit != "MB")


def test_the_page_keeps_up_and_counts_every_message_with_the_websocket_server_killed_among_them(home: Path) -> None:
    with stack(home, RATE="off") as running:
        figures = asyncio.run(page.frames(running, 3))
        asyncio.run(page.counters(running, 3000))  # fails where a counter is wrong
    assert all(figure.value > 0 for figure in figures if figure.unit == "/s")
