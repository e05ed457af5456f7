"""Logins that are under way at the provider: few, for a short time, and each to be finished once, in its own browser.

They are kept in memory. A restart of api-query forgets them, and people begin again.
"""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from threading import Lock
from typing import Final, NamedTuple

LIFETIME_SECONDS: Final = 600
"""How long a person may take at the provider."""
PER_CLIENT_MAX: Final = 20
"""Of more logins from a client, the oldest makes room."""
IN_ALL_MAX: Final = 2000
"""Of more logins, the oldest of the client makes room that has the most. Each takes up to 3 KB."""
_BYTES: Final = 32


class PendingLogin(NamedTuple):
    """A login under way."""

    client: str
    """Where it began, as `tradewire.client` names it."""
    return_to: str
    """The path of the page to which the browser goes afterwards."""
    state: str
    """What the provider must send back with the browser."""
    nonce: str
    """What the ID token must name."""
    verifier: str
    """What proves to the provider that the server which began asks for the code (PKCE)."""
    until: float
    """When it is forgotten, on the monotonic clock."""


class PendingLogins:
    """All of them. Threads may share it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._by_secret: OrderedDict[str, PendingLogin] = OrderedDict()
        """The oldest comes first."""
        self._by_client: dict[str, list[str]] = {}
        """The secrets of each client, the oldest first."""

    def begin(self, client: str, return_to: str, before: str = "") -> tuple[str, PendingLogin]:
        """Begin a login.

        Args:
            client: Where it begins, as `tradewire.client` names it.
            return_to: The path of the page to which the browser goes afterwards.
            before: The secret that the browser keeps of a login before. The new one replaces it there, so here, too.

        Returns:
            The secret that the browser keeps now, and the login.
        """
        secret, state, nonce, verifier = (secrets.token_urlsafe(_BYTES) for _ in range(4))
        now = time.monotonic()
        login = PendingLogin(client, return_to, state, nonce, verifier, now + LIFETIME_SECONDS)
        with self._lock:
            while self._by_secret and next(iter(self._by_secret.values())).until <= now:
                self._remove(next(iter(self._by_secret)))
            if before in self._by_secret:
                self._remove(before)
            if len(self._by_client.get(client, ())) >= PER_CLIENT_MAX:
                self._remove(self._by_client[client][0])
            if len(self._by_secret) >= IN_ALL_MAX:
                self._remove(max(self._by_client.values(), key=len)[0])
            self._by_secret[secret] = login
            self._by_client.setdefault(client, []).append(secret)
        return secret, login

    def take(self, secret: str, state: str) -> PendingLogin | None:
        """Return the login that a browser has begun, and forget it; None without one, or if its state differs.

        Args:
            secret: The browser's.
            state: What the provider has sent back with the browser.
        """
        with self._lock:
            login = self._remove(secret) if secret in self._by_secret else None
        if login is None or time.monotonic() >= login.until:
            return None
        return login if secrets.compare_digest(login.state.encode(), state.encode()) else None

    def _remove(self, secret: str) -> PendingLogin:
        login = self._by_secret.pop(secret)
        own = self._by_client[login.client]
        own.remove(secret)
        if not own:
            del self._by_client[login.client]
        return login
