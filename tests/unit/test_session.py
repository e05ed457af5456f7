"""/api/session: people log in and out, and a session counts like a key, but only for the stack's own page."""

from __future__ import annotations

import re
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from api.access import login
from api.app import create_app
from api.http.auth import ROUTES
from tests.support import TUBES, audited
from tradewire.access import cookie, key_file, password, user
from tradewire.access import key as access_key
from tradewire.access.key import Role
from tradewire.logging import setup
from tradewire.queue.memory import Broker, MemoryQueue
from tradewire.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from prometheus_client import CollectorRegistry
    from werkzeug.test import Client, TestResponse

RIGHT = "correct horse battery"
HASH = password.hashed(RIGHT)
OWN = {"Origin": "http://localhost"}
REFUSED = {401, 403}


class Api:
    """An application with users."""

    def __init__(self, home: Path, access: str = "keys", public_url: str = "") -> None:
        self.settings = Settings(home=home, access=access, public_url=public_url)
        (home / "access").mkdir()
        (home / "metrics").mkdir()
        self.app = create_app(self.settings, lambda: MemoryQueue(Broker()), setup("api"))

    def set_user(self, name: str, *roles: Role, stored: str = HASH) -> None:
        """Add a user, or change the roles."""
        with user.FILE.changing(self.settings.users, None) as users:
            old = [each for each in users if each.name == name]
            users[:] = [each for each in users if each.name != name]
            users.append(old[0].with_roles(roles) if old else user.make(name, roles, stored, now=1))

    def browser(self) -> Client:
        """Give a client with cookies of its own."""
        return self.app.test_client()


@pytest.fixture
def api(home: Path, registry: CollectorRegistry) -> Api:
    assert registry is not None
    made = Api(home)
    made.set_user("alice", Role.VIEWER, Role.OPERATOR)
    return made


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Give the clock of the delays, which stands still."""
    now = [1000.0]
    monkeypatch.setattr("api.access.login.time.monotonic", lambda: now[0])
    return now


def log_in(
    browser: Client, name: str = "alice", secret: str = RIGHT, client: str = "192.0.2.1", origin: str = OWN["Origin"]
) -> TestResponse:
    """Send a name and a password, as the page does."""
    sent = {"name": name, "password": secret}
    return browser.post("/api/session", json=sent, headers={"Origin": origin, "X-Forwarded-For": client})


def cookies_of(response: TestResponse) -> dict[str, str]:
    """Give the attributes of each cookie that a response sets, by the kind of the cookie."""
    found = {}
    for line in response.headers.getlist("Set-Cookie"):
        name, _, attributes = line.partition(";")
        [kind] = re.findall(r"tradewire-(session|known)-[0-9a-f]{16}=", name)
        found[kind] = attributes.strip()
    return found


def detail(response: TestResponse) -> str:
    assert response.json is not None
    return str(response.json["errors"][0]["detail"])


def test_a_user_logs_in_sees_who_it_is_and_logs_out(api: Api) -> None:
    browser = api.browser()
    assert browser.get("/api/session").status_code == 401
    who = {"name": "alice", "roles": ["operator", "viewer"]}
    assert (log_in(browser).json, browser.get("/api/session").json) == (who, who)
    assert browser.get("/api/stats").status_code not in REFUSED
    response = browser.delete("/api/session", headers=OWN)
    assert (response.status_code, response.json) == (200, {"ended": 1})
    assert cookies_of(response) == {"session": "Path=/; HttpOnly; SameSite=Strict; Max-Age=0"}
    assert browser.get("/api/session").status_code == 401


def test_a_session_opens_the_routes_of_the_users_roles_and_no_others(api: Api) -> None:
    browser = api.browser()
    log_in(browser)
    for (method, path), roles in ROUTES.items():
        if roles and (method, path) != ("DELETE", "/api/session"):
            target = path.format(message_id="x", tube=TUBES[0], dead_letter_id="1")
            refused = browser.open(target, method=method, headers=OWN).status_code in REFUSED
            assert refused == roles.isdisjoint({Role.VIEWER, Role.OPERATOR}), path
    assert detail(browser.get("/metrics")) == "alice needs the role monitor."


def test_a_user_whose_role_is_taken_has_it_no_more(api: Api) -> None:
    browser = api.browser()
    log_in(browser)
    assert browser.get("/api/dead-letters").status_code == 200
    api.set_user("alice", Role.VIEWER)
    api.browser().post("/api/session", json={"name": "x", "password": "x"})  # looks at the file at once
    assert browser.get("/api/dead-letters").status_code == 403


def test_the_cookie_of_a_session_is_for_this_stack_alone_and_no_script_can_read_it(api: Api) -> None:
    assert cookies_of(log_in(api.browser())) == {
        "session": "Path=/; HttpOnly; SameSite=Strict",
        "known": f"Path=/; HttpOnly; SameSite=Strict; Max-Age={login.KNOWN_SECONDS}",
    }


def test_over_https_the_cookies_are_secure_and_of_this_host_alone(home: Path, registry: CollectorRegistry) -> None:
    assert registry is not None
    api = Api(home, public_url="https://trades.example")
    api.set_user("alice", Role.VIEWER)
    response = log_in(api.browser(), origin="https://trades.example")
    assert cookies_of(response)["session"] == "Path=/; HttpOnly; SameSite=Lax; Secure"
    assert all(line.startswith("__Host-tradewire-") for line in response.headers.getlist("Set-Cookie"))


def test_with_tls_of_its_own_the_cookies_are_secure_too(home: Path) -> None:
    settings = Settings(home=home, tls_cert="/certificate.pem", tls_key="/key.pem")
    name = cookie.name_of("session", settings)
    assert name.startswith("__Host-tradewire-session-")
    assert cookie.setting(name, "x", settings) == f"{name}=x; Path=/; HttpOnly; SameSite=Lax; Secure"


def test_below_a_path_the_cookies_are_for_this_path_alone(home: Path, registry: CollectorRegistry) -> None:
    assert registry is not None
    api = Api(home, public_url="https://trades.example/tw")
    api.set_user("alice", Role.VIEWER)
    response = log_in(api.browser(), origin="https://trades.example")
    assert cookies_of(response)["session"] == "Path=/tw/; HttpOnly; SameSite=Lax; Secure"
    assert all(line.startswith("__Secure-tradewire-") for line in response.headers.getlist("Set-Cookie"))


@pytest.mark.parametrize(
    ("public_url", "origin", "there"),
    [
        ("https://trades.example", "http://localhost", "at https://trades.example/"),
        ("https://trades.example/tw", "https://localhost", "at https://trades.example/tw/"),
        ("http://intranet/tw", "http://localhost", "at http://intranet/tw/"),
        ("http://intranet", "http://localhost", ""),
        ("https://trades.example", "https://localhost", ""),
    ],
)
def test_where_browsers_would_not_send_the_cookie_back_the_answer_names_the_address_to_log_in_at(
    home: Path, registry: CollectorRegistry, public_url: str, origin: str, there: str
) -> None:
    assert registry is not None
    api = Api(home, public_url=public_url)
    api.set_user("alice", Role.VIEWER)
    response = log_in(api.browser(), origin=origin)
    if there:
        assert (response.status_code, response.headers.getlist("Set-Cookie")) == (403, [])
        assert detail(response).startswith(f"Log in {there}: ")
    else:
        assert response.status_code == 200


@pytest.mark.parametrize("access", ["keys", "open"])
@pytest.mark.parametrize(
    ("site", "is_refused"), [("cross-site", True), ("same-site", True), ("same-origin", False), ("none", False)]
)
def test_a_link_on_another_site_reaches_no_answer_of_the_api(
    home: Path, registry: CollectorRegistry, access: str, site: str, *, is_refused: bool
) -> None:
    assert registry is not None
    api = Api(home, access)
    browser = api.browser()
    if access == "keys":
        api.set_user("alice", *Role)
        log_in(browser)
    for (method, path), roles in ROUTES.items():
        if method == "GET" and roles and (access == "keys" or Role.VIEWER in roles):
            target = path.format(message_id="x")
            response = browser.get(target, headers={"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate"})
            assert (response.status_code == 403) == is_refused, path
            assert not is_refused or detail(response).startswith("A page of another site sent this request.")


@pytest.mark.parametrize(
    ("headers", "is_own"),
    [
        ({}, False),
        ({"Origin": "http://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "http://localhost:81"}, False),
        (OWN, True),
        ({"Origin": "https://localhost"}, True),  # a proxy in front may add TLS
    ],
)
def test_with_a_session_nothing_is_changed_unless_the_own_page_asks_for_it(
    api: Api, headers: dict[str, str], *, is_own: bool
) -> None:
    browser = api.browser()
    log_in(browser)
    for (method, path), roles in ROUTES.items():
        if method != "GET" and Role.OPERATOR in roles and path != "/api/session":
            target = path.format(tube=TUBES[0], dead_letter_id="1")
            response = browser.open(target, method=method, headers=headers)
            assert (response.status_code != 403) == is_own, path
    response = browser.delete("/api/session", headers=headers)
    assert (response.status_code == 200) == is_own


def test_no_page_of_another_site_logs_anyone_in(api: Api) -> None:
    sent = {"name": "alice", "password": RIGHT}
    for foreign in ("http://evil.example", "null"):
        response = api.browser().post("/api/session", json=sent, headers={"Origin": foreign})
        assert (response.status_code, response.headers.getlist("Set-Cookie")) == (403, [])
    assert api.browser().post("/api/session", json=sent).status_code == 200  # a program


def test_a_wrong_name_and_a_wrong_password_have_the_same_answer_and_the_same_check(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []
    verify = password._HASHER.verify  # noqa: SLF001 - its cost is the same, whatever it verifies

    def noted(_: object, stored: str, sent: str) -> bool:
        checked.append(stored.rsplit("$", 2)[0])
        return verify(stored, sent)

    monkeypatch.setattr(type(password._HASHER), "verify", noted)  # noqa: SLF001 - as above
    wrong = [log_in(api.browser(), "alice", "wrong"), log_in(api.browser(), "nobody", RIGHT)]
    assert [response.status_code for response in wrong] == [401, 401]
    assert wrong[0].data == wrong[1].data
    assert wrong[0].headers.getlist("Set-Cookie") == []
    assert len(checked) == 2
    assert checked[0] == checked[1]


def test_after_five_failures_a_name_waits_whether_it_exists_or_not_and_the_delay_grows(
    api: Api, clock: list[float]
) -> None:
    for name in ("alice", "nobody"):
        browser = api.browser()
        statuses = [log_in(browser, name, "wrong", f"192.0.2.{number}").status_code for number in range(6)]
        assert statuses == [401] * 5 + [429]
        response = log_in(browser, name, RIGHT, "192.0.2.9")
        assert (response.status_code, response.headers["Retry-After"]) == (429, "1")
        assert detail(response) == "Too many attempts to log in have failed. Try again in 1 s."
        clock[0] += 1
        assert log_in(browser, name, "wrong", "192.0.2.10").status_code == 401
        assert log_in(browser, name, "wrong", "192.0.2.11").headers["Retry-After"] == "2"
    clock[0] += login.NAME_DELAY_MAX  # a stranger locks nobody out for good
    assert log_in(api.browser(), client="192.0.2.12").status_code == 200


def test_a_stranger_who_fails_does_not_keep_a_user_out_of_a_browser_that_is_known(api: Api) -> None:
    known = api.browser()
    log_in(known)
    known.delete("/api/session", headers=OWN)
    for number in range(20):
        log_in(api.browser(), "alice", "wrong", f"192.0.2.{number}")
    assert log_in(api.browser(), client="198.51.100.7").status_code == 429
    assert log_in(known).status_code == 200


def test_a_browser_is_known_again_after_a_log_in_with_a_new_password(api: Api) -> None:
    browser = api.browser()
    assert "known" in cookies_of(log_in(browser))
    assert "known" not in cookies_of(log_in(browser))
    with user.FILE.changing(api.settings.users, None) as users:
        users[:] = [each.with_password(HASH) for each in users]
    assert "known" in cookies_of(log_in(browser))
    assert "known" not in cookies_of(log_in(browser))


def test_a_known_browser_is_delayed_by_its_own_failures(api: Api) -> None:
    known = api.browser()
    log_in(known)
    statuses = [log_in(known, "alice", "wrong").status_code for _ in range(6)]
    assert statuses == [401] * 5 + [429]
    assert log_in(api.browser(), client="198.51.100.7").status_code == 200


def test_a_client_is_delayed_whatever_names_it_tries(api: Api) -> None:
    statuses = [log_in(api.browser(), f"user-{number}", "wrong").status_code for number in range(11)]
    assert statuses == [401] * 10 + [429]
    assert log_in(api.browser()).status_code == 429
    assert log_in(api.browser(), client="198.51.100.7").status_code == 200


def test_log_ins_at_once_are_bounded_and_the_others_are_told_to_come_back(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    statuses: list[int] = []
    nested: list[int] = []

    def held_up(*_: object) -> bool:
        nested.append(len(nested))
        while len(statuses) < 4:  # those that are refused end first
            pass
        return False

    monkeypatch.setattr(password, "matches", held_up)
    admitted = login.CHECKS_MAX + login.WAITING_MAX

    def attempt(number: int) -> None:
        statuses.append(log_in(api.browser(), f"user-{number}", "x", f"192.0.2.{number}").status_code)

    threads = [Thread(target=attempt, args=(number,)) for number in range(admitted + 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [401] * admitted + [503] * 4


def test_logging_out_everywhere_ends_all_sessions_of_the_user_and_no_others(api: Api) -> None:
    api.set_user("bob", Role.VIEWER)
    first, second, other = api.browser(), api.browser(), api.browser()
    log_in(first)
    log_in(second)
    log_in(other, "bob")
    assert first.delete("/api/session?everywhere", headers=OWN).json == {"ended": 2}
    assert [browser.get("/api/session").status_code for browser in (first, second, other)] == [401, 401, 200]


def test_logging_in_again_ends_the_session_of_the_same_browser(api: Api) -> None:
    browser = api.browser()
    log_in(browser)
    [before] = [each for each in (browser._cookies or {}).values() if "session" in each.key]  # noqa: SLF001 - no public way
    log_in(browser)
    thief = api.browser()
    thief.set_cookie(before.key, before.value)
    assert thief.get("/api/session").status_code == 401


@pytest.mark.parametrize("change", ["password", "logout", "remove"])
def test_another_password_a_forced_log_out_and_a_removal_end_all_sessions(api: Api, change: str) -> None:
    browser = api.browser()
    log_in(browser)
    with user.FILE.changing(api.settings.users, None) as users:
        old = users.pop()
        if change != "remove":
            users.append(old.with_password(HASH) if change == "password" else old.logged_out())
    log_in(api.browser(), "nobody", "x")  # looks at the file at once
    assert browser.get("/api/session").status_code == 401


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"name":"alice"}', b'{"name":1,"password":"x"}', b'{"name":"\xff","password":"x"}',
             b'{"name":"alice","password":"' + b"x" * 1025 + b'"}']
)  # fmt: skip
def test_a_body_without_a_name_and_a_password_is_refused_and_not_repeated(api: Api, body: bytes) -> None:
    response = api.browser().post("/api/session", data=body, headers=OWN)
    assert response.status_code == 400
    assert "xxx" not in response.text


def test_a_key_says_who_it_is_and_has_no_session_to_end(api: Api) -> None:
    key, token = access_key.make("desk", [Role.VIEWER], now=0, slot=0)
    with key_file.changing(api.settings.keys, None) as keys:
        keys.append(key)
    browser = api.browser()
    assert browser.get("/api/session", headers={"X-API-Key": token}).json == {"name": "desk", "roles": ["viewer"]}
    assert browser.delete("/api/session", headers={"X-API-Key": token}).status_code == 404


def test_a_wrong_key_beside_a_session_is_refused(api: Api) -> None:
    browser = api.browser()
    log_in(browser)
    assert browser.get("/api/session", headers={"X-API-Key": "tw_x"}).status_code == 401


def test_with_open_access_there_is_nothing_to_log_in_to(home: Path, registry: CollectorRegistry) -> None:
    assert registry is not None
    browser = Api(home, "open").browser()
    assert log_in(browser).status_code == 404
    who: Any = browser.get("/api/session").json
    assert (who["name"], "viewer" in who["roles"]) == ("", True)
    assert browser.delete("/api/session", headers=OWN).status_code == 404


def test_the_log_has_each_attempt_and_neither_a_password_nor_a_name_that_does_not_exist(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    setup("api")
    log_in(api.browser())
    log_in(api.browser(), "alice", "wrong-password")
    log_in(api.browser(), "typed-password", "x")
    written = capsys.readouterr().err
    assert re.findall(r"event=log-in.*?result=(\w+)", written) == ["ok", "refused", "refused"]
    assert written.count("user=alice") == 2
    for secret in (RIGHT, "wrong-password", "typed-password"):
        assert secret not in written


def test_the_audit_trail_has_each_attempt_and_neither_a_password_nor_a_name_that_does_not_exist(api: Api) -> None:
    api.app.extensions["refusals"].spawn = lambda run: run()
    log_in(api.browser())
    log_in(api.browser(), "alice", "wrong-password")
    log_in(api.browser(), "typed-password", "x")
    records = audited(api.settings.home)
    assert [(each["action"], each["actor"], each["role"], each["result"]) for each in records] == [
        ("login", "alice", "operator,viewer", "done"),
        ("login", "alice", "operator,viewer", "refused"),
        ("login", "", "", "refused"),
    ]
    assert [each["details"] for each in records] == [{}, {"reason": "refused"}, {"reason": "refused"}]
    text = api.settings.audit.read_text()
    assert not any(secret in text for secret in (RIGHT, "wrong-password", "typed-password"))


def test_no_session_begins_if_the_trail_takes_no_record(api: Api) -> None:
    api.settings.audit.parent.mkdir(exist_ok=True)
    api.settings.audit.mkdir()
    browser = api.browser()
    refused = log_in(browser)
    assert (refused.status_code, "Set-Cookie" in refused.headers) == (503, False)
    assert browser.get("/api/session").status_code == 401
