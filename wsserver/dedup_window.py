"""The ids of events that were shown recently. An event whose id is among them must not be shown again."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection

GENERATION_IDS: Final = 2**18
"""Ids in one generation, about 25 MB. A generation is forgotten as a whole."""
GENERATIONS_MAX: Final = 7
"""Full generations that are kept. With the one being filled, they take at most 200 MB, and hold at least 60 s of 30,000
events a second."""
REMEMBERED_SECONDS: Final = 61.0
"""Two TTRs, and the second by which the window's clock may lag."""


class DedupWindow:
    """A set of ids, 16 bytes each, that forgets the oldest.

    The last GENERATION_IDS ids are always in the window. Older ones stay for REMEMBERED_SECONDS, as long as there are
    at most GENERATIONS_MAX full generations. Ids are forgotten by the generation: dropping a whole set takes no time
    that matters, and no set grows so large that resizing it would delay other work.
    """

    def __init__(self) -> None:
        self._now = 0.0
        self._filling: set[bytes] = set()
        self._full: deque[tuple[float, set[bytes]]] = deque()
        """Full generations, oldest first, each with the time at which it became full."""

    def seen(self, keys: Collection[bytes]) -> set[bytes]:
        """Return those ids that are in the window.

        Args:
            keys: Ids to look up.
        """
        seen = self._filling.intersection(keys)
        for _, generation in self._full:
            if not generation.isdisjoint(keys):
                seen.update(generation.intersection(keys))
        return seen

    def add(self, keys: Collection[bytes]) -> None:
        """Add ids to the window.

        Args:
            keys: Ids of events that are shown now.
        """
        self._filling.update(keys)
        if len(self._filling) >= GENERATION_IDS:
            self._full.append((self._now, self._filling))
            self._filling = set()
            if len(self._full) > GENERATIONS_MAX:
                self._full.popleft()

    def expire(self, now: float) -> None:
        """Forget generations that have been full for more than REMEMBERED_SECONDS. Call it about once a second.

        Args:
            now: The time in seconds, on a clock that never goes back.
        """
        self._now = now
        while len(self._full) > 1 and self._full[0][0] < now - REMEMBERED_SECONDS:
            self._full.popleft()
