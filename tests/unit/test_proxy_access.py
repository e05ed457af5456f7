"""People whom an identity proxy names open the routes of their groups' roles, from the stack's own page alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from websockets.datastructures import Headers

from api.http.auth import ROUTES
from tests.support import audited, example, wait_until
from tests.unit.test_auth import GUARDED, REFUSED, Api
from tradewire.access import user
from tradewire.access.groups import GroupRoles
from tradewire.access.key import Role
from tradewire.access.principals import Principals
from wsserver.admission import Admission

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from prometheus_client import CollectorRegistry

OWN = "http://localhost"
"""The origin of the test client's page."""


@pytest.fixture
def api(home: Path, registry: CollectorRegistry) -> Api:
    """Give an application behind a proxy, with a group for each role."""
    assert registry is not None
    groups = GroupRoles.parse(",".join(f"{role}s={role}" for role in Role))
    return Api(home, "proxy", group_roles=groups, recheck_seconds=100)


def named(user: str, *groups: str) -> dict[str, str]:
    """Give the headers of a trusted proxy's request behind nginx."""
    listed = ",".join(groups)
    passed_on = {"X_Tradewire_User": user, "X_Tradewire_Groups": listed}
    return passed_on | {"X_Forwarded_User": user, "X_Forwarded_Groups": listed}


@pytest.mark.parametrize(("method", "path"), GUARDED)
@pytest.mark.parametrize("role", Role)
def test_each_group_opens_the_routes_of_its_role_and_no_others(api: Api, method: str, path: str, role: Role) -> None:
    response = api.call(method, path, example(), Origin=OWN, **named("alice", f"{role}s"))
    if role in ROUTES[method, path] and (path, role) != ("/api/messages", Role.EXPORTER):
        assert response.status_code not in REFUSED
    else:
        assert response.status_code == 403


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_a_person_in_no_group_with_a_role_is_refused_by_name_on_every_route(api: Api, method: str, path: str) -> None:
    response = api.call(method, path, example(), Origin=OWN, **named("bob", "skiers"))
    assert response.json is not None
    [error] = response.json["errors"]
    assert (response.status_code, error["code"]) == (403, "forbidden")
    assert error["detail"] == "proxy:bob is in no group that has a role: see TRADEWIRE_GROUP_ROLES."
    assert response.headers["X-Principal"] == "proxy%3Abob"


@pytest.mark.parametrize("access", ["keys", "open"])
def test_in_another_mode_of_access_the_headers_name_nobody(
    home: Path, registry: CollectorRegistry, access: str
) -> None:
    assert registry is not None
    api = Api(home, access, group_roles=GroupRoles.parse("admins=admin"))
    assert api.call("GET", "/api/audit", **named("alice", "admins")).status_code == (401 if access == "keys" else 403)


def test_headers_that_name_a_person_unclearly_are_refused_and_recorded(api: Api, home: Path) -> None:
    headers = named("alice", "viewers") | {"X_Forwarded_Groups": "viewers,admins"}
    response = api.call("GET", "/api/stats", **headers)
    assert response.json is not None
    assert response.status_code == 401
    assert "X-Forwarded-Groups came more than once" in response.json["errors"][0]["detail"]
    assert response.headers["WWW-Authenticate"] == "Bearer"
    wait_until(lambda: audited(home, "credentials-refused"), "the refusal is recorded")


def test_a_token_counts_before_the_proxys_headers(api: Api) -> None:
    token = api.token(Role.PRODUCER, name="feed")
    headers = named("alice", "viewers") | {"X_API_Key": token}
    assert api.call("POST", "/api/message", example(), **headers).status_code == 201
    assert api.call("GET", "/api/stats", **headers).status_code == 403
    assert api.call("GET", "/api/stats", **headers | {"X_API_Key": "tw_x"}).status_code == 401


def test_a_refusal_without_a_person_says_where_to_log_in(api: Api) -> None:
    response = api.call("GET", "/api/stats")
    assert response.json is not None
    assert response.status_code == 401
    assert response.json["errors"][0]["detail"].startswith(
        "The role viewer is required: log in at the proxy in front, or send Authorization: Bearer"
    )


@pytest.mark.parametrize("headers", [{}, {"Origin": "http://evil.example"}, {"Origin": "null"}])
@pytest.mark.parametrize(("method", "path"), [route for route in GUARDED if route[0] != "GET"])
def test_a_request_that_changes_something_must_come_from_the_own_page(
    api: Api, method: str, path: str, headers: Mapping[str, str]
) -> None:
    everyone = named("alice", *(f"{role}s" for role in Role))
    assert api.call(method, path, example(), **everyone, **headers).status_code == 403
    assert api.jobs() == 0
    assert api.call(method, path, example(), Origin=OWN, **everyone).status_code not in REFUSED


@pytest.mark.parametrize(
    ("site", "is_refused"), [("cross-site", True), ("same-site", True), ("same-origin", False), ("none", False)]
)
@pytest.mark.parametrize("path", ["/api/messages?format=csv", "/api/stats", "/api/dead-letters", "/metrics"])
def test_a_page_of_another_site_makes_no_browser_export_or_read(
    api: Api, path: str, site: str, *, is_refused: bool
) -> None:
    everyone = named("alice", *(f"{role}s" for role in Role))
    response = api.call("GET", path, Sec_Fetch_Site=site, **everyone)
    assert (response.status_code == 403) == is_refused


def test_a_person_sees_the_own_name_and_roles_and_neither_logs_in_nor_out_here(api: Api) -> None:
    alice = named("alice", "viewers", "admins")
    assert api.call("GET", "/api/session", **alice).json == {"name": "proxy:alice", "roles": ["admin", "viewer"]}
    assert api.call("DELETE", "/api/session", Origin=OWN, **alice).status_code == 404
    response = api.call("POST", "/api/session", b'{"name": "alice", "password": "x"}')
    assert response.json is not None
    assert response.status_code == 404
    assert response.json["errors"][0]["detail"] == "Access is proxy: there is nothing to log in to here."


def test_a_session_of_a_local_user_counts_for_nothing(api: Api) -> None:
    alice, principals = user.make("alice", [Role.VIEWER], "", now=0), Principals(api.settings)
    with user.FILE.changing(api.settings.users, None) as users:
        users.append(alice)
    cookie = f"{principals.session_cookie}={principals.sessions.make(alice)}"
    assert api.call("GET", "/api/session", Cookie=cookie).status_code == 401


# ---- The live feed.


def handshake(user: str, *groups: str) -> Headers:
    """Give the headers of a handshake behind nginx."""
    return Headers({name.replace("_", "-"): value for name, value in named(user, *groups).items()})


def test_the_feed_admits_the_viewers_that_the_proxy_names_and_no_others(api: Api) -> None:
    admission = Admission(api.settings)
    admitted = admission.admit(handshake("alice", "viewers"))
    assert admitted is not None
    assert admitted.name == "proxy:alice"
    assert admission.still_admits(admitted)
    assert admission.admit(handshake("bob", "admins")) is None
    assert admission.admit(handshake("bob")) is None
    assert admission.admit(Headers({"X-Forwarded-User": "bob", "X-Forwarded-Groups": "viewers"})) is None


def test_a_repeated_header_of_a_handshake_is_refused_and_recorded(api: Api, home: Path) -> None:
    admission = Admission(api.settings)
    admission.refusals.spawn = lambda run: run()
    headers = handshake("alice", "viewers")
    headers["X-Forwarded-User"] = "admin"
    assert len(headers.get_all("X-Forwarded-User")) == 2
    assert admission.admit(headers) is None
    assert [record["action"] for record in audited(home)] == ["credentials-refused"]


def test_the_feed_of_a_person_is_checked_anew_within_the_time_and_that_of_a_key_is_not(api: Api) -> None:
    admission = Admission(api.settings)
    alice = admission.admit(handshake("alice", "viewers"))
    key = admission.admit(Headers({"X-API-Key": api.token(Role.VIEWER)}))
    assert alice is not None
    assert key is not None
    times = [admission.seconds(alice) for _ in range(100)]
    assert 80 <= min(times) < max(times) <= 100
    assert admission.seconds(key) == math.inf
