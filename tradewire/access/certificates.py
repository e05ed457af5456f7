"""The principals of client certificates: nginx proves a client's name, and a key says what the client may do.

nginx checks the chain, the dates and the purpose at the handshake. It knows the root of the chain, and not which CA in
it has the issuer's name. So this module checks that the listed CA of that name signed the certificate. The rest may
change while a connection is open, so it is looked at for each request: the CA, its revocation list, the end of the
certificate, and the key.
"""

from __future__ import annotations

import time
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import unquote

from tradewire.access import authorities, issuance
from tradewire.access.watched_file import WatchedFile
from tradewire.errors import BadToken

if TYPE_CHECKING:
    from tradewire.access.key import Key
    from tradewire.access.keyring import Keyring
    from tradewire.settings import Settings

HEADER: Final = "X-Client-Certificate"
"""The header in which nginx passes on a certificate that it has checked. nginx sets it in each request."""
_TABS: Final = 2
_KNOWN_MAX: Final = 1024
"""Certificates that are read only once. Each takes about 4 KB, and 16 KB at most."""


class Certificate(NamedTuple):
    """A certificate that nginx has passed on."""

    issuer: str
    """The issuer's distinguished name, as RFC 2253 writes it: visible ASCII characters alone."""
    subject: str
    """The subject's distinguished name, in the same form."""
    pem: str
    """The certificate itself, in PEM form."""
    serial: str
    """Its serial number, in pairs of hexadecimal digits, as OpenSSL writes it."""
    expires: float
    """Unix time in seconds."""


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
        if fault := issuance.fault(certificate.pem, authority.certificate):
            return f"The certificate names {issuer} of TRADEWIRE_CLIENT_CA as its issuer, but {fault}."
        if now >= min(certificate.expires, authority.expires):
            return "The certificate has expired, or that of its issuer."
        if certificate.serial in authority.revoked:
            return f"The certificate is revoked by {issuer}."
        if authority.list_expires is not None and now >= authority.list_expires:
            return f"The revocation list of {issuer} has expired, so no certificate of it counts."
        return ""


@lru_cache(_KNOWN_MAX)
def decode(header: str) -> Certificate:
    """Return the certificate that nginx has passed on.

    Args:
        header: The names of issuer and subject, as OpenSSL writes them, and the certificate in escaped PEM form, with
            tabs between them. nginx takes all three from the one certificate of the connection.

    Raises:
        BadToken: The text is not from nginx, or the certificate can't be read.
    """
    issuer, subject, escaped = (*header.split("\t"), "", "")[:3]
    pem = unquote(escaped)
    if header.count("\t") != _TABS or not pem.startswith("-----BEGIN CERTIFICATE-----"):
        raise BadToken(f"The header {HEADER} is not from nginx.")
    try:
        read = issuance.load(pem)
        number = read.serial_number
        serial = number.to_bytes(max(1, (number.bit_length() + 7) // 8), "big").hex().upper()
    except (ValueError, OverflowError) as error:  # a negative number, which RFC 5280 forbids, is in no revocation list
        raise BadToken(f"The certificate of {subject} can't be read: {error}.") from None
    return Certificate(issuer, subject, pem, serial, read.not_valid_after_utc.timestamp())


def subject_of(header: str) -> str:
    """Return the subject's name that a header of nginx tells; empty if the text is not from nginx."""
    parts = header.split("\t")
    return parts[1] if len(parts) == _TABS + 1 else ""
