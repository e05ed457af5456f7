"""Whether a CA's key signed a certificate. A name proves nothing: any CA can make another one with the same name.

`cryptography` is imported at the first certificate: it takes 17 MB, which only stacks with client certificates need.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_KNOWN_MAX: Final = 1024
"""Certificates of which the answer is kept. Each takes about 2 KB, and 8 KB at most."""


def load(pem: str) -> Certificate:
    """Read a certificate in PEM form.

    Raises:
        ValueError: It can't be read.
    """
    from cryptography import x509  # noqa: PLC0415 - see above

    return x509.load_pem_x509_certificate(pem.encode())


@lru_cache(_KNOWN_MAX)
def fault(pem: str, authority: str) -> str:
    """Return why a CA did not issue a certificate itself; empty if it did: its name is there, and its key signed.

    Args:
        pem: The certificate, in PEM form.
        authority: The CA's certificate, in the same form.
    """
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm  # noqa: PLC0415 - see above

    try:
        issuer = load(authority)
        issuer.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        return f"the certificate of that CA can't be used: {error}"
    try:
        certificate = load(pem)
        if certificate.issuer.public_bytes() != issuer.subject.public_bytes():  # OpenSSL, and so nginx, is less strict
            return (
                "the name in the client's certificate has other bytes than in that CA's certificate, such as UTF8String"
                " for PrintableString, or capitals: issue the client's certificate again with that CA's certificate"
            )
        certificate.verify_directly_issued_by(issuer)
    except InvalidSignature:
        return "it is not signed by the key of that CA"
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:  # another kind of key, or an unknown one
        return f"the signature of the client's certificate can't be checked with the key of that CA: {error}"
    return ""
