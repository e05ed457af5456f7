"""How many browsers each principal has, so that no principal can take the places of all others from many addresses."""

from __future__ import annotations

from collections import Counter


class Places:
    """The places of all principals. With open access, principals have no name, and no limit.

    Args:
        each: How many browsers one principal may have at a time.
    """

    def __init__(self, each: int) -> None:
        self._each = each
        self._taken: Counter[str] = Counter()

    def are_free(self, name: str) -> bool:
        """Return whether a principal may have another browser."""
        return not name or self._taken[name] < self._each

    def take(self, name: str) -> None:
        """Count a browser of a principal."""
        self._taken[name] += 1

    def give_back(self, name: str) -> None:
        """Count a browser no more."""
        self._taken[name] -= 1
        if not self._taken[name]:
            del self._taken[name]
