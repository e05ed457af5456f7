"""Records in the audit trail what principals do through the API."""

from __future__ import annotations

import time
from collections import OrderedDict
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import msgspec
from flask import request

from api.http.auth import origin_of, principal_of
from tradewire.audit.trail import Entry
from tradewire.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from _typeshed.wsgi import WSGIEnvironment
    from structlog.stdlib import BoundLogger

    from api.http.auth import Access
    from tradewire.access.key import Role
    from tradewire.audit.trail import Trail

_REPEATED_SECONDS: Final = 900.0
_REMEMBERED_MAX: Final = 1000


@dataclass(frozen=True)
class Begun:
    """An action whose beginning is recorded. Its end may be recorded outside of the request."""

    _trail: Trail
    _log: BoundLogger
    _entry: Entry

    def end(self, result: str, **details: Any) -> None:
        """Record what came of it. If that is impossible, the log says so: the action can't be taken back.

        Args:
            result: `done` or `failed`.
            details: What is known now, beside the details of the beginning.
        """
        try:
            self._trail.append(replace(self._entry, result=result, details={**self._entry.details, **details}))
        except Unavailable as error:
            self._log.error(
                "the audit trail lacks the end of an action",
                action=self._entry.action,
                result=result,
                reason=str(error),
            )


class RequestTrail:
    """Records actions of requests. Threads may share it.

    Args:
        trail: The trail.
        access: It has found each request's principal, and limits the records of refused credentials.
        log: Gets a line if the end of an action can't be recorded.
    """

    def __init__(self, trail: Trail, access: Access, log: BoundLogger) -> None:
        self._trail = trail
        self._access = access
        self._log = log
        self._lock = Lock()
        self._seen: OrderedDict[bytes, float] = OrderedDict()
        """When each read was recorded last, on the monotonic clock, by its digest. The oldest comes first."""

    def begin(self, action: str, role: Role, details: Mapping[str, Any]) -> Begun:
        """Record that the present request's action begins.

        Args:
            action: The action.
            role: The role that allows it.
            details: What it is about. No content of trades, and no user's id but as a pseudonym.

        Raises:
            Unavailable: It can't be recorded, so the action must not happen.
        """
        entry = _entry(request.environ, action, "begun", role, details)
        self._trail.append(entry)
        return Begun(self._trail, self._log, entry)

    @contextmanager
    def recorded(self, action: str, role: Role, details: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Record that an action begins, and after the block that it is done, or has failed. Raises as `begin`.

        Yields:
            What the block adds to the details at the end, such as how much of the action is done.
        """
        begun = self.begin(action, role, details)
        added: dict[str, Any] = {}
        try:
            yield added
        except BaseException:
            begun.end("failed", **added)
            raise
        begun.end("done", **added)

    def read(self, action: str, role: Role, details: Mapping[str, Any]) -> None:
        """Record what the present request is about to be shown.

        A page that polls is shown the same again and again. So the same read of a principal from the same address is
        recorded once in 15 minutes.

        Raises:
            Unavailable: It can't be recorded, so nothing must be shown.
        """
        entry = _entry(request.environ, action, "done", role, details)
        digest = sha256(msgspec.json.encode([action, entry.actor, entry.client, details])).digest()
        if not self._was_recorded(digest):
            self._trail.append(entry)
            with self._lock:
                self._seen[digest] = time.monotonic()

    def login(self, name: str, role: str, result: str, details: Mapping[str, Any]) -> None:
        """Record what came of an attempt to log in. Only some of many that are not `done` are recorded.

        Args:
            name: The user's name. Empty if there is no such user: people type passwords there.
            role: The user's roles, separated by commas.
            result: `done`: the session is on the disk, and the browser is about to get it. `failed` or `refused`.
            details: Such as the reason of a refusal.

        Raises:
            Unavailable: A login that is done can't be recorded, so no browser must get the session.
        """
        entry = replace(_entry(request.environ, "login", result, None, details), actor=name, role=role)
        if result == "done":
            self._trail.append(entry)
        else:
            self._access.refusals.record(entry)

    def logout(self, roles: str, details: Mapping[str, Any]) -> None:
        """Record a logout that is done. A session ends even if that can't be recorded: then the log says so.

        Args:
            roles: The user's roles, separated by commas.
            details: Which sessions have ended.
        """
        entry = replace(_entry(request.environ, "logout", "done", None, details), role=roles)
        Begun(self._trail, self._log, entry).end("done")

    def pseudonym(self, user_id: str) -> str:
        """Return the name that stands for a user's id. Raises Unavailable if the host's key can't be read."""
        return self._trail.pseudonym(user_id)

    def _was_recorded(self, digest: bytes) -> bool:
        """Return whether the same read was recorded lately. Forget old ones."""
        oldest = time.monotonic() - _REPEATED_SECONDS
        with self._lock:
            while self._seen and (len(self._seen) > _REMEMBERED_MAX or next(iter(self._seen.values())) < oldest):
                self._seen.popitem(last=False)
            return digest in self._seen


def _entry(environ: WSGIEnvironment, action: str, result: str, role: Role | None, details: Mapping[str, Any]) -> Entry:
    """Make the record of a request's action."""
    return Entry(action, result, principal_of(environ).name, role or "", *origin_of(environ), details)
