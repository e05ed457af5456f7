"""A whole stack with keys: what the audit trail and nginx's log have, and that no log names a user."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.stack import Stack, stack
from tests.support import audited, example, get, wait_until
from tradewire.audit.trail import Trail
from tradewire.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

USER = "personal-id-4711"
"""A user's id that nothing else contains."""


@pytest.fixture(scope="module")
def started() -> Iterator[Stack]:
    """Give a stack that the tests share. Each of them makes keys of its own."""
    home = Path(tempfile.mkdtemp(prefix="tw-", dir="/tmp"))
    home.chmod(0o755)
    (home / "sock/workers").mkdir(parents=True)
    with stack(home, ACCESS="keys", RATE_LIMIT="off", STORE_URL=f"sqlite:///{home}/store/own.db") as running:
        running.wait_ready()
        yield running
    shutil.rmtree(home, ignore_errors=True)


def add_key(started: Stack, name: str, roles: str, *options: str) -> str:
    done = started.deploy("key", "add", name, "--role", roles, *options)
    assert done.returncode == 0, done.stderr
    [token] = re.findall(r"\btw_\S+", done.stdout)
    return str(token)


def all_logs(started: Stack) -> str:
    return "\n".join(path.read_text(errors="replace") for path in (started.home / "log").rglob("*") if path.is_file())


def test_the_first_start_records_the_settings_without_the_secret_ones(started: Stack) -> None:
    begun, done, *_ = audited(started.home)
    assert (begun["action"], begun["result"], done["result"]) == ("settings-changed", "begun", "done")
    settings = done["details"]["settings"]
    assert settings["TRADEWIRE_ACCESS"] == {"before": "open", "now": "keys"}
    assert settings["TRADEWIRE_STORE_URL"] == "changed"
    assert "own.db" not in (started.home / "audit/trail.jsonl").read_text()


def test_only_the_programs_user_may_read_the_trail_and_its_key(started: Stack) -> None:
    settings = Settings(home=started.home)
    owner = settings.audit.parent.stat().st_uid
    for path, mode in ((settings.audit.parent, 0o700), (settings.audit, 0o600), (settings.audit_key, 0o600)):
        assert (path.stat().st_uid, path.stat().st_mode & 0o777) == (owner, mode)


def test_each_program_records_what_it_refuses_and_an_admin_reads_it(started: Stack) -> None:
    wrong, admin = "tw_0123456789ab_x", add_key(started, "auditor", "admin")
    answers = [
        started.post(example(), X_API_Key=wrong),  # api-ingest
        started.get("/api/stats", X_API_Key=wrong),  # api-query
    ]
    assert [answer.status for answer in answers] == [401, 401]
    ids = {answer.headers["X-Request-ID"] for answer in answers}

    def refused() -> list[Any]:
        answer = started.get("/api/audit?action=credentials-refused", X_API_Key=admin)
        return [record for record in answer.json["records"] if record["requestId"] in ids]

    wait_until(lambda: len(refused()) == len(ids), "both refusals are recorded", pause_seconds=0.1)
    assert {(record["from"], record["details"]["key"]) for record in refused()} == {("127.0.0.1", "0123456789ab")}
    assert started.deploy("audit", "verify").returncode == 0


def test_nginx_logs_the_principal_of_a_refusal_and_tells_it_to_no_client(started: Stack) -> None:
    answer = started.get("/api/stats", X_API_Key=add_key(started, "named-one", "producer"))
    assert answer.status == 403
    assert "X-Principal" not in answer.headers

    def line() -> str:
        log = (started.home / "log/nginx.log").read_text()
        return next((line for line in log.splitlines() if answer.headers["X-Request-ID"] in line), "")

    wait_until(line, "nginx has logged the refusal")
    assert 'principal: "named-one"' in line()


def test_no_log_and_no_record_names_a_user(started: Stack) -> None:
    token = add_key(started, "all", "producer,viewer,exporter,operator,monitor")
    posted = started.post(example(userId=USER), X_API_Key=token)
    assert posted.status == 201
    for body in (example(userId=USER, rate="x"), b'{"userId":"' + USER.encode()):
        assert started.post(body, X_API_Key=token).status == 400
    batch = b"\n".join([example(userId=USER), example(userId=USER, currencyFrom="XXX")])
    assert started.get("/api/messages", method="POST", body=batch, X_API_Key=token).status == 207
    found = f"/api/messages?user={USER}"
    wait_until(lambda: len(started.get(found, X_API_Key=token).json["messages"]) == 2, "the trades are archived")
    for path in (
        f"{found}&format=csv",
        f"{found}&format=ndjson",
        f"/api/messages?q={USER}&format=csv",
        f"/api/messages?q={USER}&limit=x",
        f"/api/stats?user={USER}&window=1h",
        f"/api/stats?user={USER}&window=x",
        f"/api/message/{USER}",
        f"/trade/{USER}",
        f"/api/messages?user={USER}&{USER}=1",
        f"/trade/{posted.json['id']}?q={USER}",
        f"/?user={USER}",
        f"/nothing/here?user={USER}",
    ):
        started.get(path, X_API_Key=token)
        started.get(path)  # without a key
        get(started.port, path, Referer=f"http://127.0.0.1/?user={USER}", Host="unknown.example")
    started.get("/api/messages?user=" + "x" * 9000 + USER, X_API_Key=token)  # too long for nginx
    for method in ("PUT", "DELETE"):
        started.get(found, method=method, body=example(userId=USER), X_API_Key=token)
    started.supervisorctl("stop", "api-query")
    try:
        assert started.get(found, X_API_Key=token).status == 503
    finally:
        started.supervisorctl("start", "api-query")
    started.wait_ready()
    text = all_logs(started)
    assert posted.headers["X-Request-ID"] not in text  # an accepted message leaves no line
    assert [line for line in text.splitlines() if USER in line] == []
    trail = (started.home / "audit/trail.jsonl").read_text()
    assert USER not in trail
    settings = Settings(home=started.home)
    assert Trail(settings.audit, settings.audit_key).pseudonym(USER) in trail
    audited(started.home)
