"""The CAs of client certificates in the stack's home: for nginx, and for the programs.

nginx reads a CA's certificate when a client brings a certificate of it, from a folder in which the files are named by a
hash of the CA's name. So a new CA counts at once, and no connection ends. nginx keeps a CA that it has read until it
starts again; the programs refuse the certificates of a CA that was taken away.
"""

from __future__ import annotations

import hashlib
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from deploy.audit_trail import recorded
from deploy.console import Failure
from tradewire import certificate
from tradewire.access import authorities
from tradewire.errors import Unavailable
from tradewire.whole_file import EVERYONE, replace

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from deploy.ca_files import Authorities
    from tradewire.access.authorities import Authority
    from tradewire.settings import Settings


def folder(home: Path) -> Path:
    """Return the folder in which nginx finds the certificates of the CAs."""
    return home / "tls/client-ca"


def install(settings: Settings, found: Authorities, *, is_start: bool) -> None:
    """Copy the CAs to the stack's home.

    Args:
        settings: They name the home.
        found: The CAs.
        is_start: Whether nginx is about to start, and so knows none of the earlier ones.

    Raises:
        Failure: nginx would need to start again for them; or the audit trail takes no record. Nothing was changed.
    """
    earlier = _earlier(settings, is_start=is_start)
    records = found.records if is_start else _with_earlier(earlier, found.records)
    now, before = _counting(records), _counting(earlier)
    with recorded(settings, "client-ca-changed", {"authorities": now}) if now != before else nullcontext():
        _write(settings, found, records)


def _counting(records: Mapping[str, Authority]) -> list[dict[str, Any]]:
    """Return what the audit trail tells of the CAs whose certificates count."""
    return [
        {"name": name, "sha256": _digest(each), "revoked": None if each.list_made is None else len(each.revoked)}
        for name, each in sorted(records.items())
        if each.is_trusted
    ]


def _digest(authority: Authority) -> str:
    """Return the fingerprint of a CA's certificate, as `openssl x509 -fingerprint -sha256` tells it, without colons."""
    return hashlib.sha256(certificate.leaf(authority.certificate.encode())).hexdigest()


def _write(settings: Settings, found: Authorities, records: Mapping[str, Authority]) -> None:
    # First the record: nginx must never know a CA of which the next deploy/reload finds no record.
    replace(settings.client_authorities, authorities.encode(records), EVERYONE)
    place = folder(settings.home)
    place.mkdir(exist_ok=True)
    place.chmod(0o755)
    for name, pem in found.certificates.items():
        replace(place / name, pem, EVERYONE)
    for path in place.iterdir():
        if path.name not in found.certificates:
            path.unlink()


def _earlier(settings: Settings, *, is_start: bool) -> Mapping[str, Authority]:
    """Return the CAs that the stack had before."""
    try:
        return authorities.read(settings.client_authorities)
    except Unavailable as error:
        if is_start:
            return {}
        raise Failure(str(error), "Run deploy/down, then deploy/up.") from error


def _with_earlier(earlier: Mapping[str, Authority], records: Mapping[str, Authority]) -> dict[str, Authority]:
    """Return the records with those of the CAs that were taken away since nginx started."""
    changed = [name for name, each in records.items() if name in earlier and _digest(earlier[name]) != _digest(each)]
    if changed:
        raise Failure(
            f"there was another CA certificate of the name {changed[0]}, which nginx may know until it starts again",
            "Nothing was changed. Run deploy/down, then deploy/up; or give the new CA a name of its own.",
        )
    return {name: each._replace(is_trusted=False) for name, each in earlier.items()} | dict(records)
