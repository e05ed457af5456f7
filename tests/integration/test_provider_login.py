"""People log in at a real provider: the API's part of the flow, of the renewal, and of the logout."""

from __future__ import annotations

import os
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import replace
from threading import Event, Semaphore
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from api.access.pending_logins import PER_CLIENT_MAX
from api.access.provider_client import ProviderClient, Tokens
from api.access.provider_login import AT_ONCE_MAX
from api.app import create_app
from tests.provider import CLIENT_ID, DESK, SECRET, Visitor, provider
from tests.support import TIMEOUT_SECONDS, audited, free_port, wait_until
from tradewire.access.groups import GroupRoles
from tradewire.access.provider import Provider as ProviderSettings
from tradewire.audit import refusals
from tradewire.logging import setup
from tradewire.queue.memory import Broker, MemoryQueue
from tradewire.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from werkzeug.test import Client, TestResponse

    from api.access.single_sign_on import SingleSignOn
    from tests.provider import Provider

CONFIRMED_SECONDS = 600
RENEW_SECONDS = 240
PAGE = "http://127.0.0.1:8080"
OWN = {"Origin": PAGE}
ALICE = re.compile(r"oidc:alice~[0-9a-f]{12}")


class Api:
    """An application whose people log in at a provider."""

    def __init__(self, home: Path, url: str, *, has_secret: bool = True) -> None:
        (home / "secret").write_text(f"{SECRET}\n")
        (home / "access").mkdir()
        (home / "metrics").mkdir()
        (home / "audit-key").write_text("0" * 64)
        oidc = ProviderSettings(
            url=url,
            client_id=CLIENT_ID,
            secret_file=str(home / "secret") if has_secret else "",
            scopes=("openid", "profile", "groups"),
        )
        roles = GroupRoles.parse("desk=viewer+operator,support=monitor")
        self.start(Settings(home=home, access="oidc", oidc=oidc, public_url=PAGE, group_roles=roles))

    def start(self, settings: Settings) -> None:
        """Start the application."""
        self.settings = settings
        self.app = create_app(settings, lambda: MemoryQueue(Broker()), setup("api"))
        self.sign_on: SingleSignOn = self.app.extensions["single-sign-on"]
        self.sign_on.discovery.step()

    def browser(self) -> Client:
        """Give a client with cookies of its own."""
        return self.app.test_client()

    def restarted(self, **changes: Any) -> Api:
        """Start another application in the same home, with some settings changed."""
        self.app.extensions["store"].close()
        later = copy(self)
        later.start(replace(self.settings, **changes))
        return later

    def taking_over(self, browser: Client) -> Client:
        """Give a client with the cookies of another one."""
        own = self.browser()
        own._cookies = browser._cookies  # noqa: SLF001
        return own

    def age(self, seconds: float) -> None:
        """Let all grants be older."""
        for name in self.settings.grants.iterdir():
            grant = msgspec.json.decode(name.read_bytes())
            checked = grant["checked"] - seconds
            name.write_bytes(msgspec.json.encode(grant | {"checked": checked}))
            os.utime(name, (checked, checked))


def start(browser: Client, path: str = "/api/session/login") -> str:
    """Begin a login. Return the provider's address."""
    response = browser.get(path, headers={"X-Forwarded-For": "192.0.2.1"})
    assert response.status_code == 303
    return response.headers["Location"]


def finish(browser: Client, back: str) -> TestResponse:
    """Let a browser come back from the provider."""
    return browser.get(back.removeprefix(PAGE), headers={"X-Forwarded-For": "192.0.2.1"})


def log_in(browser: Client, user: str = "alice", path: str = "/api/session/login") -> TestResponse:
    return finish(browser, Visitor().log_in(start(browser, path), user, PAGE))


def json_of(response: TestResponse) -> dict[str, Any]:
    """Return the object in an answer."""
    assert isinstance(response.json, dict)
    return response.json


def reason(response: TestResponse) -> str:
    """Return the reason that the page shows for a failed login."""
    assert response.status_code == 303
    return response.headers["Location"].partition("#login=")[2]


@pytest.fixture(scope="module")
def running() -> Iterator[Provider]:
    with provider(PAGE) as started:
        yield started


@pytest.fixture
def api(home: Path, running: Provider) -> Api:
    running.set_users(alice=DESK)
    return Api(home, running.url)


def test_a_person_logs_in_at_the_provider_sees_who_it_is_and_logs_out(api: Api, running: Provider) -> None:
    browser = api.browser()
    assert browser.get("/api/session").status_code == 401
    response = log_in(browser, path="/api/session/login?return=/trade/x?country%3DGB")
    assert response.headers["Location"] == f"{PAGE}/trade/x?country=GB"
    who = json_of(browser.get("/api/session"))
    assert ALICE.fullmatch(who["name"])
    assert who["roles"] == ["operator", "viewer"]
    assert browser.get("/api/dead-letters").status_code == 200
    assert browser.get("/metrics").status_code == 403
    left = json_of(browser.delete("/api/session", headers=OWN))
    leave = urlsplit(left["continueAt"])
    assert (left["ended"], f"{leave.scheme}://{leave.netloc}{leave.path}") == (1, f"{running.url}/session/end")
    assert parse_qs(leave.query).keys() == {"id_token_hint", "client_id", "post_logout_redirect_uri"}
    assert browser.get("/api/session").status_code == 401
    [login] = audited(api.settings.home, "login")
    assert (login["actor"], login["role"], login["result"]) == (who["name"], "operator,viewer", "done")


def test_the_request_to_the_provider_has_pkce_state_and_nonce(api: Api) -> None:
    first, second = (parse_qs(urlsplit(start(api.browser())).query) for _ in range(2))
    assert first["code_challenge_method"] == ["S256"]
    assert first["redirect_uri"] == [f"{PAGE}/api/session/callback"]
    assert first["scope"] == ["openid profile groups"]
    for name in ("code_challenge", "state", "nonce"):
        assert len(first[name][0]) == 43
        assert first[name] != second[name]


@pytest.mark.parametrize("has_secret", [True, False])
@pytest.mark.parametrize("groups_in_token", [True, False])
@pytest.mark.parametrize("refreshes", [True, False])
def test_every_kind_of_client_logs_in_and_is_confirmed_until_the_user_is_disabled(
    home: Path, *, has_secret: bool, groups_in_token: bool, refreshes: bool
) -> None:
    with provider(PAGE, has_secret=has_secret, refreshes=refreshes, groups_in_token=groups_in_token) as running:
        api = Api(home, running.url, has_secret=has_secret)
        browser = api.browser()
        log_in(browser)
        for _ in range(2):
            api.age(RENEW_SECONDS)
            api.sign_on.renewer.step()
            assert browser.get("/api/session").status_code == 200
        api.age(RENEW_SECONDS)
        running.set_users()
        api.sign_on.renewer.step()
        assert api.sign_on.renewer.fault == ""
        assert browser.get("/api/session").status_code == 401
        assert list(api.settings.grants.iterdir()) == []
        [ended] = audited(api.settings.home, "session-ended")
        assert ALICE.fullmatch(ended["actor"])


def test_roles_follow_the_groups_at_each_renewal(api: Api, running: Provider) -> None:
    browser = api.browser()
    log_in(browser)
    running.set_users(alice={"groups": ["support"]})
    api.age(RENEW_SECONDS)
    api.sign_on.renewer.step()
    who = json_of(browser.get("/api/session"))
    assert who["roles"] == ["monitor"]
    running.set_users(alice={"groups": ["skiers"]})
    api.age(RENEW_SECONDS)
    api.sign_on.renewer.step()
    assert browser.get("/api/session").status_code == 401


def test_a_session_that_the_provider_has_not_confirmed_for_ten_minutes_waits_for_it(home: Path) -> None:
    port = free_port()
    with provider(PAGE, port) as running:
        api = Api(home, running.url)
        browser = api.browser()
        log_in(browser)
        api.age(RENEW_SECONDS)
    api.sign_on.renewer.step()
    assert "refused" in api.sign_on.silence()
    assert browser.get("/api/session").status_code == 200
    api.age(CONFIRMED_SECONDS - RENEW_SECONDS)
    refused = browser.get("/api/session")
    assert (refused.status_code, json_of(refused)["errors"][0]["code"]) == (503, "unconfirmed")
    assert reason(browser.get("/api/session/callback")) == "unknown"
    assert list((api.settings.sessions / "open").iterdir()) != []


@pytest.mark.parametrize("seconds", [RENEW_SECONDS, 2 * CONFIRMED_SECONDS])
@pytest.mark.parametrize("is_known", [True, False])
def test_a_logout_ends_the_session_at_once_while_the_provider_is_away_and_says_that_the_login_goes_on_there(
    home: Path, seconds: float, *, is_known: bool
) -> None:
    port = free_port()
    with provider(PAGE, port) as running:
        before = Api(home, running.url)
        browser, other = before.browser(), before.browser()
        log_in(browser)
        log_in(other)
        before.age(seconds)
    api = before
    if is_known:  # it has failed since
        api.sign_on.discovery.step()
    else:  # the stack was started while the provider was away
        api = before.restarted()
        browser, other = api.taking_over(browser), api.taking_over(other)
    response = browser.delete("/api/session", headers=OWN)
    assert (response.status_code, response.json) == (200, {"ended": 1, "goesOnAt": f"localhost:{port}"})
    assert [line for line in response.headers.getlist("Set-Cookie") if "Max-Age=0" in line]
    assert browser.get("/api/session").status_code == 401
    for folder in ("open", "granted"):
        assert len(list((api.settings.sessions / folder).iterdir())) == 1
    [record] = audited(home, "logout")
    assert (ALICE.fullmatch(record["actor"]) is not None, record["result"]) == (True, "done")
    assert other.delete("/api/session", headers={"Origin": "https://evil.example"}).status_code == 403
    assert len(list((api.settings.sessions / "open").iterdir())) == 1
    with provider(PAGE, port):
        api.sign_on.discovery.step()
        api.sign_on.renewer.step()
        assert browser.get("/api/session").status_code == 401


def test_a_person_without_a_role_logs_out(api: Api) -> None:
    browser = api.browser()
    log_in(browser)
    later = api.restarted(group_roles=GroupRoles.parse("support=monitor"))
    browser = later.taking_over(browser)
    assert browser.get("/api/session").status_code == 403
    assert json_of(browser.delete("/api/session", headers=OWN))["ended"] == 1
    assert browser.get("/api/session").status_code == 401


@pytest.mark.parametrize(
    ("claims", "expected"),
    [({}, "no-groups"), ({"groups": "skiers"}, "no-role"), ({"groups": ["Desk", ["desk"], 7]}, "no-role")],
)
def test_a_person_without_a_group_that_has_a_role_does_not_get_in(
    api: Api, running: Provider, claims: dict[str, object], expected: str
) -> None:
    running.set_users(alice=claims)
    browser = api.browser()
    assert reason(log_in(browser)) == expected
    assert browser.get("/api/session").status_code == 401


def test_a_person_who_says_no_at_the_provider_sees_that(api: Api) -> None:
    browser = api.browser()
    visitor = Visitor()
    form = visitor.open(f"{api.settings.oidc.url}{visitor.open(start(browser)).location}").text
    [abort] = re.findall(r'href="([^"]+/abort)"', form)
    back = visitor.open(visitor.open(abort).location).location
    assert reason(finish(browser, back)) == "denied"


def test_an_answer_counts_once_in_the_browser_that_asked_and_with_its_state(api: Api) -> None:
    browser, other = api.browser(), api.browser()
    back = Visitor().log_in(start(browser), "alice", PAGE)
    assert reason(finish(other, back)) == "unknown"
    start(other)
    assert reason(finish(other, back)) == "unknown"
    assert reason(finish(browser, back)) == ""
    assert reason(finish(browser, back)) == "unknown"


def test_a_wrong_state_uses_the_login_up(api: Api) -> None:
    browser = api.browser()
    back = Visitor().log_in(start(browser), "alice", PAGE)
    changed = re.sub("state=[^&]+", "state=x", back)
    assert reason(finish(browser, changed)) == "unknown"
    assert reason(finish(browser, back)) == "unknown"


def test_a_code_of_another_login_is_refused(api: Api) -> None:
    first, second = api.browser(), api.browser()
    backs = [Visitor().log_in(start(each), "alice", PAGE) for each in (first, second)]
    [code] = re.findall("code=([^&]+)", backs[0])
    assert reason(finish(second, re.sub("code=[^&]+", f"code={code}", backs[1]))) == "refused"


@pytest.mark.parametrize("change", ["iss=https://evil.example", ""])
def test_an_answer_of_another_provider_is_refused(api: Api, change: str) -> None:
    browser = api.browser()
    back = Visitor().log_in(start(browser), "alice", PAGE)
    assert reason(finish(browser, re.sub("iss=[^&]+", change, back))) == "refused"


def test_each_login_has_a_session_of_its_own_and_ends_that_of_before(api: Api) -> None:
    browser = api.browser()
    seen = []
    for _ in range(2):
        log_in(browser)
        [cookie] = [each for each in browser._cookies.values() if "session" in each.key]  # type: ignore[union-attr]  # noqa: SLF001
        seen.append(cookie.value)
    assert seen[0] != seen[1]
    assert len(list((api.settings.sessions / "open").iterdir())) == 1


def test_everywhere_ends_the_sessions_of_all_browsers(api: Api) -> None:
    first, second = api.browser(), api.browser()
    log_in(first)
    log_in(second)
    left = json_of(first.delete("/api/session?everywhere", headers=OWN))
    assert left["ended"] == 2
    assert second.get("/api/session").status_code == 401


def test_a_session_of_another_client_of_the_provider_does_not_count(api: Api) -> None:
    browser = api.browser()
    log_in(browser)
    other = api.restarted(oidc=replace(api.settings.oidc, client_id="other"))
    assert other.taking_over(browser).get("/api/session").status_code == 401


@pytest.mark.parametrize("path", ["/api/session/login", "/api/session/callback?state=x&code=y"])
@pytest.mark.parametrize(
    "sent",
    [
        {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
        {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
        {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"},
        {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Purpose": "prefetch"},
    ],
)
def test_what_a_page_loads_begins_and_ends_no_login(api: Api, path: str, sent: dict[str, str]) -> None:
    api.app.extensions["refusals"].spawn = lambda run: run()
    browser = api.browser()
    back = Visitor().log_in(start(browser), "alice", PAGE)
    for _ in range(PER_CLIENT_MAX):
        response = api.browser().get(path, headers=sent | {"X-Forwarded-For": "192.0.2.1"})
        assert (response.status_code, response.headers.getlist("Set-Cookie")) == (403, [])
    assert reason(finish(browser, back)) == ""
    assert [record["result"] for record in audited(api.settings.home, "login")] == ["done"]


def test_a_person_who_goes_to_the_address_from_any_site_begins_a_login(api: Api) -> None:
    sent = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "cross-site"}
    assert api.browser().get("/api/session/login", headers=sent).status_code == 303


def test_a_stranger_keeps_no_other_address_from_logging_in_while_the_provider_is_slow(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_over, asked = Event(), Semaphore(0)
    exchange = ProviderClient.exchange

    def slow(client: ProviderClient, code: str, verifier: str) -> Tokens:
        if code == "invented":
            asked.release()
            assert is_over.wait(TIMEOUT_SECONDS)
        return exchange(client, code, verifier)

    monkeypatch.setattr(ProviderClient, "exchange", slow)

    def attack() -> str:
        stranger = api.browser()
        stranger.get("/api/session/login", headers={"X-Forwarded-For": "198.51.100.7"})
        [secret] = [each.value for each in stranger._cookies.values()]  # type: ignore[union-attr]  # noqa: SLF001
        state = api.sign_on._pending._by_secret[secret].state  # noqa: SLF001 - the provider would tell it
        path = f"/api/session/callback?state={state}&code=invented&iss={api.settings.oidc.url}"
        return reason(stranger.get(path))

    with ThreadPoolExecutor(16) as pool:
        attacks = [pool.submit(attack) for _ in range(16)]
        assert all(asked.acquire(timeout=TIMEOUT_SECONDS) for _ in range(AT_ONCE_MAX // 2))
        assert reason(log_in(api.browser())) == ""
        assert not asked.acquire(blocking=False)
        busy = len(attacks) - AT_ONCE_MAX // 2 - AT_ONCE_MAX  # half of the places, and the queue, are the stranger's
        wait_until(lambda: sum(each.done() for each in attacks) == busy, "all others are refused")
        is_over.set()
        reasons = Counter(each.result(TIMEOUT_SECONDS) for each in attacks)
    assert reasons == {"refused": len(attacks) - busy, "busy": busy}


def test_with_a_provider_no_password_counts(api: Api) -> None:
    response = api.browser().post("/api/session", json={"name": "alice", "password": "x"}, headers=OWN)
    assert response.status_code == 404


@pytest.mark.parametrize(
    "path",
    ["https://evil.example/", "evil.example", "", "/api/session/login", "/a b", "/é", "/a\r\nX: y", f"/{'x' * 2000}"],
)
def test_the_browser_goes_to_no_other_place_afterwards(api: Api, path: str) -> None:
    response = api.browser().get("/api/session/login", query_string={"return": path})
    assert (response.status_code, json_of(response)["errors"][0]["code"]) == (400, "not-a-path")


@pytest.mark.parametrize("path", ["//evil.example/", "/@evil.example", "/.evil.example"])
def test_a_path_that_looks_like_a_host_is_a_path_of_the_page(api: Api, path: str) -> None:
    browser = api.browser()
    begun = browser.get("/api/session/login", query_string={"return": path})
    response = finish(browser, Visitor().log_in(begun.headers["Location"], "alice", PAGE))
    assert response.headers["Location"] == f"{PAGE}{path}"


def test_the_login_is_bound_to_a_cookie_that_scripts_and_other_sites_can_not_use(api: Api) -> None:
    begun = api.browser().get("/api/session/login")
    [line] = begun.headers.getlist("Set-Cookie")
    assert re.fullmatch(r"tradewire-login-[0-9a-f]{16}=[\w-]{43}; Path=/; HttpOnly; SameSite=Lax; Max-Age=600", line), (
        line
    )
    assert begun.headers["Cache-Control"] == "no-store"


def test_refused_callbacks_of_a_stranger_keep_no_others_from_being_recorded(api: Api) -> None:
    api.app.extensions["refusals"].spawn = lambda run: run()
    for client in ["198.51.100.7"] * 100 + ["192.0.2.1"]:
        response = api.browser().get("/api/session/callback?state=x&code=y", headers={"X-Forwarded-For": client})
        assert reason(response) == "unknown"
    clients = Counter(record["from"] for record in audited(api.settings.home, "login"))
    assert clients == {"198.51.100.7": refusals.BURST, "192.0.2.1": 1}


def test_a_failed_login_is_in_the_log_and_in_the_trail(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    api.app.extensions["refusals"].spawn = lambda run: run()
    assert reason(api.browser().get("/api/session/callback?state=x&code=y")) == "unknown"
    [login] = audited(api.settings.home, "login")
    assert (login["actor"], login["result"], login["details"]) == ("", "refused", {"reason": "unknown"})
    assert "'result': 'unknown'" in caplog.text
