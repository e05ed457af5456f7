"""The health check of the certificate that nginx serves."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from api.operations.readiness import UNAVAILABLE, Component
from tradewire import certificate

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tradewire.settings import Settings

EXPIRED: Final = "expired"
EXPIRING: Final = "expiring"


def check_certificate(settings: Settings) -> Mapping[str, Component]:
    """Check when the certificate expires. Without TLS there is no such component."""
    return {"certificate": _certificate(certificate.installed(settings.home))} if settings.has_tls else {}


def _certificate(path: Path) -> Component:
    try:
        expiry = certificate.expiry(certificate.leaf(path.read_bytes()))
    except OSError as error:
        return Component(UNAVAILABLE, f"{path} can't be read: {error.strerror}; run deploy/reload")
    except ValueError as error:
        return Component(UNAVAILABLE, f"{path} can't be used: {error}; run deploy/reload")
    facts, now = {"expiresAt": expiry}, datetime.now(UTC)
    if expiry <= now:
        detail = f"it expired on {expiry:%Y-%m-%d}, and clients refuse it: renew it, then run deploy/reload"
        return Component(EXPIRED, detail, facts)
    if expiry <= now + certificate.EXPIRING:
        return Component(EXPIRING, f"it expires on {expiry:%Y-%m-%d}: renew it, then run deploy/reload", facts)
    return Component(facts=facts)
