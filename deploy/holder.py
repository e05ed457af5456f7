"""The holder of a client certificate, as deploy/key is told of it: by a file, or by the subject's name."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from deploy import ca_files
from deploy.console import Failure
from tradewire.access import authorities
from tradewire.errors import Unavailable

if TYPE_CHECKING:
    from tradewire.settings import Settings

NAME_CHARS_MAX: Final = 1024
"""nginx refuses certificates with longer names."""
_PART: Final = r"(?:[A-Za-z][\w-]*|\d+(?:\.\d+)+)=(?:[^\x00-\x1f\x7f-\uffff,+\"<>;\\]|\\.)*"
_NAME: Final = re.compile(rf"{_PART}(?:[,+]{_PART})*", re.ASCII)
"""A distinguished name as RFC 2253 writes it, without spaces behind the commas."""


def of(certificate: str, issuer: str | None, settings: Settings) -> tuple[str, str]:
    """Return the distinguished names of issuer and subject, as nginx writes them.

    Args:
        certificate: The path of a certificate's file, or the subject's name.
        issuer: The issuer's name, if it is given.
        settings: They name the CAs that the stack has.

    Raises:
        Failure: They can't be used.
    """
    if os.path.isfile(certificate):  # noqa: PTH113 - Path.is_file() raises if the text is too long for a name
        if issuer:
            raise Failure("--issuer is for a SUBJECT: a certificate's file names its issuer")
        named = ca_files.names(Path(certificate))
    elif "=" not in certificate:
        raise Failure(
            f"there is no file {certificate}", "--certificate takes a file, or a subject such as CN=alpha,O=Firm."
        )
    else:
        named = issuer or _only_ca(settings), certificate
    for name in named:
        if not _NAME.fullmatch(name) or len(name) > NAME_CHARS_MAX:
            raise Failure(
                f"{name or 'an empty name'} is no distinguished name of 1 to {NAME_CHARS_MAX} characters",
                "It looks like CN=alpha,O=Firm: openssl x509 -in FILE -noout -subject -nameopt RFC2253 writes it.",
            )
    return named


def _only_ca(settings: Settings) -> str:
    try:
        found = authorities.read(settings.client_authorities)
    except Unavailable as error:
        raise Failure(f"the CAs of the stack are not known: {error}", "Name the CA with --issuer.") from error
    trusted = [name for name, each in found.items() if each.is_trusted]
    if len(trusted) != 1:
        raise Failure("the stack has several CAs", "Name one of them with --issuer:", *trusted)
    return trusted[0]
