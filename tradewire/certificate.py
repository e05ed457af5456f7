"""The certificate that nginx serves: where the stack keeps it, and when it expires.

Python's standard library tells no certificate's time of expiry, so this module reads it: RFC 5280, section 4.1.
"""

from __future__ import annotations

import re
import ssl
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EXPIRING: Final = timedelta(days=14)
"""A certificate that expires within this time must be renewed."""
_BLOCK: Final = re.compile(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
_VERSION: Final = 0xA0
"""The tag of the certificate's version, the only field that may be missing."""
_LONG_LENGTH: Final = 0x80
_UTC_TIME: Final = 0x17
_FIRST_YEAR: Final = 50
"""The smallest two-digit year of the last century."""


def installed(home: Path) -> Path:
    """Return the file with the chain that nginx serves. Every program of the stack may read it."""
    return home / "tls/certificate.pem"


def chain(pem: bytes) -> list[bytes]:
    """Return the certificates in a PEM file, each as its block. The file may contain keys, too."""
    return _BLOCK.findall(pem)


def leaf(pem: bytes) -> bytes:
    """Return the first certificate in a PEM file, in DER form.

    Raises:
        ValueError: No certificate is there, or it is damaged.
    """
    blocks = chain(pem)
    if not blocks:
        raise ValueError("there is no certificate in PEM form")
    return ssl.PEM_cert_to_DER_cert(blocks[0].decode("ascii"))


def expiry(der: bytes) -> datetime:
    """Return the time at which a certificate expires.

    Raises:
        ValueError: It is no certificate.
    """
    try:
        _, certificate = next(_elements(der))
        _, signed = next(_elements(certificate))
        fields = [content for tag, content in _elements(signed) if tag != _VERSION]
        _, (tag, text) = _elements(fields[3])  # after the serial number, the algorithm and the issuer
    except (IndexError, StopIteration) as error:
        raise ValueError("the certificate is damaged") from error
    written = text.decode("ascii")
    if tag == _UTC_TIME:
        written = ("19" if int(written[:2]) >= _FIRST_YEAR else "20") + written
    return datetime.strptime(written, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _elements(der: bytes) -> Iterator[tuple[int, bytes]]:
    """Give the tag and the content of each element."""
    while der:
        tag, length, start = der[0], der[1], 2
        if length & _LONG_LENGTH:
            start += length - _LONG_LENGTH
            length = int.from_bytes(der[2:start])
        yield tag, der[start : start + length]
        der = der[start + length :]
