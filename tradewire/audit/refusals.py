"""Refused credentials and requests in the audit trail, so few that a stranger can't fill the disk or delay others."""

from __future__ import annotations

import re
import time
from collections import deque
from dataclasses import replace
from functools import partial
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, Final

from tradewire.access.certificates import subject_of
from tradewire.access.key import PREFIX, id_of
from tradewire.audit.trail import Entry
from tradewire.client import client_at
from tradewire.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tradewire.audit.trail import Trail

BURST: Final = 20
"""Records of a client at once."""
IN_ALL_BURST: Final = 200
"""Records of all clients at once."""
_ORIGIN_CHARS_MAX: Final = 64
"""nginx sets both texts. Only a program on this machine could pass nginx by, and send longer ones."""
_SUBJECT_CHARS_MAX: Final = 256
_KEY_ID: Final = re.compile("[0-9a-f]{12}")
_SECONDS_PER_RECORD: Final = 60.0
"""Of a client, after its burst."""
_IN_ALL_SECONDS_PER_RECORD: Final = 6.0
"""Of all clients. A record has about 400 bytes, so a process writes at most 6 MB a day."""


class Refusals:
    """Records refusals of one process. Each record tells how many were left out before it.

    A client has a tenth of the records at most, so it keeps no other client's refusals from being recorded.
    Records are written in other threads: a refusal waits for no disk.

    Args:
        trail: The trail.

    Attributes:
        spawn: Runs a function in another thread of the operating system.
    """

    def __init__(self, trail: Trail) -> None:
        self._trail = trail
        self._lock = Lock()
        self._in_all = 0.0
        """When the records so far would have come at the lasting rate, on the monotonic clock, in seconds."""
        self._by_client: dict[str, float] = {}
        """The same for the records of each client, while that lies ahead. All together bound how many there are."""
        self._left_out: deque[int] = deque()
        """Numbers of refusals. Threads append to it, and pop, without a lock."""
        self.spawn: Callable[[Callable[[], None]], object] = _start_thread

    def record(self, entry: Entry) -> None:
        """Record a refusal, unless there were too many."""
        if self._may(client_at(entry.client), time.monotonic()):
            self.spawn(partial(self._append, entry, self._take_left_out()))
        else:
            self._leave_out(1)

    def _may(self, client: str, now: float) -> bool:
        """Return whether there is room for a record of a client, and take it."""
        with self._lock:
            own, in_all = max(self._by_client.get(client, now), now), max(self._in_all, now)
            if (
                own > now + (BURST - 1) * _SECONDS_PER_RECORD
                or in_all > now + (IN_ALL_BURST - 1) * _IN_ALL_SECONDS_PER_RECORD
            ):
                return False
            self._by_client = {name: until for name, until in self._by_client.items() if until > now}
            self._by_client[client] = own + _SECONDS_PER_RECORD
            self._in_all = in_all + _IN_ALL_SECONDS_PER_RECORD
            return True

    def _append(self, entry: Entry, left_out: int) -> None:
        details = {**entry.details, "leftOut": left_out} if left_out else entry.details
        try:
            self._trail.append(replace(entry, details=details))
        except Unavailable:  # the next record tells
            self._leave_out(left_out + 1)

    def _leave_out(self, number: int) -> None:
        self._left_out.append(self._take_left_out() + number)

    def _take_left_out(self) -> int:
        number = 0
        while self._left_out:
            try:
                number += self._left_out.pop()
            except IndexError:  # another thread has taken the last one
                break
        return number


def refusal(token: str, client: str, request_id: str, certificate: str = "") -> Entry:
    """Return the record of a refused token or client certificate.

    Args:
        token: The token. Only the part is recorded that is no secret, if it has that part.
        client: The client's address.
        request_id: The request's id in all logs.
        certificate: The certificate, as nginx tells it; empty for a token.
    """
    key_id = id_of(token) if token.startswith(PREFIX) else ""
    details = {"key": key_id} if _KEY_ID.fullmatch(key_id) else {}
    if certificate:
        details["certificate"] = subject_of(certificate)[:_SUBJECT_CHARS_MAX]
    return _refused("credentials-refused", "", details, client, request_id)


def forbidden(actor: str, details: Mapping[str, Any], client: str, request_id: str) -> Entry:
    """Return the record of a request that a principal may not send.

    Args:
        actor: The principal's name.
        details: The request, and the reason.
        client: The client's address.
        request_id: The request's id in all logs.
    """
    return _refused("request-refused", actor, details, client, request_id)


def _refused(action: str, actor: str, details: Mapping[str, Any], client: str, request_id: str) -> Entry:
    client, request_id = (text[:_ORIGIN_CHARS_MAX] for text in (client, request_id))
    return Entry(action, "refused", actor, client=client, request_id=request_id, details=details)


def _start_thread(run: Callable[[], None]) -> None:
    Thread(target=run, name="audit", daemon=True).start()
