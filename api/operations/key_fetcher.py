"""Keeps the issuer's keys up to date, in a thread of its own: no request ever waits for the issuer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from api.http import issuer_client
from tradewire import repeated
from tradewire.access import issuer_keys
from tradewire.access.issuer_keys import COOL_DOWN_SECONDS, IssuerKeys
from tradewire.backoff import Backoff
from tradewire.errors import Unavailable

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger

    from tradewire.settings import Settings

REFRESH_SECONDS: Final = 300.0
"""The age at which keys are fetched again. A key that the issuer withdraws is good for that long."""
_LOOK_SECONDS: Final = 0.5
"""How often it is looked at whether an unknown key is wanted."""
_RETRY_SECONDS_MAX: Final = 60.0


class KeyFetcher:
    """Fetches the issuer's keys into the file that all programs read.

    If the issuer is away, the keys that are known go on, and the file says why there are no newer ones.

    Args:
        settings: They name the issuer and the file.
        log: Gets a line when the keys can't be fetched, and when they can again.
    """

    def __init__(self, settings: Settings, log: BoundLogger) -> None:
        self._issuer = settings.jwt
        self._path = settings.issuer_keys
        self._wanted = self._path.with_suffix(".wanted")
        self._log = log
        self._backoff = Backoff(2 * COOL_DOWN_SECONDS, _RETRY_SECONDS_MAX)
        self._fetch_at = float("-inf")
        """When to fetch in any case, on the monotonic clock."""
        self._may_fetch_at = float("-inf")
        """From when on an unknown key may cause a fetch."""
        self._seen_want = self._want()
        self._issuers_fault = ""
        self.fault = ""
        """Why the last step raised an error. That the issuer is away is no fault of a step: the file tells it."""

    def start(self) -> None:
        """Start fetching, now and from then on."""
        backoff = Backoff(COOL_DOWN_SECONDS, _RETRY_SECONDS_MAX)
        repeated.start(self, "key-fetcher", _LOOK_SECONDS, backoff, self._log)

    def step(self) -> None:
        """Fetch the keys if they are due, or if a program wants an unknown key and the last fetch is not too recent."""
        self.fault = ""
        now, want = time.monotonic(), self._want()
        if now < self._fetch_at and (want == self._seen_want or now < self._may_fetch_at):
            return
        self._seen_want = want
        keys = self._fetched()
        try:
            issuer_keys.write(self._path, self._issuer, keys)
        except OSError as error:
            keys = keys._replace(fault=f"{self._path.name} can't be written: {error.strerror}")
        self._log_change(keys.fault)
        self._may_fetch_at = now + COOL_DOWN_SECONDS
        if keys.fault:
            self._fetch_at = now + self._backoff.next()
        else:
            self._backoff.reset()
            self._fetch_at = now + REFRESH_SECONDS

    def _fetched(self) -> IssuerKeys:
        """Return new keys, or the present ones with the reason why there are no new ones."""
        try:
            return IssuerKeys(issuer_client.fetch(self._issuer.url), {}, time.time())
        except Unavailable as error:
            fault = str(error)
        try:
            return issuer_keys.read(self._path, self._issuer)._replace(fault=fault)
        except Unavailable:
            return IssuerKeys([], {}, 0.0, fault)

    def _log_change(self, fault: str) -> None:
        if fault and fault != self._issuers_fault:
            self._log.error("the issuer's keys can't be fetched", issuer=self._issuer.url, reason=fault)
        elif self._issuers_fault and not fault:
            self._log.info("the issuer's keys are fetched again", issuer=self._issuer.url)
        self._issuers_fault = fault

    def _want(self) -> int:
        """Return when a program wanted an unknown key last; 0 if none did."""
        try:
            return self._wanted.stat().st_mtime_ns
        except OSError:
            return 0
