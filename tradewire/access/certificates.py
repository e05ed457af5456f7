"""The principals of client certificates: nginx proves a client's name, and a key says what the client may do.

nginx checks the chain, the dates and the purpose at the handshake. The rest may change while a connection is open, so
it is looked at for each request: the CA, its revocation list, the end of the certificate, and the key.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from tradewire.access import authorities
from tradewire.access.watched_file import WatchedFile
from tradewire.errors import BadToken

if TYPE_CHECKING:
    from tradewire.access.key import Key
    from tradewire.access.keyring import Keyring
    from tradewire.settings import Settings

HEADER: Final = "X-Client-Certificate"
"""The header in which nginx passes on a certificate that it has checked. nginx sets it in each request."""
_TIME: Final = "%b %d %H:%M:%S %Y GMT"
_KNOWN_MAX: Final = 4096


class Certificate(NamedTuple):
    """What nginx tells of a certificate."""

    serial: str
    expires: float
    """Unix time in seconds."""
    issuer: str
    """The issuer's distinguished name, as RFC 2253 writes it: visible ASCII characters alone."""
    subject: str
    """The subject's distinguished name, in the same form."""


class Certificates:
    """The keys of client certificates. It reads no file before the first certificate. Threads may share it.

    Args:
        settings: They name the file of CAs.
        keyring: The keys.
    """

    def __init__(self, settings: Settings, keyring: Keyring) -> None:
        self._authorities = WatchedFile(settings.client_authorities, authorities.read)
        self._keyring = keyring

    def find(self, header: str) -> tuple[Key, float]:
        """Return the key of a certificate, and the Unix time in seconds at which the first of them expires.

        Args:
            header: The certificate, as nginx tells it.

        Raises:
            BadToken: It does not count, or has no valid key.
            Unavailable: Whether it counts can't be found out now.
        """
        certificate, now = decode(header), time.time()
        if fault := self._fault(certificate, now):
            raise BadToken(fault)
        key = self._keyring.find_certified(certificate.issuer, certificate.subject)
        if key is None:
            raise BadToken(
                f"No valid key is for the certificate of {certificate.subject}, issued by {certificate.issuer}: "
                "deploy/key add --certificate makes one."
            )
        return key, min(certificate.expires, key.expires or certificate.expires)

    def _fault(self, certificate: Certificate, now: float) -> str:
        """Return why a certificate does not count; empty if it does."""
        issuer = certificate.issuer
        authority = self._authorities.content().get(issuer)
        if authority is None or not authority.is_trusted:
            return f"The certificate's issuer, {issuer}, is not a CA of TRADEWIRE_CLIENT_CA."
        if now >= min(certificate.expires, authority.expires):
            return "The certificate has expired, or that of its issuer."
        if certificate.serial in authority.revoked:
            return f"The certificate is revoked by {issuer}."
        if authority.list_expires is not None and now >= authority.list_expires:
            return f"The revocation list of {issuer} has expired, so no certificate of it counts."
        return ""


@lru_cache(_KNOWN_MAX)
def decode(header: str) -> Certificate:
    """Return the certificate of which nginx tells. Raises BadToken if the text is not from nginx."""
    try:
        serial, end, issuer, subject = header.split("\t")
        expires = datetime.strptime(end, _TIME).replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise BadToken(f"The header {HEADER} is not from nginx.") from None
    return Certificate(serial, expires, issuer, subject)
