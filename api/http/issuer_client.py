"""Fetches the metadata of an issuer, and its keys (OpenID Connect Discovery, RFC 8414)."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from api.http import outgoing
from tradewire.access import jwks
from tradewire.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping


def fetch(issuer: str) -> list[dict[str, str]]:
    """Return the usable keys of an issuer, as `jwks.usable` does.

    Raises:
        Unavailable: They can't be fetched. The text says why.
    """
    return fetch_keys(issuer, fetch_metadata(issuer))


def fetch_metadata(issuer: str) -> dict[str, Any]:
    """Return the issuer's metadata, from the first of the addresses at which it may be.

    Raises:
        Unavailable: It can't be fetched, or is that of another issuer.
    """
    url = urlsplit(issuer)
    path = url.path.rstrip("/")
    document = None
    for place in (f"{path}/.well-known/openid-configuration", f"/.well-known/oauth-authorization-server{path}"):
        address = urlunsplit((url.scheme, url.netloc, place, "", ""))
        answer = outgoing.send("GET", address)
        if answer.status != HTTPStatus.NOT_FOUND:
            document = answer.ok_json()
            break
    if not isinstance(document, dict):
        raise Unavailable(f"{address} has no metadata of an issuer")
    named = document.get("issuer")
    if named != issuer:
        raise Unavailable(f"the metadata of {issuer} is that of another issuer, {named!r:.200}")
    return document


def fetch_keys(issuer: str, metadata: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the usable keys at the address that the metadata of an issuer names. Raises Unavailable."""
    address = metadata.get("jwks_uri")
    if not isinstance(address, str) or not outgoing.is_safe(address, issuer):
        raise Unavailable(f"the metadata of {issuer} names no https address of keys")
    document = outgoing.send("GET", address).ok_json()
    try:
        return jwks.usable(document)
    except ValueError as error:
        raise Unavailable(f"{address} can't be used: {error}") from error
