"""Each route of the API asks for its roles, and for nothing while access is open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from api.app import create_app
from api.http.auth import ROUTES, Access, path_of
from api.ingest.fast_lane import FastLane
from deploy import layout
from tests.support import TUBES, audited, example, wait_until
from tradewire import event
from tradewire.access import key as access_key
from tradewire.access import key_file
from tradewire.access.key import Role
from tradewire.access.key_use import KeyUse
from tradewire.logging import setup
from tradewire.queue.memory import Broker, MemoryQueue
from tradewire.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask
    from prometheus_client import CollectorRegistry
    from werkzeug.test import TestResponse

OPERATOR_TOKEN = "operators-secret"  # noqa: S105 - of these tests
PUBLIC = {
    ("POST", "/api/session"),
    ("GET", "/api/session/login"),
    ("GET", "/api/session/callback"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/readyz/status"),
}
GUARDED = sorted(set(ROUTES) - PUBLIC)
REFUSED = {401, 403}


class Api:
    """An application in one mode of access."""

    def __init__(self, home: Path, access: str, **settings: Any) -> None:
        self.settings = Settings(home=home, access=access, **settings)
        (home / "access").mkdir()
        (home / "metrics").mkdir()
        self.settings.operator_token.write_text(OPERATOR_TOKEN)
        self.broker = Broker()
        self.app = create_app(self.settings, lambda: MemoryQueue(self.broker), setup("api"))

    def token(self, *roles: Role, rate: int = 0, name: str = "") -> str:
        """Make a key. Return its token."""
        with key_file.changing(self.settings.keys, None) as keys:
            slot = len(keys)
            key, token = access_key.make(name or f"key-{slot}", roles, now=0, slot=slot, rate=rate)
            keys.append(key)
        return token

    def call(self, method: str, path: str, body: bytes = b"", /, **headers: str) -> TestResponse:
        """Send a request."""
        path = path.format(message_id="x", tube=TUBES[0], dead_letter_id="1")
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        with self.app.test_client() as client:
            return client.open(path, method=method, data=body, headers=named)

    def jobs(self) -> int:
        """Return the number of jobs in a tube."""
        return MemoryQueue(self.broker).counts(TUBES[0]).ready


@pytest.fixture
def closed(home: Path, registry: CollectorRegistry) -> Api:
    """Give an application whose requests need keys."""
    assert registry is not None
    return Api(home, "keys")


@pytest.fixture
def opened(home: Path, registry: CollectorRegistry) -> Api:
    """Give an application with open access."""
    assert registry is not None
    return Api(home, "open")


def code(response: TestResponse) -> str:
    """Give the code of a refusal in the API's form."""
    assert response.json is not None
    return str(response.json["errors"][0]["code"])


def test_the_table_has_each_route_of_the_application_and_no_other(closed: Api) -> None:
    routes = {
        (method, path_of(rule.rule))
        for rule in closed.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert routes == set(ROUTES)
    assert {route for route, roles in ROUTES.items() if not roles} == PUBLIC


def test_an_application_with_a_route_that_names_no_role_does_not_start(closed: Api) -> None:
    app: Flask = closed.app
    app.add_url_rule("/api/new", "new", lambda: "")
    with pytest.raises(LookupError, match="/api/new"):
        Access(closed.settings).guard(app)


@pytest.mark.parametrize(("method", "path"), GUARDED)
@pytest.mark.parametrize("header", [{}, {"X_API_Key": "tw_x"}, {"Authorization": "Bearer nonsense"}])
def test_a_request_without_a_valid_key_is_refused_on_every_route(
    closed: Api, method: str, path: str, header: dict[str, str]
) -> None:
    response = closed.call(method, path, example(), **header)
    assert (response.status_code, code(response)) == (401, "unauthorized")
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert closed.jobs() == 0


@pytest.mark.parametrize(("method", "path"), GUARDED)
@pytest.mark.parametrize("role", Role)
def test_each_role_opens_the_routes_of_its_own_and_no_others(closed: Api, method: str, path: str, role: Role) -> None:
    response = closed.call(method, path, example(), Authorization=f"Bearer {closed.token(role)}")
    if role in ROUTES[method, path] and (path, role) != ("/api/messages", Role.EXPORTER):
        assert response.status_code not in REFUSED
    else:
        assert (response.status_code, code(response)) == (403, "forbidden")


@pytest.mark.parametrize(
    ("role", "query", "is_allowed"),
    [
        (Role.VIEWER, "", True),
        (Role.VIEWER, "?format=csv", False),
        (Role.VIEWER, "?format=ndjson", False),
        (Role.EXPORTER, "", False),
        (Role.EXPORTER, "?format=csv", True),
        (Role.EXPORTER, "?format=ndjson", True),
    ],
)
def test_files_are_for_exporters_and_pages_for_viewers(
    closed: Api, role: Role, query: str, *, is_allowed: bool
) -> None:
    response = closed.call("GET", f"/api/messages{query}", X_API_Key=closed.token(role))
    assert (response.status_code not in REFUSED) == is_allowed


@pytest.mark.parametrize("lane", ["fast", "slow"])
def test_a_message_needs_a_producers_key_in_both_lanes(closed: Api, lane: str) -> None:
    assert isinstance(closed.app.wsgi_app, FastLane)
    if lane == "slow":
        closed.app.wsgi_app = closed.app.wsgi_app.slow_lane  # type: ignore[method-assign, assignment]
    wrong, right = closed.token(Role.VIEWER), closed.token(Role.PRODUCER)
    assert closed.call("POST", "/api/message", example()).status_code == 401
    assert closed.call("POST", "/api/message", example(), X_API_Key=wrong).status_code == 403
    assert closed.jobs() == 0
    for header in ({"X_API_Key": right}, {"Authorization": f"Bearer {right}"}):
        assert closed.call("POST", "/api/message", example(), **header).status_code == 201
    assert closed.jobs() == 2


@pytest.mark.parametrize("lane", ["fast", "slow"])
def test_the_producers_name_is_in_its_events_and_no_message_can_claim_another(closed: Api, lane: str) -> None:
    assert isinstance(closed.app.wsgi_app, FastLane)
    if lane == "slow":
        closed.app.wsgi_app = closed.app.wsgi_app.slow_lane  # type: ignore[method-assign, assignment]
    token = closed.token(Role.PRODUCER, name="alpha")
    for path in ("/api/message", "/api/messages"):
        response = closed.call("POST", path, example(producer="beta"), X_API_Key=token)
        assert response.status_code == 201
        assert (response.json or {})["ignored"] == ["producer"]
        [job] = MemoryQueue(closed.broker).reserve(TUBES[0], 1, 0)
        assert event.decode(job.body).producer == "alpha"


def test_two_producers_with_the_same_key_and_trade_have_different_messages(closed: Api) -> None:
    tokens = [closed.token(Role.PRODUCER, name=name) for name in ("alpha", "beta")]
    sent = [
        closed.call("POST", path, example(), X_API_Key=token, Idempotency_Key="1").json or {}
        for token in (*tokens, *tokens)
        for path in ("/api/message", "/api/messages")
    ]
    ids = [answer.get("id") or answer["ids"][0] for answer in sent]
    assert ids[:4] == ids[4:]
    assert len(set(ids)) == 2


def test_with_open_access_an_event_has_no_producer(opened: Api) -> None:
    assert opened.call("POST", "/api/message", example(producer="beta"), X_API_Key="tw_x").status_code == 201
    [job] = MemoryQueue(opened.broker).reserve(TUBES[0], 1, 0)
    assert event.decode(job.body).producer is None
    assert b"producer" not in job.body


def test_a_message_that_the_fast_lane_hands_on_is_counted_once(closed: Api) -> None:
    token = closed.token(Role.PRODUCER, rate=1)
    for _ in range(2):  # the burst is one second's worth, and the first one
        assert closed.call("POST", "/api/message", b"{}", X_API_Key=token).status_code == 400
    response = closed.call("POST", "/api/message", b"{}", X_API_Key=token)
    assert (response.status_code, code(response)) == (429, "too-many-requests")
    assert response.headers["Retry-After"] == "1"


def test_a_message_over_the_rate_is_looked_at_once(closed: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    token = closed.token(Role.PRODUCER, rate=1)
    taken: list[bool] = []
    take = KeyUse.take

    def counted(use: KeyUse, key: access_key.Key) -> bool:
        taken.append(take(use, key))
        return taken[-1]

    monkeypatch.setattr(KeyUse, "take", counted)
    statuses = [closed.call("POST", "/api/message", example(), X_API_Key=token).status_code for _ in range(3)]
    assert (statuses, taken) == ([201, 201, 429], [True, True, False])


def test_a_key_with_several_roles_has_them_all(closed: Api) -> None:
    token = closed.token(Role.PRODUCER, Role.MONITOR)
    assert closed.call("POST", "/api/message", example(), X_API_Key=token).status_code == 201
    assert closed.call("GET", "/metrics", X_API_Key=token).status_code == 200
    assert closed.call("GET", "/api/dead-letters", X_API_Key=token).status_code == 403


def test_a_damaged_file_of_keys_refuses_keys_for_now_and_no_probe(closed: Api) -> None:
    closed.settings.keys.write_text("damaged")
    response = closed.call("POST", "/api/message", example(), X_API_Key="tw_0123456789ab_x")
    assert (response.status_code, code(response)) == (503, "unavailable")
    assert closed.call("GET", "/healthz").status_code == 200


def test_the_operator_token_is_a_credential_of_an_operator_in_both_modes(closed: Api) -> None:
    bearer = {"Authorization": f"Bearer {OPERATOR_TOKEN}"}
    for (method, path), roles in ROUTES.items():
        response = closed.call(method, path, example(), **bearer)
        if (method, path) in PUBLIC or roles & {Role.OPERATOR, Role.MONITOR}:
            assert response.status_code not in REFUSED, path
        else:
            assert (response.status_code, code(response)) == (403, "forbidden"), path
            assert "operator needs the role " in response.text
    closed.call("GET", "/metrics", Authorization="Bearer nonsense")
    refused = wait_until(lambda: audited(closed.settings.home, "credentials-refused"), "a refusal is recorded")
    assert len(refused) == 1


@pytest.mark.parametrize("content", [None, "", "\n"])
def test_without_the_file_of_the_operator_token_operators_get_503_that_names_it_and_others_go_on(
    closed: Api, content: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    closed.settings.operator_token.unlink()
    layout.make_token(closed.settings)
    token = closed.settings.operator_token.read_text().strip()
    closed.settings.operator_token.unlink()
    if content is not None:
        closed.settings.operator_token.write_text(content)
    response = closed.call("GET", "/api/ledger", Authorization=f"Bearer {token}")
    assert (response.status_code, code(response)) == (503, "unavailable")
    assert "operator-token " in response.text
    assert "deploy/up" in response.text
    assert "operator-token " in caplog.text
    assert token not in caplog.text + response.text
    assert closed.call("GET", "/metrics", X_API_Key=closed.token(Role.MONITOR)).status_code == 200
    for other in ("tw_0123456789ab_x", "x", "a.b.c", f"{token}x", f"{token},{token}"):
        assert closed.call("GET", "/api/ledger", X_API_Key=other).status_code == 401
    assert closed.call("GET", "/api/ledger").status_code == 401
    assert closed.call("GET", "/healthz", Authorization=f"Bearer {token}").status_code == 200


@pytest.mark.parametrize(("header", "is_shown"), [({}, False), ({"X_API_Key": "tw_x"}, False), (None, True)])
def test_readyz_tells_a_monitor_alone_more_than_whether_messages_are_accepted(
    closed: Api, header: dict[str, str] | None, *, is_shown: bool
) -> None:
    headers = {"X_API_Key": closed.token(Role.MONITOR)} if header is None else header
    response = closed.call("GET", "/readyz", **headers)
    assert response.json is not None
    assert set(response.json) == {"status", "components"} if is_shown else {"status"}


def test_with_open_access_only_operators_need_a_token_and_there_are_no_admins(opened: Api) -> None:
    for (method, path), roles in ROUTES.items():
        response = opened.call(method, path, example())
        assert response.status_code not in REFUSED or roles in ({Role.OPERATOR}, {Role.ADMIN}), path
        assert (response.status_code == 403) == (roles == {Role.ADMIN}), path
        assert (response.status_code == 401) == (roles == {Role.OPERATOR}), path
    assert "components" in (opened.call("GET", "/readyz").json or {})


def test_with_open_access_a_key_makes_no_difference(opened: Api) -> None:
    token = opened.token(Role.OPERATOR)
    assert opened.call("POST", "/api/message", example(), X_API_Key="tw_x").status_code == 201
    assert opened.call("GET", "/api/dead-letters", X_API_Key=token).status_code == 401


def test_a_refusal_shows_no_token(closed: Api) -> None:
    token = closed.token(Role.VIEWER)
    for sent in (token, token[:-1]):
        assert sent.split("_", 2)[2] not in closed.call("GET", "/metrics", X_API_Key=sent).text
