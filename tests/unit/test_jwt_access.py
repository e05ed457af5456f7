"""A JWT opens the routes of its roles and the live feed, beside the API keys, and its sender has a name of its own."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from websockets.datastructures import Headers

from api.app import create_app
from api.http.auth import NAME_HEADER, ROUTES
from tests.issuer import AUDIENCE, Issuer, Signer
from tests.support import TUBES, audited, example
from tradewire import event
from tradewire.access import issuer as issuer_settings
from tradewire.access import issuer_keys, key_file
from tradewire.access.issuer_keys import COOL_DOWN_SECONDS, IssuerKeys
from tradewire.access.key import Role, make
from tradewire.access.signed_token import LEEWAY_SECONDS
from tradewire.access.watched_file import LOOK_SECONDS
from tradewire.errors import Unavailable
from tradewire.logging import setup
from tradewire.queue.memory import Broker, MemoryQueue
from tradewire.settings import Settings
from wsserver.admission import Admission

if TYPE_CHECKING:
    from pathlib import Path

    from prometheus_client import CollectorRegistry
    from werkzeug.test import TestResponse

URL = "https://id.example"
ISSUER = Issuer(URL)
REFUSED = {401, 403}


class Api:
    """An application whose requests need keys or JWTs."""

    def __init__(self, home: Path) -> None:
        file = home / "jwks.json"
        file.write_text(json.dumps({"keys": [ISSUER.signer.jwk()]}))
        issuer = issuer_settings.Issuer(url=URL, audience=AUDIENCE, jwks_file=str(file))
        self.settings = Settings(home=home, access="keys", jwt=issuer)
        (home / "access").mkdir()
        (home / "metrics").mkdir()
        self.broker = Broker()
        self.app = create_app(self.settings, lambda: MemoryQueue(self.broker), setup("api"))

    def call(self, method: str, path: str, token: str, /, **headers: str) -> TestResponse:
        """Send a request."""
        path = path.format(message_id="x", tube=TUBES[0], dead_letter_id="1")
        named = {"Authorization": f"Bearer {token}"} | {name.replace("_", "-"): headers[name] for name in headers}
        with self.app.test_client() as client:
            return client.open(path, method=method, data=example(), headers=named)


@pytest.fixture
def api(home: Path, registry: CollectorRegistry) -> Api:
    assert registry is not None
    return Api(home)


@pytest.mark.parametrize("role", Role)
def test_a_token_opens_the_routes_of_its_role_and_no_others(api: Api, role: Role) -> None:
    token = ISSUER.token(role)
    for (method, path), roles in ROUTES.items():
        status = api.call(method, path, token).status_code
        if not roles or (role in roles and (path, role) != ("/api/messages", Role.EXPORTER)):
            assert status not in REFUSED, path
        else:
            assert status == 403, path
    assert (api.call("GET", "/api/messages?format=csv", token).status_code == 403) == (role != Role.EXPORTER)


def test_a_token_without_a_role_is_known_and_may_nothing(api: Api) -> None:
    response = api.call("POST", "/api/message", ISSUER.token("offline_access"))
    assert response.status_code == 403
    assert (response.json or {})["errors"][0]["detail"] == "jwt:feeder needs the role producer."


def test_a_token_comes_in_either_header_and_x_api_key_comes_first(api: Api) -> None:
    token = ISSUER.token()
    assert api.call("POST", "/api/message", token).status_code == 201
    assert api.call("POST", "/api/message", "x", X_API_Key=token).status_code == 201
    assert api.call("POST", "/api/message", token, X_API_Key="tw_x").status_code == 401
    assert api.call("POST", "/api/message", f"{token},Bearer {token}").status_code == 401


@pytest.mark.parametrize(("method", "path"), sorted(route for route, roles in ROUTES.items() if roles))
def test_a_token_that_is_not_valid_is_refused_on_every_route_with_the_reason(api: Api, method: str, path: str) -> None:
    forged = Signer("first").sign(ISSUER.claims(roles=list(Role)))
    for token, reason in ((forged, "ignature"), (ISSUER.token(aud="x"), "udience"), (ISSUER.token(exp=1), "expired")):
        response = api.call(method, path, token)
        assert response.status_code == 401
        assert reason in (response.json or {})["errors"][0]["detail"]
        assert response.headers["WWW-Authenticate"] == "Bearer error=invalid_token"
        assert token.rpartition(".")[2] not in response.text


def test_a_refused_token_is_recorded_in_the_audit_trail_without_its_content(api: Api, home: Path) -> None:
    api.app.extensions["refusals"].spawn = lambda run: run()
    token = ISSUER.token(exp=1)
    assert api.call("GET", "/api/stats", token, X_Forwarded_For="10.0.0.7").status_code == 401
    [record] = audited(home)
    assert (record["action"], record["from"], record["details"]) == ("credentials-refused", "10.0.0.7", {})
    assert not any(part in (home / "audit/trail.jsonl").read_text() for part in token.split("."))


def test_a_principal_of_a_token_is_named_for_nginxs_log(api: Api) -> None:
    response = api.call("GET", "/metrics", ISSUER.token(roles=["viewer"]))
    assert response.status_code == 403
    assert response.headers[NAME_HEADER]


def test_the_senders_name_is_in_its_events_and_is_no_name_of_a_key(api: Api) -> None:
    key, secret = make("feeder", [Role.PRODUCER], now=0, slot=0)
    with key_file.changing(api.settings.keys, None) as keys:
        keys.append(key)
    answers = [
        api.call("POST", "/api/message", token, Idempotency_Key="1").json or {}
        for token in (secret, ISSUER.token(), ISSUER.token(sub="other"), ISSUER.token())
    ]
    ids = [answer["id"] for answer in answers]
    jobs = MemoryQueue(api.broker).reserve(TUBES[0], 4, 0)
    assert [event.decode(job.body).producer for job in jobs] == ["feeder", "jwt:feeder", "jwt:other", "jwt:feeder"]
    assert (len(set(ids)), ids[1]) == (3, ids[3])


def test_without_the_issuers_keys_a_request_is_answered_503_and_keys_go_on(api: Api) -> None:
    key, secret = make("alpha", [Role.PRODUCER], now=0, slot=0)
    with key_file.changing(api.settings.keys, None) as keys:
        keys.append(key)
    assert api.settings.jwt.jwks_file
    (api.settings.home / "jwks.json").unlink()
    response = api.call("POST", "/api/message", ISSUER.token())
    assert (response.status_code, response.headers["Retry-After"]) == (503, "1")
    assert api.call("POST", "/api/message", secret).status_code == 201


def test_without_an_issuer_a_token_is_refused_like_any_text(home: Path, registry: CollectorRegistry) -> None:
    assert registry is not None
    api = Api(home)
    settings = replace(api.settings, jwt=issuer_settings.NO_ISSUER)
    api.app = create_app(settings, lambda: MemoryQueue(api.broker), setup("api"))
    assert api.call("POST", "/api/message", ISSUER.token()).status_code == 401


# ---- The live feed.


def headers(token: str) -> Headers:
    return Headers([("Authorization", f"Bearer {token}")])


def test_a_viewers_token_follows_the_feed_until_it_expires(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    admission, claims = Admission(api.settings), ISSUER.claims(roles=["viewer"])
    viewer = admission.admit(headers(ISSUER.signer.sign(claims)))
    assert viewer is not None
    assert admission.still_admits(viewer)
    monkeypatch.setattr(time, "time", lambda: claims["exp"] + LEEWAY_SECONDS)
    assert not admission.still_admits(viewer)


@pytest.mark.parametrize("token", [ISSUER.token(), ISSUER.token("viewer", aud="x"), "a.b.c", "..", ""])
def test_another_token_does_not_follow_the_feed(api: Api, token: str) -> None:
    assert Admission(api.settings).admit(headers(token)) is None


def test_a_repeated_token_does_not_follow_the_feed(api: Api) -> None:
    token = ISSUER.token("viewer")
    assert Admission(api.settings).admit(Headers([("Authorization", f"Bearer {token}")] * 2)) is None


def test_while_the_issuers_keys_are_missing_no_token_is_admitted_and_none_is_closed(api: Api) -> None:
    token = ISSUER.token("viewer")
    viewer = Admission(api.settings).admit(headers(token))
    assert viewer is not None
    (api.settings.home / "jwks.json").unlink()
    with pytest.raises(Unavailable):
        Admission(api.settings).admit(headers(token))
    assert Admission(api.settings).still_admits(viewer)


def test_a_token_follows_the_feed_no_more_once_the_issuer_has_withdrawn_its_key(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched = issuer_settings.Issuer(url=URL, audience=AUDIENCE)
    settings = replace(api.settings, jwt=fetched)
    settings.counters.mkdir(exist_ok=True)

    def fetch(signer: Signer) -> None:
        old = time.time() - COOL_DOWN_SECONDS - 1
        issuer_keys.write(settings.issuer_keys, fetched, IssuerKeys([signer.jwk()], {}, old))

    fetch(ISSUER.signer)
    admission = Admission(settings)
    viewer = admission.admit(headers(ISSUER.token("viewer")))
    assert viewer is not None
    assert admission.still_admits(viewer)
    fetch(Signer("another"))
    later = time.monotonic() + 10 * LOOK_SECONDS
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert not admission.still_admits(viewer)


def test_a_token_expires_while_the_issuers_keys_are_missing(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    claims = ISSUER.claims(roles=["viewer"])
    viewer = Admission(api.settings).admit(headers(ISSUER.signer.sign(claims)))
    assert viewer is not None
    (api.settings.home / "jwks.json").unlink()
    monkeypatch.setattr(time, "time", lambda: claims["exp"] + LEEWAY_SECONDS)
    assert not Admission(api.settings).still_admits(viewer)
