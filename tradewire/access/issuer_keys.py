"""The file of the issuer's keys: the operator's own, or that of api-query, which fetches them. Every program reads it.

A fetched file also tells whether the last attempt failed. It has the form of a JSON Web Key Set with further members.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, NamedTuple

from tradewire.access import jwks
from tradewire.errors import Unavailable
from tradewire.whole_file import replace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tradewire.access.issuer import Issuer
    from tradewire.access.jwks import Keys

COOL_DOWN_SECONDS: Final = 10.0
"""The time after a fetch in which an unknown key causes no other."""


class IssuerKeys(NamedTuple):
    """The keys of an issuer."""

    members: Sequence[Mapping[str, str]]
    """As in the file."""
    keys: Keys
    """By id and algorithm."""
    fetched_at: float | None = None
    """When they were fetched, in Unix seconds. None: they are from the operator's file."""
    fault: str = ""
    """Why they could not be fetched again since."""


def read(path: Path, issuer: Issuer) -> IssuerKeys:
    """Read the file.

    Args:
        path: The file.
        issuer: The issuer. Fetched keys of another one do not count.

    Raises:
        Unavailable: It can't be read, is damaged, or has no key of the issuer.
    """
    try:
        document = json.loads(path.read_bytes()[: 2 * jwks.BYTES_MAX])
        if issuer.jwks_file:
            members = jwks.usable(document)
            return IssuerKeys(members, jwks.bound(members))
        if document["issuer"] != issuer.url or not document["keys"]:
            raise Unavailable(f"no keys of the issuer are known yet: {document['fault']}")
        return IssuerKeys(
            document["keys"], jwks.bound(document["keys"]), float(document["fetchedAt"]), str(document["fault"])
        )
    except FileNotFoundError as error:
        if issuer.jwks_file:
            raise Unavailable(f"there is no {path}") from error
        raise Unavailable("no keys of the issuer are known yet") from error
    except OSError as error:
        raise Unavailable(f"{path.name} can't be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Unavailable(f"{path.name} can't be used: {error}") from error


def write(path: Path, issuer: Issuer, keys: IssuerKeys) -> None:
    """Replace the file of fetched keys as a whole. Raises OSError."""
    document = {"issuer": issuer.url, "fetchedAt": keys.fetched_at, "fault": keys.fault, "keys": keys.members}
    replace(path, json.dumps(document, indent=1).encode() + b"\n")
