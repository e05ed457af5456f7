"""Each token that an attacker or a mistaken client may send is refused, and each proper access token proves its sender.

All signatures are real.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.issuer import AUDIENCE, Issuer, Signer, encoded
from tradewire.access import issuer as issuer_settings
from tradewire.access import jwt_verifier, signed_token
from tradewire.access.groups import GroupRoles
from tradewire.access.jwt_verifier import JwtVerifier
from tradewire.access.key import Role
from tradewire.access.watched_file import LOOK_SECONDS
from tradewire.errors import BadToken, Unavailable
from tradewire.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

URL = "https://id.example/realms/firm"
ISSUER = Issuer(URL)
SIGNERS = {
    name: Signer(name, name) for name in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384")
} | {"EdDSA": Signer("EdDSA", "EdDSA"), "first": ISSUER.signer}


class Scene:
    """A verifier whose keys are in a file."""

    def __init__(self, home: Path) -> None:
        self.file = home / "jwks.json"
        self.settings = Settings(
            home=home,
            access="keys",
            jwt=issuer_settings.Issuer(url=URL, audience=AUDIENCE, jwks_file=str(self.file)),
        )
        self.publish(*SIGNERS.values())
        self.verifier = JwtVerifier(self.settings)

    def publish(self, *signers: Signer, **members: Any) -> None:
        """Write the file of keys."""
        self.file.write_text(json.dumps({"keys": [signer.jwk(**members) for signer in signers]}))

    def change(self, **settings: Any) -> None:
        """Change settings of the issuer, and start over."""
        self.settings = replace(self.settings, jwt=replace(self.settings.jwt, **settings))
        self.verifier = JwtVerifier(self.settings)

    def refusal(self, token: str) -> str:
        """Give the reason why a token is refused."""
        with pytest.raises(BadToken) as refused:
            self.verifier.verify(token)
        return str(refused.value)


@pytest.fixture
def scene(home: Path) -> Scene:
    return Scene(home)


# ---- Proper tokens.


@pytest.mark.parametrize("name", SIGNERS)
def test_a_token_that_is_signed_with_a_key_of_the_issuer_proves_its_sender(scene: Scene, name: str) -> None:
    claims = ISSUER.claims(roles=["producer", "viewer"])
    verified = scene.verifier.verify(SIGNERS[name].sign(claims))
    assert (verified.name, verified.roles) == ("jwt:feeder", frozenset({Role.PRODUCER, Role.VIEWER}))
    assert verified.expires == claims["exp"] + signed_token.LEEWAY_SECONDS


@pytest.mark.parametrize(
    ("header", "changes"),
    [
        ({"typ": "application/at+jwt"}, {"client_id": None}),
        ({"typ": "AT+JWT"}, {"nonce": "x"}),  # RFC 9068 does not forbid it
        ({"typ": "JWT"}, {"client_id": None, "scope": "a"}),  # Auth0, Hydra
        ({"typ": "JWT"}, {"client_id": None, "gty": "client-credentials"}),  # Auth0, without scopes
        ({"typ": None}, {"client_id": None, "cid": "a", "scp": ["b"]}),  # Okta
        ({"typ": "JWT", "x5t": "a"}, {"client_id": None, "azp": "a", "azpacr": "1"}),  # Entra ID
        ({"typ": "JWT"}, {"client_id": None, "azp": "a", "typ": "Bearer"}),  # Keycloak
        ({"typ": None}, {"token_use": "access"}),  # Cognito
    ],
)
def test_the_access_tokens_of_the_usual_providers_are_accepted(
    scene: Scene, header: dict[str, Any], changes: dict[str, Any]
) -> None:
    assert scene.verifier.verify(ISSUER.signer.sign(ISSUER.claims(**changes), **header)).name == "jwt:feeder"


@pytest.mark.parametrize("audience", [AUDIENCE, [AUDIENCE], ["other", AUDIENCE]])
def test_the_audience_may_be_one_of_several(scene: Scene, audience: object) -> None:
    assert scene.verifier.verify(ISSUER.token(aud=audience)).name == "jwt:feeder"


@pytest.mark.parametrize(
    ("name", "claims", "roles"),
    [
        ("roles", {"roles": "producer  viewer"}, {"producer", "viewer"}),
        ("roles", {"roles": ["admin", "Producer", "uma_authorization", 7, None, ["viewer"]]}, {"admin"}),
        ("roles", {"roles": None}, set()),
        ("roles", {"roles": {"viewer": True}}, set()),
        ("scope", {"scope": "openid viewer"}, {"viewer"}),
        ("realm_access.roles", {"realm_access": {"roles": ["monitor"]}}, {"monitor"}),
        ("resource_access.a.b.roles", {"resource_access": {"a.b": {"roles": ["operator"]}}}, {"operator"}),
        ("https://firm.example/roles", {"https://firm.example/roles": ["exporter"]}, {"exporter"}),
        ("realm_access.roles", {"realm_access": ["roles"]}, set()),
        ("realm_access.roles", {"realm_access": "roles"}, set()),
    ],
)
def test_roles_come_from_the_claim_that_the_settings_name(
    scene: Scene, name: str, claims: dict[str, Any], roles: set[str]
) -> None:
    scene.change(roles_claim=name)
    assert scene.verifier.verify(ISSUER.token(**claims)).roles == roles


def test_groups_stand_for_the_roles_that_the_settings_name_and_nothing_else_does(scene: Scene) -> None:
    scene.settings = replace(scene.settings, group_roles=GroupRoles.parse("desk=viewer+exporter,feeds=producer"))
    scene.change()
    assert scene.verifier.verify(ISSUER.token("desk", "monitor")).roles == {Role.VIEWER, Role.EXPORTER}
    assert scene.verifier.verify(ISSUER.token("Desk", "feeds")).roles == {Role.PRODUCER}


def test_the_name_comes_from_the_claim_that_the_settings_name(scene: Scene) -> None:
    scene.change(name_claim="client_id")
    assert scene.verifier.verify(ISSUER.token(client_id="desk-1", sub="x")).name == "jwt:desk-1"


@pytest.mark.parametrize("name", [None, "", "a b", "a\n", "é", "x" * 61, "a\u00ad"])
def test_a_token_without_a_plain_name_is_refused(scene: Scene, name: object) -> None:
    assert "sub is no name" in scene.refusal(ISSUER.token(sub=name))


# ---- Forged signatures.


def forged(kid: str, algorithm: str, secret: bytes) -> str:
    """Give a token that is signed with a secret, as if the issuer's public key were one."""
    header = {"alg": algorithm, "kid": kid, "typ": "at+jwt"}
    signed = f"{encoded(header)}.{encoded(ISSUER.claims())}"
    digest = hmac.new(secret, signed.encode(), getattr(hashlib, f"sha{algorithm[2:]}")).digest()
    return f"{signed}.{encoded(digest)}"


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
@pytest.mark.parametrize("kid", ["first", "ES256", "ES384", "EdDSA"])
def test_a_public_key_is_no_secret(scene: Scene, algorithm: str, encoding: Encoding, kid: str) -> None:
    public = SIGNERS[kid].private.public_key().public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)
    for secret in (public, public.strip(), json.dumps(SIGNERS[kid].jwk()).encode(), b""):
        assert "alg" in scene.refusal(forged(kid, algorithm, secret))


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "", None, "RS1", "ES256K", "ES512", "A128KW", ["RS256"]])
@pytest.mark.parametrize("has_signature", [False, True])
def test_a_token_without_a_known_algorithm_is_refused(scene: Scene, algorithm: object, *, has_signature: bool) -> None:
    token = ISSUER.signer.sign(ISSUER.claims(), alg=algorithm)
    scene.refusal(token if has_signature else token.rpartition(".")[0] + ".")


@pytest.mark.parametrize("name", SIGNERS)
@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "RS512", "ES256", "ES384", "EdDSA"])
def test_no_key_serves_another_algorithm_than_its_own(scene: Scene, name: str, algorithm: str) -> None:
    signer = SIGNERS[name]
    scene.publish(*(SIGNERS[each] for each in SIGNERS if each != name))
    scene.file.write_text(json.dumps({"keys": [signer.jwk(alg=signer.algorithm)]}))
    token = signer.sign(ISSUER.claims(), alg=algorithm)
    if algorithm == signer.algorithm:
        assert scene.verifier.verify(token)
    else:
        assert "alg" in scene.refusal(token)


def test_a_key_of_another_issuer_with_the_same_id_signs_nothing(scene: Scene) -> None:
    assert "ignature" in scene.refusal(Signer("first").sign(ISSUER.claims()))


def test_a_key_of_the_issuer_signs_nothing_under_the_id_of_another(scene: Scene) -> None:
    assert "ignature" in scene.refusal(SIGNERS["RS384"].sign(ISSUER.claims(), alg="RS384", kid="RS512"))


@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_token_that_was_changed_anywhere_is_refused(scene: Scene, part: int) -> None:
    parts = ISSUER.token().split(".")
    for place in range(0, len(parts[part]), 7):
        old = parts[part][place]
        changed = parts[part][:place] + ("A" if old != "A" else "B") + parts[part][place + 1 :]
        scene.refusal(".".join([*parts[:part], changed, *parts[part + 1 :]]))


def test_claims_of_one_token_with_the_signature_of_another_are_refused(scene: Scene) -> None:
    first, second = ISSUER.token("viewer").split("."), ISSUER.token("admin").split(".")
    scene.refusal(".".join([*first[:1], second[1], first[2]]))


# ---- Headers.


@pytest.mark.parametrize(
    "header",
    [
        {"jku": "https://evil.example/keys"},
        {"jku": f"{URL}/keys"},
        {"x5u": "https://evil.example/cert"},
        {"x5c": ["MIIB"]},
        {"jwk": Signer("evil").jwk()},
        {"crit": ["exp"], "exp": 1},
        {"crit": []},
        {"crit": ["b64"], "b64": True},
        {"b64": False},
        {"b64": True},
    ],
)
def test_a_header_that_brings_a_key_or_changes_the_reading_is_refused(scene: Scene, header: dict[str, Any]) -> None:
    scene.refusal(ISSUER.signer.sign(ISSUER.claims(), **header))


def test_a_key_in_the_header_does_not_count(scene: Scene) -> None:
    evil = Signer("first")
    scene.refusal(evil.sign(ISSUER.claims(), jwk=evil.jwk()))


@pytest.mark.parametrize(
    "kid",
    [
        None,
        "",
        7,
        ["first"],
        {"first": 1},
        "FIRST",
        "first ",
        "first\0",
        "../../../../dev/null",
        "' OR 1=1 --",
        "https://evil.example/keys",
        "x" * 5000,
    ],
)
def test_a_token_that_names_no_key_of_the_issuer_is_refused(scene: Scene, kid: object) -> None:
    scene.refusal(ISSUER.signer.sign(ISSUER.claims(), kid=kid))


@pytest.mark.parametrize("typ", ["JWS", "dpop+jwt", "logout+jwt", "id+jwt", "rt+jwt", "secevent+jwt", "JOSE", "", 7])
def test_another_type_of_token_is_refused(scene: Scene, typ: object) -> None:
    assert "typ" in scene.refusal(ISSUER.signer.sign(ISSUER.claims(), typ=typ))


# ---- Claims.


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": None},
        {"iss": "https://id.example/realms/other"},
        {"iss": f"{URL}/"},
        {"iss": URL.upper()},
        {"iss": [URL]},
        {"iss": {URL: 1}},
        {"aud": None},
        {"aud": ""},
        {"aud": []},
        {"aud": "https://other.example"},
        {"aud": ["https://other.example", "third"]},
        {"aud": [AUDIENCE, 7]},
        {"aud": {AUDIENCE: 1}},
        {"aud": AUDIENCE + "/"},
        {"aud": AUDIENCE[:-1]},
        {"exp": None},
        {"exp": 0},
        {"exp": "soon"},
        {"exp": str(2**40)},
        {"exp": True},
        {"exp": [2**40]},
        {"exp": float("inf")},
        {"exp": float("nan")},
        {"exp": int(time.time()) - 60},
        {"nbf": int(time.time()) + 3600},
        {"nbf": "later"},
        {"nbf": float("inf")},
        {"iat": int(time.time()) + 3600},
        {"sub": 7},
        {"sub": ["feeder"]},
        {"cnf": {"jkt": "x"}},
        {"cnf": {"x5t#S256": "x"}},
    ],
)
def test_a_token_of_another_issuer_audience_or_time_is_refused(scene: Scene, changes: dict[str, Any]) -> None:
    scene.refusal(ISSUER.token(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": None},
        {"client_id": None, "azp": "a"},
        {"client_id": None, "auth_time": 1, "acr": "1", "amr": ["pwd"]},
        {"nonce": "n"},
        {"at_hash": "h"},
        {"c_hash": "h"},
        {"s_hash": "h"},
        {"token_use": "id"},
        {"typ": "ID"},
        {"typ": "Refresh"},
        {"typ": "Offline"},
        {"typ": "Logout"},
        {"typ": "DPoP"},
        {"client_id": None, "events": {"http://schemas.openid.net/event/backchannel-logout": {}}},
    ],
)
@pytest.mark.parametrize("typ", ["JWT", None])
def test_an_id_token_is_refused(scene: Scene, changes: dict[str, Any], typ: str | None) -> None:
    assert "no access token" in scene.refusal(ISSUER.signer.sign(ISSUER.claims(**changes), typ=typ))


def test_clocks_may_differ_a_little(scene: Scene) -> None:
    now = int(time.time())
    assert scene.verifier.verify(ISSUER.token(exp=now - 10))
    assert scene.verifier.verify(ISSUER.token(nbf=now + 20, iat=now + 20))


# ---- Malformed tokens.


@pytest.mark.parametrize(
    "token",
    [
        "..",
        "a.b.c",
        ".e30.",
        "e30.e30.",
        "é.é.é",
        "\0.\0.\0",
        " . . ",
        f"{encoded(b'[1]')}.{encoded(b'{}')}.AA",
        f"{encoded(b'null')}.{encoded(b'{}')}.AA",
        f"{encoded(b'{' * 3000)}.{encoded(b'{}')}.AA",
        f"{encoded(b'[' * 3000)}.{encoded(b'[' * 3000)}.AA",
        "A" * 4_000_000 + ".e30.AA",
    ],
)
def test_nonsense_is_refused(scene: Scene, token: str) -> None:
    scene.refusal(token)


@pytest.mark.parametrize("claims", [b"", b"[]", b"null", b"7", b"\xff", b'{"iss":', b"[" * 3000])
def test_claims_that_are_no_object_are_refused(scene: Scene, claims: bytes) -> None:
    scene.refusal(ISSUER.signer.sign(claims))


@pytest.mark.parametrize(
    "change",
    [
        lambda token: token + "=",
        lambda token: token + ".",
        lambda token: token + "\n",
        lambda token: " " + token,
        lambda token: token.replace(".", ".\n", 1),
        lambda token: token.replace("-", "+").replace("_", "/") + "A",
        lambda token: token + "," + token,
        lambda token: token + token,
    ],
)
def test_a_token_that_is_spelled_in_another_way_is_refused(scene: Scene, change: Callable[[str], str]) -> None:
    token = ISSUER.token()
    assert scene.verifier.verify(token)
    assert scene.refusal(change(token))


def test_a_huge_token_is_refused_before_it_is_read(scene: Scene) -> None:
    assert "8192 characters" in scene.refusal(ISSUER.token(padding="x" * 8192))


# ---- Known tokens, and keys that change.


def test_a_known_token_is_not_checked_again_and_ends_with_its_time(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = ISSUER.token()
    verified = scene.verifier.verify(token)
    with monkeypatch.context() as patch:
        patch.setattr(jwt, "decode", lambda *_, **__: pytest.fail("checked again"))
        assert scene.verifier.verify(token) is verified
    monkeypatch.setattr(time, "time", lambda: verified.expires)
    for _ in range(2):
        assert "expired" in scene.refusal(token)


def test_the_known_tokens_are_bounded_and_refused_ones_are_not_kept(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jwt_verifier, "TOKENS_MAX", 3)
    for _ in range(5):
        scene.refusal(ISSUER.token(aud="other"))
        assert scene.verifier.verify(ISSUER.token())
    assert len(scene.verifier._known) == 3  # noqa: SLF001 - a bound of memory shows nowhere else


def test_a_token_of_a_key_that_is_gone_is_refused_even_if_it_was_known(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = ISSUER.token(), SIGNERS["ES256"].sign(ISSUER.claims())
    assert scene.verifier.verify(old)
    scene.publish(SIGNERS["ES256"])
    later = time.monotonic() + LOOK_SECONDS
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert "no such key" in scene.refusal(old)
    assert scene.verifier.verify(new)


def test_a_new_key_in_the_file_counts_at_once(scene: Scene) -> None:
    new = Signer("new", "ES256")
    scene.refusal(new.sign(ISSUER.claims()))
    scene.publish(new, *SIGNERS.values())
    assert scene.verifier.verify(new.sign(ISSUER.claims()))


@pytest.mark.parametrize("content", [None, "", "{", "[]", '{"keys":[]}', '{"keys":{}}', "[" * 100_000])
def test_without_keys_no_token_can_be_checked(scene: Scene, content: str | None) -> None:
    if content is None:
        scene.file.unlink()
    else:
        scene.file.write_text(content)
    with pytest.raises(Unavailable, match=r"jwks\.json"):
        scene.verifier.verify(ISSUER.token())
