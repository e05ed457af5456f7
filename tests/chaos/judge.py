"""Judges whether a stack's readiness is wrong, from what it says and from what users find."""

from __future__ import annotations

from typing import Final

LIMIT_SECONDS: Final = 5.0
"""How long readiness may be wrong: the time to notice a fault, or a recovery."""
PATIENCE_SECONDS: Final = 3.0
"""How long users wait before they believe that an attempt has failed."""

WRONG: Final = {
    "it promises to keep messages, but every POST fails": ("promises", "post fails"),
    "it says ready, but every query fails": ("says ready", "query fails"),
    "it says ready, but nothing is archived": ("says ready", "archive fails"),
    "it says not-ready, but every POST succeeds": ("refuses", "post works"),
    "it does not say ready, but nothing fails": ("does not say ready", "nothing fails", "no fault is at work"),
}
"""The ways to be wrong, and the facts that must hold together for each."""


class Judge:
    """Finds the times at which readiness was wrong for longer than LIMIT_SECONDS.

    Readiness promises something: `ready` and `degraded` that messages are kept, and `ready` also that queries are
    answered and messages are archived. Users find out whether that is so. Readiness is wrong

    - while each answer promises something, and every attempt at it fails. A stack that does not answer promises
      nothing. A failure counts from the beginning of the first attempt that failed. An attempt that takes longer than
      PATIENCE_SECONDS has failed until its answer came.
    - while each answer is `not-ready`, and each POST succeeds.
    - while no answer is `ready`, although no fault is at work and nothing fails: each POST is answered 201, each query
      gets an answer, each message is archived and shown within a few seconds, and all programs run. So the last repair
      has taken effect when the last of these works again.

    An attempt that has no answer yet proves nothing: what worked is known to have worked until the last successful
    attempt began.

    All times are seconds of the monotonic clock, in order. The caller brings them, so a judge needs no clock.
    """

    def __init__(self) -> None:
        self._since: dict[str, float] = {"no fault is at work": 0.0, "nothing fails": 0.0}
        """The facts that hold now, and since when."""
        self._failing: set[str] = set()
        self._worked: dict[str, float] = {}
        """When the last successful attempts began."""
        self._open: dict[str, tuple[float, float]] = {}
        """The ways in which readiness is wrong now: since when, and when that was seen last."""
        self._closed: list[tuple[str, float, float]] = []
        self._longest = 0.0

    def tried(self, what: str, began: float, now: float, *, works: bool) -> None:
        """Take note that a user tried something.

        Args:
            what: `post`, `query`, `archive`, or anything else that must work.
            began: When the attempt began.
            now: When its result was there.
            works: Whether it succeeded.
        """
        if works and now - began > PATIENCE_SECONDS:
            self.tried(what, began, now, works=False)
        if works:
            self._worked[what] = began
            self._failing.discard(what)
        else:
            self._failing.add(what)
        self._note(f"{what} works", now, holds=works)
        self._note(f"{what} fails", began, holds=not works)
        self._note("nothing fails", now, holds=not self._failing)
        self._judge(now)

    def said(self, status: str | None, now: float) -> None:
        """Take note of the overall status that `/readyz` answered. None if there was no answer."""
        self._note("promises", now, holds=status in {"ready", "degraded"})
        self._note("says ready", now, holds=status == "ready")
        self._note("refuses", now, holds=status == "not-ready")
        self._note("does not say ready", now, holds=status != "ready")
        self._judge(now)

    def fault(self, now: float, *, at_work: bool) -> None:
        """Take note that a fault begins, or that it is over and only the stack's own repair is left."""
        self._note("no fault is at work", now, holds=not at_work)
        self._judge(now)

    @property
    def wrong(self) -> list[str]:
        """The times at which readiness was wrong for longer than LIMIT_SECONDS, each as a sentence."""
        spans = [*self._closed, *((way, *span) for way, span in self._open.items())]
        return [
            f"readiness was wrong for {end - start:.1f} s: {way}" for way, start, end in spans if _is_long(start, end)
        ]

    def take_longest(self) -> float:
        """Return how many seconds readiness was wrong at most since the last call."""
        longest, self._longest = self._longest, 0.0
        return longest

    def _note(self, fact: str, now: float, *, holds: bool) -> None:
        if holds:
            self._since.setdefault(fact, now)
        else:
            self._since.pop(fact, None)

    def _judge(self, now: float) -> None:
        for way, facts in WRONG.items():
            if all(fact in self._since for fact in facts):
                start, end = max(self._since[fact] for fact in facts), self._known_until(facts, now)
                self._open[way] = start, end
                self._longest = max(self._longest, end - start)
            elif span := self._open.pop(way, None):
                self._closed += [(way, *span)] if _is_long(*span) else []

    def _known_until(self, facts: tuple[str, ...], now: float) -> float:
        """Return until when it is known that facts hold together that hold as far as is known now."""
        if "nothing fails" in facts:
            return min(self._worked.values())
        return self._worked["post"] if "post works" in facts else now


def _is_long(start: float, end: float) -> bool:
    return end - start > LIMIT_SECONDS
