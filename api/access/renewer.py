"""Asks the provider about each session again and again, in a thread of its own: no request ever waits for that.

Only one process does this, and it asks about one session once at a time. So no refresh token is used twice.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Final

from api.access.provider_client import RefusedError
from tradewire import repeated
from tradewire.access.grant import is_past
from tradewire.audit.trail import Entry
from tradewire.backoff import Backoff
from tradewire.errors import BadToken, Unavailable

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger

    from api.access.provider_login import ProviderAnswers
    from tradewire.access.grant import Grant
    from tradewire.access.principals import Principals
    from tradewire.audit.trail import Trail

RENEW_AT: Final = 0.4
"""A grant is confirmed again after this part of the time for which it counts. The provider may be away for the rest."""
_PAUSE_SECONDS: Final = 2.0
_RETRY_SECONDS_MAX: Final = 30.0
_AT_ONCE: Final = 4
"""Sessions about which the provider is asked at a time."""


class Renewer:
    """Keeps the grants of all sessions up to date. A session that the provider does not confirm ends.

    Args:
        principals: The sessions and their grants.
        recheck_seconds: How long a grant counts.
        answers: Asks the provider.
        trail: Gets a record of each session that ends here.
        log: The log.
    """

    def __init__(
        self, principals: Principals, recheck_seconds: int, answers: ProviderAnswers, trail: Trail, log: BoundLogger
    ) -> None:
        self._sessions = principals.sessions
        self._grants = principals.grants
        self._renew_seconds = RENEW_AT * recheck_seconds
        self._answers = answers
        self._trail = trail
        self._log = log
        self._unanswered: dict[str, float] = {}
        """The sessions about which the provider was silent, or the answer unforeseen, when it was asked last, and since
        when it is."""
        self.fault = ""
        """Why the last attempt to confirm a session failed."""

    @property
    def is_unheard(self) -> bool:
        """Whether the provider seems to answer nobody: since its last answer, it was silent about two sessions.

        A silence that is older than the last answer is about one person.
        """
        return sum(since > self._answers.answered_at for since in [*self._unanswered.values()]) > 1

    def start(self) -> None:
        """Start, now and from then on."""
        backoff = Backoff(2 * _PAUSE_SECONDS, _RETRY_SECONDS_MAX)
        repeated.start(self, "renewer", _PAUSE_SECONDS, backoff, self._log)

    def step(self) -> None:
        """Confirm the grants that are due, the oldest first. Stop at the first one about which the provider is silent.

        It may be silent about a single person. So that no others wait for that, such a grant then comes last.

        Raises:
            OSError: The grants can't be listed.
        """
        due = sorted(self._due(), key=lambda item: (item[0] in self._unanswered, item[1].checked))
        names = {name for name, _ in due}
        self._unanswered = {name: since for name, since in self._unanswered.items() if name in names}
        fault = ""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            while due and not fault:
                batch, due = due[:_AT_ONCE], due[_AT_ONCE:]
                fault = next(filter(None, pool.map(lambda item: self._renew(*item), batch)), "")
        if fault and fault != self.fault:
            self._log.error("sessions can't be confirmed", reason=fault)
        self.fault = fault

    def _due(self) -> list[tuple[str, Grant]]:
        """Return the grants that are due, and remove those that count for nothing. Only files that are due are read."""
        written = self._grants.written()
        for name in written.keys() - set(self._sessions.names()):  # each session is written before its grant
            self._grants.remove(name)
            del written[name]
        found = []
        for name, at in written.items():
            if is_past(at, self._renew_seconds):
                try:
                    grant = self._grants.get(name) if self._sessions.get(name) else None
                except Unavailable as error:
                    self._log.error("a session can't be read", reason=str(error))
                    continue
                if grant is None:  # expired, damaged, or of another provider
                    self._grants.remove(name)
                else:
                    found.append((name, grant))
        return found

    def _renew(self, digest: str, grant: Grant) -> str:
        """Confirm a grant, or end its session. Return why neither is possible now."""
        asked_at = time.monotonic()
        try:
            self._grants.put(digest, self._answers.again(grant, partial(self._grants.put, digest)))
        except Unavailable as error:
            self._unanswered.setdefault(digest, asked_at)
            return str(error)
        except (RefusedError, BadToken) as error:
            return self._end(digest, grant, str(error))
        except Exception as error:  # noqa: BLE001 - no single grant may keep the others from being confirmed
            self._unanswered.setdefault(digest, asked_at)
            self._log.error("a session can't be confirmed", user=grant.subject.name, exc_info=True)
            return f"{type(error).__name__}: {error}"
        self._unanswered.pop(digest, None)
        return ""

    def _end(self, digest: str, grant: Grant, reason: str) -> str:
        name = grant.subject.name
        try:
            self._sessions.end(digest)
        except Unavailable as error:
            return str(error)
        self._grants.remove(digest)
        self._log.info("session ended", user=name, reason=reason)
        try:
            self._trail.append(Entry("session-ended", "done", name, details={"reason": "not-confirmed"}))
        except Unavailable as error:  # the session must end even so
            self._log.error("the audit trail lacks the end of a session", user=name, reason=str(error))
        return ""
