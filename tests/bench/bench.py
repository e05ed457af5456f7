"""What a scenario is given: a running stack, and how long and how large to measure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from tests.postgres import Postgres
    from tests.stack import Stack

RATE: Final = 50
"""Messages a second, where it is not as many as will go."""
BROWSERS: Final = 10
"""Browsers, where their number does not matter."""
_FEWEST: Final = 10


class Form(NamedTuple):
    """How long and how large to measure."""

    name: str
    seconds: int
    """Of load, for each thing that is measured."""
    turns: int
    """Of each side of a comparison."""
    share: float
    """Of the full numbers of browsers and messages."""
    speed: float
    """Of the full rates."""

    def of(self, count: int) -> int:
        """Give this form's share of a number of browsers or messages, with so few left that they say something."""
        return max(min(count, _FEWEST), round(self.share * count))

    def rate(self, messages_a_second: int) -> float:
        """Give this form's rate."""
        return self.speed * messages_a_second


FULL: Final = Form("full", seconds=20, turns=2, share=1, speed=1)
SHORT: Final = Form("short", seconds=5, turns=1, share=0.1, speed=1)
TEST: Final = Form("test", seconds=1, turns=1, share=0.02, speed=0.1)
"""Small enough for tests/run: it shows that nothing is lost, and tells nothing of speed."""


class Bench(NamedTuple):
    """Where and how to measure."""

    stack: Stack
    form: Form
    server: Postgres | None = None
    """Where the archive's store is; without one it is in the stack's own SQLite file."""

    @property
    def store(self) -> str:
        """What the archive's store is called."""
        return "PostgreSQL" if self.server else "SQLite"
