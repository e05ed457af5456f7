"""The public keys of an issuer, from a JSON Web Key Set (RFC 7517).

Each key is bound to the algorithms of its own type, so a token can't choose how its signature is checked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Keys = Mapping[tuple[str, str], Any]
    """The public keys by id and algorithm."""

BYTES_MAX: Final = 256 * 1024
"""The greatest size of a set, and of the issuer's metadata."""
KID_CHARS_MAX: Final = 255
_KEYS_MAX: Final = 100
_RSA_BITS_MIN: Final = 2048
_ALGORITHMS: Final[Mapping[tuple[str, str | None], Sequence[str]]] = {
    ("RSA", None): ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    ("EC", "P-256"): ("ES256",),
    ("EC", "P-384"): ("ES384",),
    ("OKP", "Ed25519"): ("EdDSA",),
}
"""The algorithms of each type of key, by `kty` and `crv`."""
_PUBLIC_MEMBERS: Final = ("kid", "alg", "kty", "crv", "n", "e", "x", "y")
"""The members that count. Whatever a set has beside them, such as private parts, is not kept."""


def usable(jwks: object) -> list[dict[str, str]]:
    """Return the keys of a set with which tokens may be signed. Others, such as symmetric ones, are left out.

    Args:
        jwks: The decoded JSON.

    Raises:
        ValueError: There is no such key, or the JSON is no set of keys.
    """
    members = jwks.get("keys") if isinstance(jwks, dict) else None
    if not isinstance(members, list):
        raise ValueError("it is no JSON Web Key Set")  # noqa: TRY004 - of JSON, the wrong type is a wrong value
    found = [
        {name: key[name] for name in _PUBLIC_MEMBERS if name in key}
        for key in members[:_KEYS_MAX]
        if isinstance(key, dict) and _is_for_signatures(key) and any(_bound(key))
    ]
    if not found:
        raise ValueError("it has no key with a kid for RS256, PS256, ES256, ES384, EdDSA or the like")
    return found


def bound(keys: Sequence[Mapping[str, str]]) -> Keys:
    """Return usable keys by id and algorithm. If two have the same, the first one counts."""
    found: dict[tuple[str, str], Any] = {}
    for key in keys:
        for algorithm, public_key in _bound(key):
            found.setdefault((key["kid"], algorithm), public_key)
    return found


def _is_for_signatures(key: Mapping[str, Any]) -> bool:
    kid = key.get("kid")
    return (
        isinstance(kid, str)
        and 0 < len(kid) <= KID_CHARS_MAX
        and key.get("use", "sig") == "sig"
        and "verify" in key.get("key_ops", ["verify"])
    )


def _bound(key: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield each algorithm that a key serves, with the key. `alg` names one of them, if the key has it."""
    curve = None if key.get("kty") == "RSA" else key.get("crv")
    algorithms = _ALGORITHMS.get((str(key.get("kty")), curve and str(curve)), ())
    served = [algorithm for algorithm in algorithms if key.get("alg", algorithm) == algorithm]
    if not served:
        return
    import jwt  # noqa: PLC0415 - takes 10 MB, which only stacks with an issuer need

    try:
        public = {name: key[name] for name in ("kty", "crv", "n", "e", "x", "y") if name in key}
        public_key = jwt.PyJWK(public, algorithm=served[0]).key
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        return
    if getattr(public_key, "key_size", _RSA_BITS_MIN) >= _RSA_BITS_MIN or served[0] in {"ES256", "ES384"}:
        yield from ((algorithm, public_key) for algorithm in served)
