"""A provider that is hostile, broken or slow: no answer of it takes much time or memory, or gives anyone a session."""

from __future__ import annotations

import http.client
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from api.access import provider_client
from api.access.discovery import Discovery
from api.access.provider_client import ProviderClient, RefusedError
from api.http import outgoing
from tests.issuer import DISCOVERY, KEYS, Issuer, Signer, issuer
from tests.support import TIMEOUT_SECONDS
from tradewire.access import jwks
from tradewire.access.provider import Provider
from tradewire.errors import BadToken, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BACK = "https://trades.example/api/session/callback"
TOKENS = {"access_token": "a", "token_type": "Bearer", "id_token": "i", "refresh_token": "r"}


class Scene:
    """A stack's client, and the provider that it asks."""

    def __init__(self, running: Issuer, secret_file: str = "") -> None:
        self.provider = running
        self.settings = Provider(url=running.url, client_id="trade wire", secret_file=secret_file)
        self.discovery = Discovery(self.settings, structlog.get_logger())
        self.client = ProviderClient(self.settings, BACK, self.discovery)
        self.describe()

    def describe(self, **metadata: Any) -> None:
        """Let the provider describe itself, with changes, and fetch that."""
        url = self.provider.url
        endpoints = {f"{name}_endpoint": f"{url}/{name}" for name in ("authorization", "token", "userinfo")}
        self.provider.publish(self.provider.signer, **endpoints, **metadata)
        self.answer("/token", 200, TOKENS)
        self.discovery.step()

    def answer(self, path: str, status: int, content: Any, **headers: str) -> None:
        self.provider.answers[path] = (status, content, headers)


@pytest.fixture
def scene() -> Iterator[Scene]:
    with issuer() as running:
        yield Scene(running)


def test_a_public_client_names_itself_and_a_secret_client_proves_itself(scene: Scene, home: Path) -> None:
    assert scene.client.exchange("c+d", "v").access == "a"
    assert scene.provider.sent[-1] == {
        "grant_type": "authorization_code",
        "code": "c+d",
        "code_verifier": "v",
        "redirect_uri": BACK,
        "client_id": "trade wire",
    }
    file = home / "secret"
    file.write_text("a:b +%é\n")
    secret = Scene(scene.provider, str(file))
    secret.client.exchange("c", "v")
    assert "client_secret" not in secret.provider.sent[-1]
    assert secret.provider.credentials[-1] == ("trade%20wire", "a%3Ab%20%2B%25%C3%A9")
    secret.describe(token_endpoint_auth_methods_supported=["client_secret_post"])
    secret.client.refresh("r")
    assert secret.provider.sent[-1]["client_secret"] == file.read_text().strip()
    file.unlink()
    with pytest.raises(Unavailable, match="TRADEWIRE_OIDC_CLIENT_SECRET_FILE can't be read"):
        secret.client.refresh("r")


@pytest.mark.parametrize(
    ("status", "content", "error", "reason"),
    [
        (400, {"error": "invalid_grant"}, RefusedError, "invalid_grant"),
        (200, {"error": "invalid_grant"}, RefusedError, "invalid_grant"),
        (400, {"error": ["x" * 10_000]}, RefusedError, r"answers \['x{98}$"),
        (401, {"error": "invalid_client"}, Unavailable, "refuses this stack as a client: invalid_client"),
        (400, {"error": "unauthorized_client"}, Unavailable, "unauthorized_client"),
        (500, {"error": "invalid_grant"}, Unavailable, "answers 500"),
        (503, b"<html>", Unavailable, "answers 503"),
        (429, b"<html>", Unavailable, "answers 429"),
        (302, b"", Unavailable, "answers 302"),
        (200, b"<html>", Unavailable, "not a JSON object"),
        (200, b"", Unavailable, "not a JSON object"),
        (200, [], Unavailable, "not a JSON object"),
        (200, b"[" * 100_000, Unavailable, "not a JSON object"),
        (200, {}, Unavailable, "without an access_token"),
        (200, {"id_token": "i", "refresh_token": "r"}, Unavailable, "without an access_token"),
        (200, {"access_token": 7}, Unavailable, "bad access_token"),
        (307, TOKENS, Unavailable, "answers 307"),
        (404, TOKENS, Unavailable, "answers 404"),
        (200, {"id_token": "é"}, Unavailable, "bad id_token"),
        (200, {"refresh_token": "x" * 70_000}, Unavailable, "bad refresh_token"),
        (200, b" " * (outgoing.BYTES_MAX + 1), Unavailable, "more than 256 KiB"),
    ],
)
def test_an_answer_with_no_tokens_gives_none(
    scene: Scene, status: int, content: Any, error: type[Exception], reason: str
) -> None:
    scene.answer("/token", status, content)
    with pytest.raises(error, match=reason):
        scene.client.exchange("c", "v")
    with pytest.raises(error, match=reason):
        scene.client.refresh("r")


@pytest.mark.parametrize(
    ("status", "content", "error", "reason"),
    [
        (401, {}, RefusedError, "answers 401"),
        (403, {}, RefusedError, "answers 403"),
        (200, {"sub": "another"}, RefusedError, "another person"),
        (200, {}, RefusedError, "another person"),
        (200, [], Unavailable, "no claims"),
        (200, b"a.b.c", Unavailable, "Expecting value"),
        (500, {}, Unavailable, "answers 500"),
        (302, {}, Unavailable, "answers 302"),
    ],
)
def test_claims_of_another_person_or_none_do_not_count(
    scene: Scene, status: int, content: Any, error: type[Exception], reason: str
) -> None:
    scene.answer("/userinfo", status, content)
    with pytest.raises(error, match=reason):
        scene.client.claims("a", "me")


def test_a_token_is_sent_to_the_provider_alone(scene: Scene) -> None:
    scene.answer("/userinfo", 307, {}, Location="/elsewhere")
    scene.answer("/token", 307, {}, Location="/elsewhere")
    with pytest.raises(Unavailable):
        scene.client.claims("a", "me")
    with pytest.raises(Unavailable):
        scene.client.exchange("c", "v")
    assert "/elsewhere" not in scene.provider.asked


@pytest.mark.parametrize("part", ["slow", "slow_bodies"])
@pytest.mark.parametrize("headers", [{}, {"Connection": "close"}, {"Content-Length": "100000"}])
def test_an_answer_that_comes_byte_by_byte_is_cut_off(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, part: str, headers: dict[str, str]
) -> None:
    monkeypatch.setattr(outgoing, "ANSWER_SECONDS", 0.5)
    scene.answer("/token", 200, TOKENS, **headers)
    ended = threading.Event()
    getattr(scene.provider, part)["/token"] = ended
    threading.Timer(TIMEOUT_SECONDS, ended.set).start()
    begun = time.monotonic()
    try:
        with pytest.raises(Unavailable, match="takes longer than"):
            scene.client.exchange("c", "v")
    finally:
        ended.set()
    assert time.monotonic() - begun < TIMEOUT_SECONDS


def test_a_request_that_connects_too_late_is_not_sent(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "ANSWER_SECONDS", 0.1)
    connect = http.client.HTTPConnection.connect

    def late(connection: http.client.HTTPConnection) -> None:
        time.sleep(0.5)
        connect(connection)

    monkeypatch.setattr(http.client.HTTPConnection, "connect", late)
    with pytest.raises(Unavailable, match="takes longer than"):
        scene.client.exchange("c", "v")
    assert "/token" not in scene.provider.asked


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ({"token_endpoint": None}, "as token_endpoint"),
        ({"token_endpoint": "http://evil.example/token"}, "as token_endpoint"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "as authorization_endpoint"),
        ({"userinfo_endpoint": 7}, "as userinfo_endpoint"),
        ({"end_session_endpoint": "ftp://x"}, "as end_session_endpoint"),
        ({"code_challenge_methods_supported": ["plain"]}, "PKCE"),
        ({"code_challenge_methods_supported": "S256"}, "PKCE"),
    ],
)
def test_a_provider_that_is_not_safe_is_not_used(scene: Scene, metadata: dict[str, Any], reason: str) -> None:
    other = Scene(scene.provider)
    url = scene.provider.url
    endpoints = {f"{name}_endpoint": f"{url}/{name}" for name in ("authorization", "token")}
    scene.provider.publish(scene.provider.signer, **(endpoints | metadata))
    fresh = Discovery(other.settings, structlog.get_logger())
    fresh.step()
    assert reason in fresh.fault
    with pytest.raises(Unavailable, match=reason):
        fresh.metadata()


def test_a_new_key_is_fetched_for_a_token_and_an_invented_one_only_after_a_cool_down(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BadToken):
        scene.discovery.key_of({"kid": "second", "alg": "RS256"})
    scene.provider.answers[KEYS] = (200, {"keys": [Signer("second").jwk()]}, {})
    before = scene.provider.asked.count(KEYS)
    with pytest.raises(BadToken):
        scene.discovery.key_of({"kid": "second", "alg": "RS256"})
    assert scene.provider.asked.count(KEYS) == before
    later = time.monotonic() + 60
    monkeypatch.setattr("api.access.discovery.time.monotonic", lambda: later)
    assert scene.discovery.key_of({"kid": "second", "alg": "RS256"})


def test_a_provider_that_goes_away_stays_known_with_the_reason(scene: Scene) -> None:
    scene.provider.answers[DISCOVERY] = (500, {}, {})
    scene.discovery.step()
    assert "answers 500" in scene.discovery.fault
    assert scene.discovery.metadata().token.endswith("/token")
    scene.describe()
    assert scene.discovery.fault == ""


def test_the_logout_names_the_person_if_the_address_has_room(scene: Scene) -> None:
    assert scene.client.logout_address("i", "https://trades.example/") == ""
    scene.describe(end_session_endpoint=f"{scene.provider.url}/end?a=b")
    address = scene.client.logout_address("i", "https://trades.example/")
    assert address == (
        f"{scene.provider.url}/end?a=b&id_token_hint=i&client_id=trade+wire"
        "&post_logout_redirect_uri=https%3A%2F%2Ftrades.example%2F"
    )
    assert provider_client.hint_of("x" * 3000) == ""
    assert jwks.BYTES_MAX == outgoing.BYTES_MAX
