"""The health check of the CAs whose client certificates count, and of their revocation lists."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from api.operations.certificate_check import EXPIRED, EXPIRING
from api.operations.readiness import UNAVAILABLE, Component
from tradewire import certificate
from tradewire.access import authorities
from tradewire.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tradewire.access.authorities import Authority
    from tradewire.settings import Settings

_EXPIRING_SECONDS: Final = certificate.EXPIRING.total_seconds()
_EXPIRING_SHARE: Final = 1 / 3
"""A revocation list may be made for a week. It expires soon if this part of its time is left."""


def check_client_ca(settings: Settings) -> Mapping[str, Component]:
    """Check when CAs and revocation lists expire. Without client certificates there is no such component."""
    return {"client-ca": _client_ca(settings)} if settings.client_ca else {}


def _client_ca(settings: Settings) -> Component:
    try:
        found = authorities.read(settings.client_authorities)
    except Unavailable as error:
        return Component(UNAVAILABLE, f"{error}; every client certificate is refused: run deploy/down, then deploy/up")
    dates = sorted(date for name, each in found.items() if each.is_trusted for date in _dates(name, each))
    facts = {"expiresAt": _time(dates[0][0])} if dates else {}
    now = time.time()
    if expired := [f"{shown} expired on {_time(end):%Y-%m-%d}" for end, _, shown in dates if end <= now]:
        detail = f"{'; '.join(expired)}; client certificates below it are refused: renew it, then run deploy/reload"
        return Component(EXPIRED, detail, facts)
    if expiring := [f"{shown} expires on {_time(end):%Y-%m-%d}" for end, soon, shown in dates if soon <= now]:
        return Component(EXPIRING, f"{'; '.join(expiring)}: renew it, then run deploy/reload", facts)
    return Component(facts=facts)


def _dates(name: str, authority: Authority) -> Iterator[tuple[float, float, str]]:
    """Give when the CA and its list expire, from when on that is soon, and their names."""
    yield authority.expires, authority.expires - _EXPIRING_SECONDS, f"the CA {name}"
    end, made = authority.list_expires, authority.list_made
    if end is not None and made is not None:
        yield end, end - min(_EXPIRING_SECONDS, _EXPIRING_SHARE * (end - made)), f"the revocation list of {name}"


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
