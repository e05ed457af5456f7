"""The issuer's keys are fetched in the background, from the issuer alone, and the known ones outlive its absence."""

from __future__ import annotations

import ssl
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from structlog.testing import capture_logs

from api.http import issuer_client, outgoing
from api.operations.issuer_check import check_issuer
from api.operations.key_fetcher import REFRESH_SECONDS, KeyFetcher
from tests.issuer import AUDIENCE, DISCOVERY, KEYS, Issuer, Signer, issuer
from tests.support import free_port, require_program
from tradewire.access import issuer as issuer_settings
from tradewire.access import issuer_keys, jwks
from tradewire.access.issuer_keys import COOL_DOWN_SECONDS
from tradewire.access.jwt_verifier import JwtVerifier
from tradewire.access.watched_file import LOOK_SECONDS
from tradewire.errors import BadToken, Unavailable
from tradewire.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RFC_8414 = "/.well-known/oauth-authorization-server"


class Scene:
    """A stack's fetcher and verifier, whose clocks this test moves."""

    def __init__(self, home: Path, running: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
        self.issuer = running
        self.settings = Settings(
            home=home, access="keys", jwt=issuer_settings.Issuer(url=running.url, audience=AUDIENCE)
        )
        self.settings.counters.mkdir()
        self.passed = 0.0
        monotonic, wall = time.monotonic, time.time
        monkeypatch.setattr(time, "monotonic", lambda: monotonic() + self.passed)
        monkeypatch.setattr(time, "time", lambda: wall() + self.passed)
        self.restart()

    def restart(self) -> None:
        """Begin as programs do that were started anew."""
        self.fetcher = KeyFetcher(self.settings, structlog.get_logger())
        self.verifier = JwtVerifier(self.settings)

    def pass_time(self, seconds: float) -> None:
        """Let time pass, and let the fetcher do its work."""
        self.passed += seconds
        self.fetcher.step()

    def fetches(self) -> int:
        """Give the number of fetches of the keys so far."""
        return self.issuer.asked.count(KEYS)


@pytest.fixture
def running() -> Iterator[Issuer]:
    with issuer() as started:
        yield started


@pytest.fixture
def scene(home: Path, running: Issuer, monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(home, running, monkeypatch)


# ---- The fetch itself.


def test_the_keys_are_found_by_discovery(running: Issuer) -> None:
    assert [key["kid"] for key in issuer_client.fetch(running.url)] == ["first"]
    assert running.asked == [DISCOVERY, KEYS]


@pytest.mark.parametrize("path", ["", "/realms/firm"])
def test_the_metadata_may_be_that_of_an_oauth_server(running: Issuer, path: str) -> None:
    _, metadata, _ = running.answers.pop(DISCOVERY)
    running.answers[f"{RFC_8414}{path}"] = (200, metadata | {"issuer": f"{running.url}{path}"}, {})
    assert issuer_client.fetch(f"{running.url}{path}")
    assert running.asked == [f"{path}{DISCOVERY}", f"{RFC_8414}{path}", KEYS]


def test_a_slash_at_the_end_belongs_to_the_issuers_name(running: Issuer) -> None:
    running.answers[DISCOVERY][1]["issuer"] += "/"
    assert issuer_client.fetch(f"{running.url}/")
    with pytest.raises(Unavailable, match="another issuer"):
        issuer_client.fetch(running.url)


@pytest.mark.parametrize(
    ("path", "answer", "reason"),
    [
        (DISCOVERY, (301, {}, {"Location": "/elsewhere"}), "answers 301"),
        (KEYS, (302, {}, {"Location": "/elsewhere"}), "answers 302"),
        (KEYS, (307, {}, {"Location": "https://evil.example/keys"}), "answers 307"),
        (DISCOVERY, (500, {}, {}), "answers 500"),
        (KEYS, (404, {}, {}), "answers 404"),
        (DISCOVERY, (200, b"<html>", {}), "Expecting value"),
        (DISCOVERY, (200, [], {}), "no metadata"),
        (DISCOVERY, (404, {}, {}), "no metadata"),
        (DISCOVERY, (200, {}, {}), "another issuer"),
        (KEYS, (200, b"[" * 100_000, {}), "recursion"),
        (KEYS, (200, {"keys": []}, {}), "no key"),
        (KEYS, (200, {"keys": [{"kty": "oct", "kid": "a", "k": "AAAA"}]}, {}), "no key"),
        (KEYS, (200, b" " * (jwks.BYTES_MAX + 1), {}), "256 KiB"),
        (KEYS, (200, b"{}", {"Content-Length": "9"}), "IncompleteRead|Expecting|no JSON Web Key Set"),
        (KEYS, (200, b"{}", {"X": "y" * 70_000}), "header line|got more than"),
    ],
)
def test_an_answer_that_is_no_set_of_keys_is_refused_with_its_reason(
    running: Issuer, path: str, answer: tuple[int, Any, dict[str, str]], reason: str
) -> None:
    running.answers["/elsewhere"] = running.answers[path]
    running.answers[path] = answer
    with pytest.raises(Unavailable, match=reason):
        issuer_client.fetch(running.url)
    assert "/elsewhere" not in running.asked


@pytest.mark.parametrize(
    "address",
    [
        None,
        7,
        "",
        "/keys",
        "file:///etc/passwd",
        "ftp://localhost/keys",
        "http://evil.example/keys",
        "http://10.0.0.1/keys",
        "http://localhost.evil.example/keys",
        "http://[::1",
        "data:application/json,{}",
    ],
)
def test_keys_at_another_address_than_https_or_loopback_are_not_fetched(running: Issuer, address: object) -> None:
    running.publish(running.signer, jwks_uri=address)
    with pytest.raises(Unavailable, match="no https address"):
        issuer_client.fetch(running.url)
    assert running.asked == [DISCOVERY]


def test_keys_of_an_https_issuer_come_over_https_alone() -> None:
    assert not outgoing.is_safe("http://localhost/keys", "https://id.example")
    assert outgoing.is_safe("https://keys.example/", "https://id.example")


def test_an_issuer_over_https_needs_a_certificate_that_this_machine_trusts(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_program("openssl")
    key, certificate = home / "key.pem", home / "certificate.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", *subject]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)
    with issuer(tls) as running:
        with pytest.raises(Unavailable, match="CERTIFICATE_VERIFY_FAILED"):
            issuer_client.fetch(running.url)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert issuer_client.fetch(running.url)
        with pytest.raises(Unavailable, match="CERTIFICATE_VERIFY_FAILED"):
            issuer_client.fetch(running.url.replace("localhost", "127.0.0.1"))


def test_an_issuer_that_is_away_is_named(running: Issuer) -> None:
    with pytest.raises(Unavailable, match="refused"):
        issuer_client.fetch(f"http://127.0.0.1:{free_port()}")
    assert running.asked == []


# ---- Fetching in the background.


def test_keys_are_fetched_at_the_start_and_every_five_minutes(scene: Scene) -> None:
    scene.fetcher.step()
    assert scene.fetches() == 1
    scene.pass_time(REFRESH_SECONDS - 1)
    assert scene.fetches() == 1
    scene.pass_time(1)
    assert scene.fetches() == 2


def test_before_the_first_fetch_no_token_can_be_checked_and_afterwards_it_can(scene: Scene) -> None:
    with pytest.raises(Unavailable, match="known yet"):
        scene.verifier.verify(scene.issuer.token())
    assert check_issuer(scene.settings).status == "unavailable"
    scene.fetcher.step()
    scene.passed += LOOK_SECONDS
    assert scene.verifier.verify(scene.issuer.token())
    assert check_issuer(scene.settings)


def test_a_token_with_a_new_key_causes_one_fetch_and_counts_after_it(scene: Scene) -> None:
    scene.fetcher.step()
    new = Signer("second", "ES256")
    scene.issuer.publish(scene.issuer.signer, new)
    token = new.sign(scene.issuer.claims())
    scene.passed += COOL_DOWN_SECONDS + 1
    for _ in range(3):
        with pytest.raises(Unavailable, match="being fetched"):
            scene.verifier.verify(token)
    scene.fetcher.step()
    assert scene.fetches() == 2
    assert scene.verifier.verify(token)


def test_unknown_keys_cause_no_fetch_while_the_last_one_is_recent(scene: Scene) -> None:
    scene.fetcher.step()
    unknown = Signer("unknown", "ES256")
    for _ in range(50):
        with pytest.raises(BadToken, match="no such key"):
            scene.verifier.verify(unknown.sign(scene.issuer.claims()))
        scene.pass_time(0.1)
    assert scene.fetches() == 1


def test_unknown_keys_cause_at_most_one_fetch_in_a_cool_down(scene: Scene) -> None:
    scene.fetcher.step()
    unknown = Signer("unknown", "ES256")
    for _ in range(60):
        with pytest.raises((BadToken, Unavailable)):
            scene.verifier.verify(unknown.sign(scene.issuer.claims()))
        scene.pass_time(1)
    assert scene.fetches() <= 1 + 60 / COOL_DOWN_SECONDS


def test_while_the_issuer_is_away_unknown_keys_cause_no_more_attempts_than_that(scene: Scene) -> None:
    scene.fetcher.step()
    unknown = Signer("unknown", "ES256").sign(scene.issuer.claims())
    scene.issuer.answers[DISCOVERY] = (500, {}, {})
    scene.issuer.asked.clear()
    for _ in range(60):
        with pytest.raises((BadToken, Unavailable)):
            scene.verifier.verify(unknown)
        scene.pass_time(1)
    assert 0 < scene.issuer.asked.count(DISCOVERY) <= 60 / COOL_DOWN_SECONDS


def test_a_token_of_another_issuer_causes_no_fetch(scene: Scene) -> None:
    scene.fetcher.step()
    scene.passed += COOL_DOWN_SECONDS + 1
    with pytest.raises(BadToken, match="not from the issuer"):
        scene.verifier.verify(Signer("unknown", "ES256").sign(scene.issuer.claims(iss="https://other.example")))
    scene.fetcher.step()
    assert scene.fetches() == 1


@pytest.mark.parametrize("is_restarted", [False, True])
def test_while_the_issuer_is_away_known_keys_go_on_and_the_log_and_readyz_say_so(
    scene: Scene, *, is_restarted: bool
) -> None:
    scene.fetcher.step()
    good = dict(scene.issuer.answers)
    known, unknown = scene.issuer.token(), Signer("second", "ES256").sign(scene.issuer.claims())
    scene.issuer.answers[DISCOVERY] = (500, {}, {})
    if is_restarted:
        scene.restart()
    with capture_logs() as lines:
        scene.pass_time(REFRESH_SECONDS)
        assert scene.verifier.verify(known)
        component = check_issuer(scene.settings)
        assert (component.status, component.facts) == ("unavailable", {"keys": 1})
        assert "answers 500" in component.detail
        with pytest.raises(Unavailable):
            scene.verifier.verify(unknown)
        for _ in range(20):
            scene.pass_time(30)
        scene.issuer.answers = good
        scene.pass_time(REFRESH_SECONDS)
    assert check_issuer(scene.settings)
    reasons = [(line["event"], line["log_level"]) for line in lines]
    away, back = ("the issuer's keys can't be fetched", "error"), ("the issuer's keys are fetched again", "info")
    assert reasons == [away, back]


def test_keys_that_were_not_fetched_when_they_were_due_are_named(scene: Scene) -> None:
    scene.fetcher.step()
    scene.passed += 3 * REFRESH_SECONDS + 1
    assert "since they were due" in check_issuer(scene.settings).detail
    scene.fetcher.step()
    assert check_issuer(scene.settings)


def test_a_key_that_the_issuer_withdraws_is_refused_after_the_next_fetch(scene: Scene) -> None:
    scene.fetcher.step()
    token = scene.issuer.token()
    assert scene.verifier.verify(token)
    scene.issuer.publish(Signer("second", "ES256"))
    scene.pass_time(REFRESH_SECONDS)
    with pytest.raises(BadToken, match="no such key"):
        scene.verifier.verify(token)


def test_fetched_keys_of_another_issuer_do_not_count(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.fetcher.step()
    with issuer() as other:
        settings = Settings(
            home=scene.settings.home, access="keys", jwt=issuer_settings.Issuer(url=other.url, audience=AUDIENCE)
        )
        monkeypatch.setattr(issuer_client, "fetch", lambda _: pytest.fail("not asked"))
        other.signer = scene.issuer.signer
        with pytest.raises(Unavailable, match="known yet"):
            JwtVerifier(settings).verify(other.token())


def test_a_damaged_file_is_fetched_again(scene: Scene) -> None:
    scene.fetcher.step()
    scene.settings.issuer_keys.write_text('{"issuer":')
    with pytest.raises(Unavailable, match=r"issuer-keys\.json"):
        scene.verifier.verify(scene.issuer.token())
    scene.restart()
    scene.fetcher.step()
    assert scene.verifier.verify(scene.issuer.token())


def test_a_disk_that_takes_no_file_is_named_and_the_next_attempt_follows(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    with capture_logs() as lines:
        with monkeypatch.context() as patch:
            patch.setattr(issuer_keys, "write", _fail)
            scene.fetcher.step()
        scene.pass_time(REFRESH_SECONDS)
    assert "can't be written: No space left" in lines[0]["reason"]
    assert check_issuer(scene.settings)


def _fail(*_: object) -> None:
    raise OSError(28, "No space left on device")
