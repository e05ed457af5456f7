"""Every ID token but the provider's own, for this stack and this login, is refused. All have real signatures."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from api.access import id_token
from tests.issuer import Signer, encoded
from tradewire.access import jwks, signed_token
from tradewire.access.provider import Provider
from tradewire.errors import BadToken

if TYPE_CHECKING:
    from collections.abc import Mapping

URL = "https://id.example"
PROVIDER = Provider(url=URL, client_id="tradewire")
SIGNER = Signer("first")
OTHER = Signer("other")
KEYS = jwks.bound(jwks.usable({"keys": [SIGNER.jwk(), Signer("curve", "ES256").jwk()]}))
ACCESS_TOKEN = "the access token"  # noqa: S105 - of these tests
HALF = hashlib.sha256(ACCESS_TOKEN.encode()).digest()[:16]


def claims(**changes: Any) -> dict[str, Any]:
    """Give the claims of a valid token, with changes. A claim that is None is left out."""
    now = int(time.time())
    valid = {"iss": URL, "aud": "tradewire", "sub": "7", "nonce": "n", "iat": now, "exp": now + 300}
    return {name: value for name, value in (valid | changes).items() if value is not None}


def key_of(header: Mapping[str, Any]) -> Any:
    found = signed_token.find_key(KEYS, header)
    if found is None:
        raise BadToken("no such key")
    return found


check = partial(id_token.check, provider=PROVIDER, key_of=key_of, nonce="n", access_token=ACCESS_TOKEN)


def signed(**changes: Any) -> str:
    return SIGNER.sign(claims(**changes), typ="JWT")


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"aud": ["tradewire"]},
        {"aud": ["tradewire", "other"], "azp": "tradewire"},
        {"azp": "tradewire"},
        {"at_hash": base64.urlsafe_b64encode(HALF).decode().rstrip("=")},
        {"auth_time": 1, "amr": ["pwd"], "groups": ["desk"], "sid": "x"},
    ],
)
def test_a_token_of_this_login_counts(changes: dict[str, Any]) -> None:
    assert check(signed(**changes))["sub"] == "7"


@pytest.mark.parametrize(("claim", "seconds"), [("exp", -10), ("nbf", 10)])
def test_the_clocks_of_provider_and_stack_may_differ(claim: str, seconds: int) -> None:
    assert check(signed(**{claim: int(time.time()) + seconds}))["sub"] == "7"


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example"},
        {"iss": f"{URL}/"},
        {"iss": [URL]},
        {"iss": None},
        {"aud": "other"},
        {"aud": ["other"]},
        {"aud": ["other"], "azp": "tradewire"},
        {"aud": ["tradewire", "other"]},
        {"aud": ["tradewire", "other"], "azp": "other"},
        {"aud": None},
        {"aud": []},
        {"azp": "other"},
        {"nonce": "another"},
        {"nonce": None},
        {"nonce": ""},
        {"nonce": ["n"]},
        {"exp": 1},
        {"exp": None},
        {"exp": "soon"},
        {"iat": None},
        {"iat": int(time.time()) + 3600},
        {"nbf": int(time.time()) + 3600},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "x" * 256},
        {"sub": "a\nb"},
        {"at_hash": "AAAA"},
        {"at_hash": 7},
        {"auth_time": "yesterday"},
    ],
)
def test_a_token_with_another_claim_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(BadToken):
        check(signed(**changes))


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "at+jwt"},
        {"typ": "logout+jwt"},
        {"kid": None},
        {"kid": "unknown"},
        {"kid": "curve"},
        {"alg": "RS512", "kid": "curve"},
        {"alg": "none"},
        {"alg": "HS256"},
        {"alg": None},
        {"crit": ["exp"]},
        {"jwk": SIGNER.jwk()},
        {"jku": "https://evil.example/keys"},
        {"x5u": "https://evil.example/x"},
        {"b64": False},
    ],
)
def test_a_token_with_another_header_is_refused(header: dict[str, Any]) -> None:
    with pytest.raises(BadToken):
        check(SIGNER.sign(claims(), **({"typ": "JWT"} | header)))


def test_a_token_of_another_key_without_a_signature_or_with_the_public_key_as_secret_is_refused() -> None:
    valid = signed()
    head, body, signature = valid.split(".")
    none = encoded({"alg": "none", "kid": "first", "typ": "JWT"})
    forged = [
        Signer("first").sign(claims(), typ="JWT"),
        OTHER.sign(claims(), typ="JWT"),
        f"{none}.{body}.",
        f"{none}.{body}.{signature}",
        f"{head}.{encoded(claims(sub='8'))}.{signature}",
        f"{head}.{body}.",
        f"{head}.{body}.{signature[:-4]}AAAA",
        f"{valid}.{body}",
        "",
        "a.b.c",
        "not a token",
        f"{head}.{encoded(b'[' * 50_000)}.{signature}",
        f"{head}.{encoded(json.dumps([1]).encode())}.{signature}",
    ]
    for token in forged:
        with pytest.raises(BadToken):
            check(token)


def test_a_token_that_comes_with_a_refresh_needs_no_nonce() -> None:
    assert check(signed(nonce=None), nonce="")["sub"] == "7"
