"""Asks the provider about each session again and again, in a thread of its own: no request ever waits for that.

Only one process does this, and it asks about one session once at a time. So no refresh token is used twice.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from api.access.provider_client import RefusedError
from tradewire import repeated
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
        self._unanswered: set[str] = set()
        """The sessions about which the provider was silent when it was asked last."""
        self.fault = ""
        """Why the last attempt to confirm a session failed."""

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
        self._unanswered.intersection_update(name for name, _ in due)
        fault = ""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            while due and not fault:
                batch, due = due[:_AT_ONCE], due[_AT_ONCE:]
                fault = next(filter(None, pool.map(lambda item: self._renew(*item), batch)), "")
        if fault and fault != self.fault:
            self._log.error("sessions can't be confirmed", reason=fault)
        self.fault = fault

    def _due(self) -> list[tuple[str, Grant]]:
        """Return the grants that are due, and remove those without a session."""
        found = []
        for name in self._grants.names():
            try:
                is_open = self._sessions.get(name) is not None
                grant = self._grants.get(name) if is_open else None
            except Unavailable as error:
                self._log.error("a session can't be read", reason=str(error))
                continue
            if not is_open:
                self._grants.remove(name)
            elif grant and grant.is_due(self._renew_seconds):
                found.append((name, grant))
        return found

    def _renew(self, digest: str, grant: Grant) -> str:
        """Confirm a grant, or end its session. Return why neither is possible now."""
        try:
            self._grants.put(digest, self._answers.again(grant))
        except Unavailable as error:
            self._unanswered.add(digest)
            return str(error)
        except (RefusedError, BadToken) as error:
            return self._end(digest, grant, str(error))
        self._unanswered.discard(digest)
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
