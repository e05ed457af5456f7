"""The health check of the issuer: whether its keys are known, and up to date."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from api.operations.key_fetcher import REFRESH_SECONDS
from api.operations.readiness import UNAVAILABLE, Component
from tradewire.access import issuer_keys
from tradewire.errors import Unavailable

if TYPE_CHECKING:
    from tradewire.settings import Settings

_LATE_SECONDS: Final = 3 * REFRESH_SECONDS
"""The age of keys at which their fetcher must have stopped, or must be unable to write its file."""


def check_issuer(settings: Settings) -> Component:
    """Check that the issuer's keys can be read, and that the last attempt to fetch them did not fail."""
    issuer = settings.jwt
    if not issuer:
        return Component()
    try:
        known = issuer_keys.read(Path(issuer.jwks_file) if issuer.jwks_file else settings.issuer_keys, issuer)
    except Unavailable as error:
        return Component(UNAVAILABLE, f"{error}; every request with a JWT is refused")
    facts = {"keys": len(known.members)}
    fault = known.fault
    if known.fetched_at is not None and time.time() > known.fetched_at + _LATE_SECONDS:
        fault = fault or "no attempt has succeeded since they were due; see the log of api-query"
    if fault:
        detail = f"the keys of the issuer can't be fetched: {fault}; JWTs with keys that are known are accepted"
        return Component(UNAVAILABLE, detail, facts)
    return Component(facts=facts)
