"""What the API records in the audit trail, and how admins read it."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from api.app import create_app
from api.http import audit as request_trail
from api.http.audit import RequestTrail
from api.http.auth import NAME_HEADER, Access
from api.query.exports import recorded_parameters
from tests.support import TUBES, audited, example, wait_until
from tests.unit.helpers import event_id, event_json
from tradewire.access import key as access_key
from tradewire.access import key_file, password, user
from tradewire.access.key import Role
from tradewire.audit import reading, refusals
from tradewire.audit.refusals import Refusals
from tradewire.audit.trail import Entry, Trail
from tradewire.logging import setup
from tradewire.queue import Rejected
from tradewire.queue.memory import Broker, MemoryQueue
from tradewire.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from prometheus_client import CollectorRegistry
    from werkzeug.test import TestResponse

TUBE = TUBES[0]
FROM_NGINX = {"X_Forwarded_For": "10.0.0.7", "X_Request_ID": "abc"}


class Api:
    """An application whose requests need keys, with an operator and an admin."""

    def __init__(self, home: Path) -> None:
        self.settings = Settings(home=home, access="keys")
        for name in ("access", "metrics"):
            (home / name).mkdir()
        self.queue = MemoryQueue(Broker())
        self.app = create_app(self.settings, lambda: self.queue, setup("api"))
        self.app.extensions["refusals"].spawn = lambda run: run()  # at once
        self.trail = Trail(self.settings.audit, self.settings.audit_key)
        self.operator, self.admin = (self.token(role) for role in (Role.OPERATOR, Role.ADMIN))

    def token(self, role: Role, rate: int = 0) -> str:
        """Make a key, named after its role. Return its token."""
        with key_file.changing(self.settings.keys, None) as keys:
            key, token = access_key.make(f"the-{role}", [role], now=0, slot=len(keys), rate=rate)
            keys.append(key)
        return token

    def call(self, method: str, path: str, token: str, /, body: Any = None, **headers: str) -> TestResponse:
        """Send a request with a key, as nginx passes it on."""
        named = {name.replace("_", "-"): value for name, value in (FROM_NGINX | headers).items()}
        with self.app.test_client(use_cookies=False) as client:
            credentials = {"X-API-Key": token} if token else {}
            return client.open(path, method=method, headers=named | credentials, json=body)

    def dead_letter(self, *events: bytes) -> None:
        """Make dead letters of events."""
        for body in events:
            self.queue.put(body, [TUBE])
            [job] = self.queue.reserve(TUBE, 1, 0)
            self.queue.dead_letter(job, [Rejected(body, "because")])

    def letter_ids(self) -> list[str]:
        """Return the ids of the dead letters."""
        return [letter.id for letter in self.queue.dead_letters(TUBE, 100)]

    def records(self, *actions: str) -> list[dict[str, Any]]:
        """Return the records of some actions, or of all."""
        return audited(self.settings.home, *actions)

    def read(self, query: str = "") -> Any:
        """Read the trail as an admin."""
        response = self.call("GET", f"/api/audit{query}", self.admin)
        assert response.status_code == 200, response.text
        return response.json


@pytest.fixture
def api(home: Path, registry: CollectorRegistry) -> Api:
    assert registry is not None
    return Api(home)


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.operations.dead_letter_desk._PAUSES_SECONDS", ())


def shown(*events: bytes, ids: list[str]) -> list[dict[str, Any]]:
    """Return what a record tells of dead letters."""
    return [
        {
            "tube": TUBE,
            "id": id_,
            "event": msgspec.json.decode(body)["id"] if body.startswith(b"{") else None,
            "sha256": sha256(body).hexdigest(),
        }
        for id_, body in zip(ids, events, strict=True)
    ]


# ---- dead letters


def test_a_list_of_dead_letters_is_recorded_with_their_ids_and_a_digest_of_their_content(api: Api) -> None:
    events = [event_json(1), b"no event"]
    api.dead_letter(*events)
    ids = api.letter_ids()
    assert api.call("GET", "/api/dead-letters", api.operator).status_code == 200
    [record] = api.records()
    assert {name: record[name] for name in ("actor", "role", "from", "requestId", "result")} == {
        "actor": "the-operator",
        "role": "operator",
        "from": "10.0.0.7",
        "requestId": "abc",
        "result": "done",
    }
    assert (record["action"], record["details"]) == ("dead-letters-listed", {"letters": shown(*events, ids=ids)})


def test_a_list_that_is_polled_is_recorded_when_it_changes_or_another_asks(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def listed(times: int, token: str = "", **headers: str) -> int:
        for _ in range(times):
            api.call("GET", "/api/dead-letters", token or api.operator, **headers)
        return len(api.records("dead-letters-listed"))

    api.dead_letter(event_json(1))
    assert listed(3) == 1
    api.dead_letter(event_json(2))
    assert listed(3) == 2
    assert listed(3, X_Forwarded_For="10.0.0.8") == 3
    monkeypatch.setattr(request_trail, "_REPEATED_SECONDS", 0.0)
    assert listed(1) == 4


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize(
    ("method", "end", "action"), [("POST", "/requeue", "dead-letters-requeued"), ("DELETE", "", "dead-letters-deleted")]
)
def test_a_dead_letter_is_requeued_or_deleted_between_two_records(api: Api, method: str, end: str, action: str) -> None:
    api.dead_letter(event_json(1))
    [letter_id] = api.letter_ids()
    assert api.call(method, f"/api/dead-letters/{TUBE}/{letter_id}{end}", api.operator).status_code == 200
    begun, done = api.records(action)
    assert (begun["result"], done["result"]) == ("begun", "done")
    assert begun["details"] == done["details"] == {"letters": shown(event_json(1), ids=[letter_id])}
    assert api.call(method, f"/api/dead-letters/{TUBE}/{letter_id}{end}", api.operator).status_code == 404
    assert len(api.records(action)) == 2


@pytest.mark.usefixtures("no_pauses")
def test_all_dead_letters_that_are_requeued_are_recorded(api: Api) -> None:
    events = [event_json(number) for number in range(150)]
    api.dead_letter(*events)
    assert (api.call("POST", "/api/dead-letters/requeue", api.operator).json or {})["requeued"] == 150
    done = [record for record in api.records("dead-letters-requeued") if record["result"] == "done"]
    found = [letter["event"] for record in done for letter in record["details"]["letters"]]
    assert sorted(found) == sorted(event_id(number) for number in range(150))


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/dead-letters"),
        ("POST", f"/api/dead-letters/{TUBE}/ID/requeue"),
        ("POST", "/api/dead-letters/requeue"),
        ("DELETE", f"/api/dead-letters/{TUBE}/ID"),
    ],
)
def test_what_can_not_be_recorded_does_not_happen_and_trades_are_posted(api: Api, method: str, path: str) -> None:
    api.settings.audit.mkdir(parents=True)  # so that it takes no record
    api.dead_letter(event_json(1))
    [letter_id] = api.letter_ids()
    response = api.call(method, path.replace("ID", letter_id), api.operator)
    assert response.status_code == 503
    assert "the audit trail can't be written: Is a directory" in response.text
    assert event_id(1) not in response.text
    assert api.letter_ids() == [letter_id]
    assert api.queue.counts(TUBE).ready == 0
    producer = api.token(Role.PRODUCER)
    with api.app.test_client() as client:
        assert client.post("/api/message", data=example(), headers={"X-API-Key": producer}).status_code == 201


def test_an_action_that_fails_is_recorded_as_failed(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    api.dead_letter(event_json(1))
    [letter_id] = api.letter_ids()
    monkeypatch.setattr(MemoryQueue, "discard", lambda *_: False)
    assert api.call("DELETE", f"/api/dead-letters/{TUBE}/{letter_id}", api.operator).status_code == 404
    assert [record["result"] for record in api.records()] == ["begun", "failed"]


# ---- refused credentials


@pytest.mark.parametrize("token", ["tw_0123456789ab_secret", "tw_no-id_secret", "secret"])
def test_refused_credentials_are_recorded_once_for_a_request_and_without_the_secret(api: Api, token: str) -> None:
    assert api.call("GET", "/api/stats", token).status_code == 401
    assert api.call("POST", "/api/message", token).status_code == 401  # in both lanes
    first, second = api.records()
    assert first["details"] == ({"key": "0123456789ab"} if "0123" in token else {})
    assert (second["action"], second["result"], second["from"], second["requestId"]) == (
        "credentials-refused",
        "refused",
        "10.0.0.7",
        "abc",
    )
    assert "secret" not in api.settings.audit.read_text()


def test_requests_without_credentials_are_not_recorded(api: Api) -> None:
    assert api.call("GET", "/api/stats", "").status_code == 401
    assert api.records() == []


def test_what_a_principal_may_not_do_is_recorded_with_the_route_and_without_its_values(api: Api) -> None:
    assert api.call("GET", "/api/message/134259", api.operator).status_code == 403
    assert api.call("POST", "/api/message", api.operator).status_code == 403  # in both lanes
    assert api.call("GET", "/api/messages?format=csv&user=134259", api.token(Role.VIEWER)).status_code == 403
    assert api.call("GET", "/readyz", api.token(Role.VIEWER)).status_code in (200, 503)  # without the components
    first, second, third = api.records()
    assert {name: first[name] for name in ("action", "actor", "role", "from", "requestId", "result")} == {
        "action": "request-refused",
        "actor": "the-operator",
        "role": "",
        "from": "10.0.0.7",
        "requestId": "abc",
        "result": "refused",
    }
    assert first["details"] == {"request": "GET /api/message/{message_id}", "roles": ["operator"], "needs": ["viewer"]}
    assert second["details"] == {"request": "POST /api/message", "roles": ["operator"], "needs": ["producer"]}
    assert third["details"] == {"request": "GET /api/messages", "roles": ["viewer"], "needs": ["exporter"]}
    assert "134259" not in api.settings.audit.read_text()


def test_a_request_of_another_sites_page_with_a_session_is_recorded_and_stays_refused(api: Api) -> None:
    cookie = log_in(api, "alice", Role.OPERATOR)
    for path in ("/api/ledger/settle", "/api/message"):  # the latter passes both lanes
        headers = {"Cookie": cookie, "Host": "own.example", "Origin": "http://evil.example"}
        assert api.call("POST", path, "", **headers).status_code == 403
    records = api.records("request-refused")
    assert [(each["actor"], each["details"]) for each in records] == [
        ("alice", {"request": f"POST {path}", "reason": "origin"}) for path in ("/api/ledger/settle", "/api/message")
    ]


def test_of_many_refusals_few_are_recorded_and_the_next_record_counts_the_others(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(100):
        api.call("GET", "/api/stats", "tw_0123456789ab_x")
    assert len(api.records()) == refusals.BURST
    monkeypatch.setattr(refusals, "_SECONDS_PER_RECORD", 1e9)  # so that there is room for one more
    api.call("GET", "/api/stats", "tw_0123456789ab_x")
    assert api.records()[-1]["details"] == {"key": "0123456789ab", "leftOut": 100 - refusals.BURST}


def test_a_client_keeps_no_refusals_of_another_one_from_being_recorded(home: Path) -> None:
    settings = Settings(home=home)
    found = Refusals(Trail(settings.audit, settings.audit_key))
    found.spawn = lambda run: run()
    for number in range(5 * refusals.BURST):
        for client in ("198.51.100.7", f"2001:db8::{number:x}"):  # the latter are of one network
            found.record(Entry("login", "refused", client=client))
    found.record(Entry("login", "refused", client="192.0.2.1"))
    clients = [record["from"] for record in audited(home)]
    assert len(clients) == 2 * refusals.BURST + 1
    assert (clients.count("198.51.100.7"), clients[-1]) == (refusals.BURST, "192.0.2.1")
    assert audited(home)[-1]["details"] == {"leftOut": 2 * 4 * refusals.BURST}


def test_all_clients_together_have_few_records_and_are_forgotten(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(home=home)
    now = [1000.0]
    monkeypatch.setattr("tradewire.audit.refusals.time.monotonic", lambda: now[0])
    found = Refusals(Trail(settings.audit, settings.audit_key))
    found.spawn = lambda run: run()
    for number in range(2 * refusals.IN_ALL_BURST):
        found.record(Entry("login", "refused", client=f"10.0.{number >> 8}.{number & 255}"))
    assert len(audited(home)) == refusals.IN_ALL_BURST
    now[0] += 3600
    found.record(Entry("login", "refused", client="192.0.2.1"))
    assert found._by_client.keys() == {"192.0.2.1"}  # noqa: SLF001 - it must not grow


def test_a_refusal_that_can_not_be_written_is_counted_in_the_next_record(home: Path) -> None:
    settings = Settings(home=home)
    found = Refusals(Trail(settings.audit, settings.audit_key))
    found.spawn = lambda run: run()
    settings.audit.mkdir(parents=True)
    for _ in range(3):
        found.record(Entry("credentials-refused", "refused"))
    settings.audit.rmdir()
    found.record(Entry("credentials-refused", "refused"))
    assert [record["details"] for record in audited(home)] == [{"leftOut": 3}]


def test_refusals_do_not_wait_for_the_disk(home: Path) -> None:
    settings = Settings(home=home)
    waiting: list[Callable[[], None]] = []
    found = Refusals(Trail(settings.audit, settings.audit_key))
    found.spawn = waiting.append
    found.record(Entry("credentials-refused", "refused"))
    assert audited(home) == []
    waiting.pop()()
    assert len(audited(home)) == 1


# ---- logins


def test_a_login_and_its_refusal_are_recorded(api: Api) -> None:
    access = Access(api.settings)
    access.refusals.spawn = lambda run: run()
    trail = RequestTrail(api.trail, access, setup("api"))
    with api.app.test_request_context(headers={"X-Forwarded-For": "10.0.0.7", "X-Request-ID": "abc"}):
        trail.login("alice", "viewer,admin", "done", {})
        trail.login("", "", "refused", {"reason": "there is no such user"})
    found = [(each["actor"], each["role"], each["from"], each["result"]) for each in api.records("login")]
    assert found == [("alice", "viewer,admin", "10.0.0.7", "done"), ("", "", "10.0.0.7", "refused")]


def log_in(api: Api, name: str, *roles: Role) -> str:
    """Add a user with a session. Return the browser's cookies."""
    with user.FILE.changing(api.settings.users, None) as users:
        users.append(user.make(name, roles, password.hashed("correct horse battery"), now=0))
    answer = api.call("POST", "/api/session", "", body={"name": name, "password": "correct horse battery"})
    assert answer.status_code == 200, answer.text
    return "; ".join(header.partition(";")[0] for header in answer.headers.getlist("Set-Cookie"))


@pytest.mark.parametrize("everywhere", [False, True])
def test_a_logout_is_recorded_with_the_number_of_sessions(api: Api, *, everywhere: bool) -> None:
    cookies = [log_in(api, "alice", Role.VIEWER, Role.ADMIN)]
    own = {"Cookie": cookies[0], "Host": "own.example", "Origin": "http://own.example"}
    assert api.call("DELETE", f"/api/session{'?everywhere' * everywhere}", "", **own).status_code == 200
    [record] = api.records("logout")
    assert (record["actor"], record["role"], record["result"]) == ("alice", "admin,viewer", "done")
    assert (record["from"], record["details"]) == ("10.0.0.7", {"everywhere": everywhere, "sessions": 1})


def test_a_session_ends_even_if_the_logout_can_not_be_recorded(api: Api) -> None:
    own = {"Cookie": log_in(api, "alice", Role.VIEWER), "Host": "own.example", "Origin": "http://own.example"}
    api.settings.audit.unlink()
    api.settings.audit.mkdir()
    assert api.call("DELETE", "/api/session", "", **own).status_code == 200
    assert api.call("GET", "/api/session", "", Cookie=own["Cookie"]).status_code == 401


# ---- exports


def test_texts_that_may_name_a_user_are_pseudonyms_in_the_record_of_an_export() -> None:
    arguments: Any = {"user": "134259", "from": "EUR", "q": "fr 1342", "format": "csv", "producer": "alpha"}
    assert recorded_parameters(arguments, lambda text: f"<{text}>") == {
        "user": "<134259>",
        "from": "EUR",
        "q": "<fr> <1342>",
        "format": "csv",
        "producer": "alpha",
    }


# ---- the principal's name for nginx


def test_a_refusal_tells_nginx_the_principals_name_and_a_success_does_not(api: Api) -> None:
    limited = api.token(Role.MONITOR, rate=1)
    assert api.call("GET", "/api/stats", api.operator).headers[NAME_HEADER] == "the-operator"
    assert api.call("GET", "/api/stats?window=x", api.token(Role.VIEWER)).headers[NAME_HEADER] == "the-viewer"
    responses = [api.call("GET", "/metrics", limited) for _ in range(10)]
    assert {(each.status_code, each.headers.get(NAME_HEADER)) for each in responses} == {
        (200, None),
        (429, "the-monitor"),
    }
    assert NAME_HEADER not in api.call("GET", "/api/stats", "tw_0123456789ab_x").headers


# ---- reading


def fill(api: Api, count: int, action: str = "test") -> None:
    for number in range(count):
        api.trail.append(Entry(action, "done", f"actor-{number % 3}", details={"number": number}))


def test_admins_read_the_records_newest_first_as_they_are_in_the_file(api: Api) -> None:
    fill(api, 3)
    records = api.records()
    answer = api.read()
    assert (answer["records"], answer["next"], answer["unreadable"]) == (records[::-1], None, 0)
    assert answer["reached"] == records[0]["at"]


def test_an_empty_trail_has_no_records(api: Api) -> None:
    chain = {"count": 0, "head": "0" * 64, "status": "checking", "checked": 0, "detail": ""}
    assert api.read() == {"records": [], "next": None, "unreadable": 0, "reached": None, "chain": chain}


def test_the_state_of_the_chain_is_that_of_the_last_check(api: Api) -> None:
    fill(api, 3)
    assert api.read()["chain"]["status"] == "checking"
    monitor = api.app.extensions["monitor"]
    monitor.report()
    fill(api, 1)
    head = api.records()[-1]["mac"]
    assert api.read()["chain"] == {"count": 4, "head": head, "status": "whole", "checked": 3, "detail": ""}
    lines = api.settings.audit.read_bytes().splitlines(keepends=True)
    api.settings.audit.write_bytes(b"".join([*lines[:3], lines[3].replace(b"actor-0", b"actor-7")]))
    wait_until(lambda: not monitor.report().components["audit"], "the check has found the change")
    chain = api.read()["chain"]
    assert (chain["status"], chain["checked"], "record 4 was changed" in chain["detail"]) == ("damaged", 3, True)


def test_without_the_key_the_state_of_the_chain_is_unknown(api: Api) -> None:
    fill(api, 3)
    api.settings.audit_key.unlink()
    api.app.extensions["monitor"].report()
    chain = api.read()["chain"]
    assert (chain["status"], chain["count"], "audit-key can't be read" in chain["detail"]) == ("unknown", 3, True)


def test_a_trail_that_can_not_be_read_is_a_503_with_the_reason(api: Api) -> None:
    api.settings.audit.mkdir(parents=True)
    response = api.call("GET", "/api/audit", api.admin)
    assert (response.status_code, "the audit trail can't be read: Is a directory" in response.text) == (503, True)


@pytest.mark.parametrize("limit", [1, 7, 20, 21])
def test_pages_have_each_record_once_even_if_new_ones_come_meanwhile(api: Api, limit: int) -> None:
    fill(api, 20)
    found, cursor = [], ""
    while True:
        page = api.read(f"?limit={limit}{cursor}")
        found += [record["n"] for record in page["records"]]
        fill(api, 1)
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert found == list(range(20, 0, -1))


def test_filters_select_by_actor_action_and_time(api: Api) -> None:
    fill(api, 6)
    fill(api, 3, "other")
    records = api.records()
    assert [each["n"] for each in api.read("?actor=actor-1")["records"]] == [8, 5, 2]
    assert api.read("?actor=")["records"] == []
    assert [each["n"] for each in api.read("?action=other&actor=actor-1")["records"]] == [8]
    third, sixth = records[2]["at"], records[5]["at"]
    assert [each["n"] for each in api.read(f"?since={third}&until={sixth}")["records"]] == [5, 4, 3]


def test_filters_select_by_result_and_by_words_in_any_case(api: Api) -> None:
    api.trail.append(Entry("login", "refused", "Zoë", client="10.0.0.7", details={"reason": "locked"}))
    api.trail.append(Entry("key-added", "done", "alice", "admin", request_id="6f1c2ab3", details={"name": "Zoë's"}))
    assert [each["n"] for each in api.read("?result=refused")["records"]] == [1]
    for q, numbers in {
        "zoë": [2, 1],
        "ZOË 10.0.0": [1],
        "6F1C": [2],
        "admin": [2],
        "locked key": [],
        "": [2, 1],
    }.items():
        assert [each["n"] for each in api.read(f"?q={q}")["records"]] == numbers, q


def test_the_records_after_a_number_are_those_that_came_since(api: Api) -> None:
    fill(api, 5)
    assert [each["n"] for each in api.read("?after=3")["records"]] == [5, 4]
    page = api.read("?after=5")
    assert (page["records"], page["next"], page["chain"]["count"]) == ([], None, 5)
    assert api.read("?after=3&limit=1")["next"]


def test_a_page_reads_a_bounded_part_of_the_file_and_lines_may_be_longer_than_a_block(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        api.trail.append(Entry("test", "done", "rare" if number == 0 else "", details={"text": "x" * 40_000 * number}))
    assert [each["n"] for each in api.read()["records"]] == [6, 5, 4, 3, 2, 1]
    monkeypatch.setattr(reading, "SCANNED_BYTES_MAX", 300_000)
    page = api.read("?actor=rare")
    assert (page["records"], page["next"] is None) == ([], False)
    while page["next"]:
        page = api.read(f"?actor=rare&cursor={page['next']}")
    assert [each["n"] for each in page["records"]] == [1]


def test_lines_that_are_no_records_are_counted(api: Api) -> None:
    fill(api, 2)
    with api.settings.audit.open("ab") as file:
        file.write(b'{"n":3,"at')
    fill(api, 1)
    page = api.read()
    assert [each["action"] for each in page["records"]] == ["test", "torn", "test", "test"]
    assert page["unreadable"] == 1


@pytest.mark.parametrize(
    "query",
    [
        "cursor=x",
        "cursor=0",
        "cursor=3",
        "cursor=999999",
        "action=X",
        "since=1",
        "limit=0",
        "actor=%00",
        "result=x",
        "after=-1",
    ],
)
def test_a_wrong_parameter_is_refused(api: Api, query: str) -> None:
    fill(api, 2)
    assert api.call("GET", f"/api/audit?{query}", api.admin).status_code == 400


def test_only_admins_read_the_trail(api: Api) -> None:
    for role in Role:
        response = api.call("GET", "/api/audit", api.token(role) if role != Role.ADMIN else api.admin)
        assert response.status_code == (200 if role == Role.ADMIN else 403)
