"""Of a JSON Web Key Set, only public keys for signatures of known algorithms count."""

from __future__ import annotations

from typing import Any

import pytest
from jwt import get_algorithm_by_name

from tests.issuer import Signer
from tradewire.access import jwks

GOOD = Signer("good", "ES256")
RSA = Signer("rsa")


def names(*keys: object) -> set[tuple[str, str]]:
    """Give the id and algorithm of each key that counts, beside the good one."""
    return set(jwks.bound(jwks.usable({"keys": [*keys, GOOD.jwk()]}))) - {("good", "ES256")}


def test_an_rsa_key_serves_the_six_algorithms_of_its_type_or_the_one_that_it_names() -> None:
    assert names(RSA.jwk()) == {("rsa", f"{family}{bits}") for family in ("RS", "PS") for bits in (256, 384, 512)}
    assert names(RSA.jwk(alg="PS384")) == {("rsa", "PS384")}


@pytest.mark.parametrize(
    "key",
    [
        RSA.jwk(use="enc"),
        RSA.jwk(key_ops=["encrypt"]),
        RSA.jwk(kid=None),
        RSA.jwk(kid=""),
        RSA.jwk(kid=7),
        RSA.jwk(kid="x" * 256),
        RSA.jwk(alg="HS256"),
        RSA.jwk(alg="none"),
        RSA.jwk(alg="ES256"),
        RSA.jwk(alg="RSA-OAEP"),
        RSA.jwk(alg=["RS256"]),
        RSA.jwk(kty="oct", k="AAAA"),
        RSA.jwk(kty="EC"),
        RSA.jwk(kty=["RSA"]),
        RSA.jwk(n="!"),
        RSA.jwk(n=7),
        RSA.jwk(e=""),
        Signer("short", bits=1024).jwk(),
        Signer("p521", "ES256").jwk(crv="P-521"),
        Signer("mixed", "ES256").jwk(crv="P-384"),
        Signer("mixed", "ES256").jwk(crv=["P-256"]),
        Signer("x", "ES256").jwk(x="AAAA"),
        Signer("ed", "EdDSA").jwk(crv="X25519"),
        Signer("ed", "EdDSA").jwk(crv="Ed448"),
        {"kty": "oct", "kid": "secret", "k": "AAAA", "alg": "HS256"},
        {},
        None,
        [],
        "key",
    ],
)
def test_another_key_is_left_out(key: object) -> None:
    assert names(key) == set()


def test_private_parts_are_not_kept() -> None:
    private = get_algorithm_by_name("RS256").to_jwk(RSA.private, as_dict=True)
    [kept] = jwks.usable({"keys": [{**private, "kid": "rsa", "key_ops": ["sign", "verify"]}]})
    assert "d" in private
    assert set(kept) == {"kty", "kid", "n", "e"}


def test_of_two_keys_with_the_same_id_the_first_one_counts() -> None:
    [one, other] = Signer("same", "ES256").jwk(), Signer("same", "ES256").jwk()
    keys = jwks.bound(jwks.usable({"keys": [one, other]}))
    assert keys["same", "ES256"] == jwks.bound([one])["same", "ES256"]


@pytest.mark.parametrize(
    "document", [None, [], "keys", {}, {"keys": None}, {"keys": {}}, {"keys": []}, {"keys": [RSA.jwk(use="enc")]}]
)
def test_a_set_without_a_usable_key_is_refused(document: Any) -> None:
    with pytest.raises(ValueError, match="it "):
        jwks.usable(document)
