"""The inputs of a scenario: a running stack, and for how long and at which scale to measure."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.postgres import Postgres
    from tests.stack import Stack

RATE: Final = 50
"""Messages a second, in scenarios with a fixed rate."""
BROWSERS: Final = 10
"""Connected browsers, in scenarios where their number makes no difference."""
_MIN_COUNT: Final = 10


SETTINGS: Final = {
    "RATE_LIMIT": "off",
    "BATCH_RATE_LIMIT": "off",
    "MAX_CONNECTIONS_PER_ADDRESS": "50000",
    "MAX_POSTS_PER_ADDRESS": "512",
    "MAX_BROWSERS_PER_ADDRESS": "50000",
}
"""Settings of every stack: no limit may restrict the load, unless a scenario is about that limit."""


class Profile(NamedTuple):
    """For how long and at which scale to measure."""

    name: str
    seconds: int
    """Duration of the load for each measurement."""
    rounds: int
    """How often a comparison measures each of its sides."""
    count_factor: float
    """Factor for numbers of browsers and messages."""
    rate_factor: float
    """Factor for rates."""
    soak_seconds: int
    """Duration of the load that shows whether memory grows."""

    def scale_count(self, full_count: int) -> int:
        """Scale a number of browsers or messages, but not below 10: so few would prove nothing."""
        return max(min(full_count, _MIN_COUNT), round(self.count_factor * full_count))

    def scale_rate(self, full_rate: int) -> float:
        """Scale a rate (messages a second)."""
        return self.rate_factor * full_rate


FULL: Final = Profile("full", seconds=20, rounds=2, count_factor=1, rate_factor=1, soak_seconds=1200)
PEERS: Final = Profile("comparing", seconds=10, rounds=7, count_factor=1, rate_factor=1, soak_seconds=1200)
"""For comparisons, whose rounds are many."""
PEERS_SHORT: Final = Profile("short comparing", seconds=2, rounds=1, count_factor=0.04, rate_factor=1, soak_seconds=5)
SHORT: Final = Profile("short", seconds=5, rounds=1, count_factor=0.1, rate_factor=1, soak_seconds=60)
SMOKE: Final = Profile("smoke", seconds=1, rounds=1, count_factor=0.02, rate_factor=0.1, soak_seconds=2)
"""For tests/run: shows that the scenarios run and lose nothing; its figures mean nothing."""


class Bench(NamedTuple):
    """The stack to measure, and how."""

    stack: Stack
    profile: Profile
    postgres: Postgres | None = None
    """The server of the archive's store; without one the stack uses its own SQLite file."""
    peers: tuple[str, ...] = ()
    """Other stacks to compare with, by their names in the folder of peers."""

    @property
    def store_name(self) -> str:
        """The name of the store's database system."""
        return "PostgreSQL" if self.postgres else "SQLite"


@contextmanager
def temporary_home() -> Iterator[Path]:
    """Make a home for a stack, which an unprivileged user may enter."""
    home = Path(tempfile.mkdtemp(prefix="tw-bench-", dir="/tmp"))
    home.chmod(0o755)
    (home / "sock/workers").mkdir(parents=True)
    try:
        yield home
    finally:
        shutil.rmtree(home)
