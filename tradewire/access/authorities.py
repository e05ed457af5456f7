"""The CAs whose client certificates count now, with the certificates that they have revoked.

deploy/up and deploy/reload write the file. The programs look at it once a second, so that a CA that was taken away, and
a revoked certificate, count no more on connections that are open, too.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from tradewire.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Authority(NamedTuple):
    """A CA. Times are Unix time in seconds."""

    certificate: str
    """Its certificate, in PEM form: its key must have signed each certificate that names it as the issuer."""
    expires: float
    """When its certificate expires."""
    is_trusted: bool = True
    """Whether certificates of it count. nginx may still know a CA that was taken away, and must get no other one of the
    same name until it starts again."""
    revoked: frozenset[str] = frozenset()
    """The serial numbers of the certificates that it has revoked, as nginx writes them."""
    list_made: float | None = None
    """When its revocation list was made. None: it has none."""
    list_expires: float | None = None
    """When its revocation list expires: from then on no certificate of it counts. None: it has none."""


def read(path: Path) -> Mapping[str, Authority]:
    """Read the CAs by name, as nginx writes names of issuers.

    Raises:
        Unavailable: The file can't be read, or is damaged.
    """
    try:
        records: dict[str, dict[str, Any]] = json.loads(path.read_bytes())
        return {
            name: Authority(**{**record, "revoked": frozenset(record["revoked"])}) for name, record in records.items()
        }
    except OSError as error:
        raise Unavailable(f"{path.name} can't be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unavailable(f"{path.name} is damaged: {type(error).__name__}: {error}") from error


def encode(authorities: Mapping[str, Authority]) -> bytes:
    """Return the content of the file."""
    records = {name: {**each._asdict(), "revoked": sorted(each.revoked)} for name, each in authorities.items()}
    return json.dumps(records, indent=1).encode() + b"\n"
