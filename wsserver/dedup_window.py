"""What was shown lately, and must not be shown again."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection

GENERATION_IDS: Final = 2**18
"""Ids that are forgotten together: 25 MB of them."""
GENERATIONS_MAX: Final = 7
"""Full ones that are kept. With the one that fills, 200 MB at the very worst, and at least 60 s of 30,000 a second."""
REMEMBERED_SECONDS: Final = 61.0
"""Two TTRs, and what the clock here may lag behind."""


class DedupWindow:
    """A set of ids, 16 bytes each, that forgets the oldest.

    Never one of the last GENERATION_IDS; and none that is younger than REMEMBERED_SECONDS, as long as there is room for
    these. Generations are forgotten as a whole: that costs nothing, and no set grows so large that making room in it
    is felt.
    """

    def __init__(self) -> None:
        self._now = 0.0
        self._filling: set[bytes] = set()
        self._full: deque[tuple[float, set[bytes]]] = deque()
        """Each with the moment since when it is full, oldest first."""

    def seen(self, keys: Collection[bytes]) -> set[bytes]:
        """Give those of the keys that were shown lately."""
        found = self._filling.intersection(keys)
        for _, generation in self._full:
            if not generation.isdisjoint(keys):
                found.update(generation.intersection(keys))
        return found

    def add(self, keys: Collection[bytes]) -> None:
        """Remember keys."""
        self._filling.update(keys)
        if len(self._filling) >= GENERATION_IDS:
            self._full.append((self._now, self._filling))
            self._filling = set()
            if len(self._full) > GENERATIONS_MAX:
                self._full.popleft()

    def expire(self, now: float) -> None:
        """Forget what is old by now, in seconds of a clock that never goes back; to be called about once a second."""
        self._now = now
        while len(self._full) > 1 and self._full[0][0] < now - REMEMBERED_SECONDS:
            self._full.popleft()
