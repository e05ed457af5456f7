"""Checks names and passwords: few at a time, with growing delays, and without telling whether a name exists."""

from __future__ import annotations

import math
import time
from contextlib import contextmanager
from threading import BoundedSemaphore, Lock
from typing import TYPE_CHECKING, Final, NamedTuple

from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import TooManyRequests, Unauthorized

from api.access.throttle import Throttle
from tradewire.access import password
from tradewire.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from structlog.stdlib import BoundLogger

    from api.http.audit import RequestTrail
    from tradewire.access.browser_secrets import BrowserSecrets
    from tradewire.access.user import User, Users

KNOWN_SECONDS: Final = 90 * 86400
"""How long a browser stays known after its user logged in."""
CHECKS_MAX: Final = 2
"""Passwords that are checked at a time. Each check takes 64 MiB, and a core for about a tenth of a second."""
WAITING_MAX: Final = 4
"""Attempts that wait for that. api-query has 16 threads, and queries need most of them."""
NAME_FREE: Final = 5
CLIENT_FREE: Final = 10
"""Attempts without a delay. Several people may share an address."""
NAME_DELAY_MAX: Final = 60.0
CLIENT_DELAY_MAX: Final = 300.0
"""The longest delay, in seconds."""


class Attempt(NamedTuple):
    """An attempt to log in."""

    name: str
    password: str
    client: str
    """Where it comes from, as `tradewire.client` names it."""
    known: str
    """The secret that the browser was given when its user logged in before; empty without one."""


class Login:
    """Checks attempts. Threads may share it; a restart forgets the failures.

    Args:
        users: The users.
        known: The secrets of browsers in which users logged in before.
        trail: The audit trail, for accepted attempts and some of the others.
        log: The log.
    """

    def __init__(self, users: Users, known: BrowserSecrets, trail: RequestTrail, log: BoundLogger) -> None:
        self._users = users
        self._known = known
        self._trail = trail
        self._log = log
        self._lock = Lock()
        self._by_name = Throttle(NAME_FREE, NAME_DELAY_MAX)
        self._by_client = Throttle(CLIENT_FREE, CLIENT_DELAY_MAX)
        self._admitted = BoundedSemaphore(CHECKS_MAX + WAITING_MAX)
        self._checking = BoundedSemaphore(CHECKS_MAX)

    def check(self, attempt: Attempt) -> User:
        """Return the user who logs in. The audit trail has that when a session is written: see `accepted`.

        Raises:
            Unauthorized: There is no such user, or the password is another one.
            TooManyRequests: Too many attempts have failed.
            Unavailable: The users can't be read, or too many attempts are under way.
        """
        with self._place():
            user = self._users.newest(attempt.name)
            keys = self._keys(attempt, user)
            self._begin(attempt, user, keys)
            with self._checking:
                is_right = password.matches(user.password if user else None, attempt.password)
        if not is_right or user is None:
            self._record(attempt, user, "refused")
            raise Unauthorized("The name or the password is wrong.", www_authenticate=WWWAuthenticate("bearer"))
        with self._lock:
            for throttle, key in keys:
                if throttle is self._by_name:
                    throttle.forget(key)
                else:  # its failures may be those of other names
                    throttle.succeeded(key)
        return user

    @contextmanager
    def accepted(self, attempt: Attempt, user: User) -> Iterator[None]:
        """Record that a user has logged in, after the block in which the session is written.

        No browser knows the session's secret before the answer. So a process that is killed before the record lets
        nobody in.

        Raises:
            Unavailable: The session or the record can't be written.
        """
        try:
            yield
        except Unavailable:
            self._record(attempt, user, "failed")
            raise
        self._record(attempt, user, "ok")

    def _keys(self, attempt: Attempt, user: User | None) -> list[tuple[Throttle, Hashable]]:
        """Return the counts that the attempt belongs to.

        A browser in which the user logged in before has a count of its own, so that no stranger can lock it out.
        """
        held = self._known.find(attempt.known)
        if held and user and held.belongs_to(user):
            return [(self._by_name, (user.name, held.digest))]
        return [(self._by_name, attempt.name), (self._by_client, attempt.client)]

    def _begin(self, attempt: Attempt, user: User | None, keys: list[tuple[Throttle, Hashable]]) -> None:
        now = time.monotonic()
        with self._lock:
            seconds = math.ceil(max(throttle.wait(key, now) for throttle, key in keys))
            if not seconds:
                for throttle, key in keys:
                    throttle.count(key, now)
        if seconds:
            self._record(attempt, user, "locked")
            raise TooManyRequests(
                f"Too many attempts to log in have failed. Try again in {seconds} s.", retry_after=seconds
            )

    @contextmanager
    def _place(self) -> Iterator[None]:
        if not self._admitted.acquire(blocking=False):
            raise Unavailable("too many people log in at this moment")
        try:
            yield
        finally:
            self._admitted.release()

    def _record(self, attempt: Attempt, user: User | None, outcome: str) -> None:
        """Record an attempt. A name that does not exist is left out: it may be a password in the wrong field."""
        name, roles = (user.name, ",".join(sorted(user.roles))) if user else ("", "")
        result = {"ok": "done", "failed": "failed"}.get(outcome, "refused")
        self._trail.login(name, roles, result, {"reason": outcome} if result == "refused" else {})
        self._log.info("log-in", user=name or None, client=attempt.client, result=outcome)
