"""What the stack itself says of its messages; what it says of others' is held against it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.bench.depth import await_empty
from tests.support import wait_until

if TYPE_CHECKING:
    from tests.bench.browsers import Browsers
    from tests.stack import Stack

SETTLED_WITHIN_SECONDS = 300
_PAUSE_SECONDS = 0.05
"""Between two questions: nginx lets through 20 a second."""


class Totals(NamedTuple):
    """Messages since the stack was first started, at rest: each was shown to somebody, and archived."""

    accepted: int
    shown: int
    archived: int


def settled(stack: Stack) -> Totals:
    """Wait until all is shown and archived. A message that is lost fails."""
    await_empty(stack, SETTLED_WITHIN_SECONDS)  # asks the queue, so that whom the ledger needs is left to its work
    found: dict[str, Any] = {}

    def at_rest() -> bool:
        time.sleep(_PAUSE_SECONDS)
        answer = stack.get("/api/ledger")
        if answer.status != 200:
            return False
        found.update(answer.json)
        return bool(found["status"] != "settling" and found["tubes"]["live"]["waiting"] == 0)

    wait_until(at_rest, "the ledger has settled")
    assert found["status"] == "balanced", found
    tubes = found["tubes"]
    return Totals(found["accepted"], tubes["live"]["shown"], tubes["archive"]["archived"])


class Books:
    """Follows what is posted while a crowd sees all of it, from when nothing is on its way."""

    def __init__(self, stack: Stack, crowd: Browsers) -> None:
        self._stack = stack
        self._crowd = crowd
        self._before = settled(stack)
        self.seen = crowd.counts().least
        """Messages that each browser was shown by the last time that the books were closed."""

    def close(self, answered: int) -> int:
        """Wait until all is shown and archived; give how many were accepted since the last time.

        Fails where one of those `answered` 201 is missing anywhere, or any is there twice. Whoever posts hangs up on
        the last ones, so a few more may have been accepted.
        """
        totals = settled(self._stack)
        accepted, shown, archived = (now - then for now, then in zip(totals, self._before, strict=True))
        assert accepted >= answered, f"{answered} were answered 201, {accepted} are on the books"
        assert shown == archived, f"{shown} were shown, {archived} archived"
        assert archived >= accepted, f"{archived} of {accepted} were archived"
        self.seen = self._crowd.check(self.seen + archived).least
        self._before = totals
        return archived
