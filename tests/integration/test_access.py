"""A whole stack in the mode `keys`: an outsider gets nothing of value, and each key what its role allows."""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from api.http.auth import ROUTES
from tests.stack import Stack, stack
from tests.support import TIMEOUT_SECONDS, example, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

LOG_IN_AGAIN = 4401
PROVIDER_ROUTES = ("/api/session/login", "/api/session/callback")
"""Routes that lead nowhere, unless people log in at a provider."""


@pytest.fixture(scope="module")
def started() -> Iterator[Stack]:
    """Give a stack that the tests share. Each of them makes keys of its own."""
    home = Path(tempfile.mkdtemp(prefix="tw-", dir="/tmp"))
    home.chmod(0o755)
    (home / "sock/workers").mkdir(parents=True)
    with stack(home, ACCESS="keys", RATE_LIMIT="off") as running:
        running.wait_ready()
        yield running
    shutil.rmtree(home, ignore_errors=True)


def add_key(started: Stack, name: str, role: str, *options: str) -> str:
    """Make a key as an operator would. Return its token."""
    done = started.deploy("key", "add", name, "--role", role, *options)
    assert done.returncode == 0, done.stderr
    [token] = re.findall(r"\btw_\S+", done.stdout)
    return str(token)


def close_code(started: Stack, **headers: str) -> int:
    """Follow the feed and return the code with which the server closes it; 0 if a hello comes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with connect(f"ws://127.0.0.1:{started.port}/ws", additional_headers=named, proxy=None) as feed:
        try:
            assert "hello" in str(feed.recv(TIMEOUT_SECONDS))
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006
    return 0


def test_without_a_key_every_route_is_refused_through_nginx(started: Stack) -> None:
    for (method, path), roles in ROUTES.items():
        target = path.format(message_id="x", tube="live", dead_letter_id="1")
        response = started.get(target, method=method, body=example() if method == "POST" else None)
        if (method, path) == ("POST", "/api/session"):  # the body has no name and no password
            assert (response.status, response.set_cookies) == (400, [])
            continue
        if path in PROVIDER_ROUTES:
            assert (response.status, response.set_cookies) == (404, [])
            continue
        assert response.status == (401 if roles else 200), path
        assert roles or set(response.json) == {"status"}, path


def test_forged_headers_of_identity_are_no_key(started: Stack) -> None:
    names = ("X_Forwarded_User", "X_Remote_User", "Remote_User", "X_Auth_Request_User", "X_Forwarded_Groups")
    forged = dict.fromkeys(names, "admin") | {"X_Forwarded_For": "127.0.0.1", "X_Real_IP": "127.0.0.1"}
    for (method, path), roles in ROUTES.items():
        if roles:
            target = path.format(message_id="x", tube="live", dead_letter_id="1")
            body = example() if method == "POST" else None
            assert started.get(target, method=method, body=body, **forged).status == 401, path
    assert close_code(started, **forged) == LOG_IN_AGAIN


def test_a_producers_key_posts_single_messages_and_batches_and_reads_nothing(started: Stack) -> None:
    token = add_key(started, "poster", "producer")
    assert started.post(example(), X_API_Key=token).status == 201
    batch = started.get("/api/messages", method="POST", body=example(), Authorization=f"Bearer {token}")
    assert batch.status == 201
    for path in ("/api/messages", "/api/stats", "/api/ledger", "/metrics"):
        assert started.get(path, X_API_Key=token).status == 403
    assert close_code(started, X_API_Key=token) == LOG_IN_AGAIN


def test_the_archive_has_the_producers_name_in_list_trace_export_and_filter(started: Stack) -> None:
    token, reader = add_key(started, "named", "producer"), add_key(started, "reader", "viewer,exporter")
    posted = started.post(example(), X_API_Key=token).json["id"]

    def found() -> Any:
        return started.get("/api/messages?producer=named", X_API_Key=reader).json["messages"]

    wait_until(found, "the message is archived", pause_seconds=0.1)
    assert [(message["id"], message["producer"]) for message in found()] == [(posted, "named")]
    assert started.get(f"/api/message/{posted}", X_API_Key=reader).json["message"]["producer"] == "named"
    header, row = started.get("/api/messages?producer=named&format=csv", X_API_Key=reader).body.decode().splitlines()
    assert (header.split(",")[-1], row.split(",")[-1]) == ("producer", "named")
    assert started.get("/api/messages?producer=nobody", X_API_Key=reader).json["messages"] == []
    assert started.get("/api/stats?producer=named", X_API_Key=reader).json["total"]["count"] == 1


def test_a_viewers_key_reads_and_follows_the_feed(started: Stack) -> None:
    token = add_key(started, "watcher", "viewer")
    assert started.get("/api/messages", Authorization=f"Bearer {token}").status == 200
    assert started.post(example(), X_API_Key=token).status == 403
    assert close_code(started, Authorization=f"Bearer {token}") == 0
    assert close_code(started, X_API_Key=token) == 0


@pytest.mark.parametrize("headers", [{}, {"X_API_Key": "tw_x"}, {"Authorization": "Basic eA=="}])
def test_the_feed_closes_with_4401_without_a_viewers_key(started: Stack, headers: dict[str, str]) -> None:
    assert close_code(started, **headers) == LOG_IN_AGAIN


def test_a_monitors_key_reads_metrics_and_the_health_of_each_component(started: Stack) -> None:
    token = add_key(started, "prometheus", "monitor")
    assert b"tradewire_" in started.get("/metrics", Authorization=f"Bearer {token}").body
    assert "queue" in started.get("/readyz", Authorization=f"Bearer {token}").json["components"]


def test_a_revoked_key_posts_nothing_after_five_seconds_and_its_feed_ends_within_a_minute(started: Stack) -> None:
    token = add_key(started, "leaver", "producer,viewer")
    assert started.post(example(), X_API_Key=token).status == 201
    feed = connect(f"ws://127.0.0.1:{started.port}/ws", additional_headers={"X-API-Key": token}, proxy=None)
    with feed:
        assert "hello" in str(feed.recv(TIMEOUT_SECONDS))
        assert started.deploy("key", "revoke", "leaver").returncode == 0
        time.sleep(5)  # the promise is about this time
        assert started.post(example(), X_API_Key=token).status == 401
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                feed.recv(TIMEOUT_SECONDS)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == LOG_IN_AGAIN


def test_a_rotated_key_and_its_successor_are_both_good(started: Stack) -> None:
    old = add_key(started, "turner", "producer")
    [new] = re.findall(r"\btw_\S+", started.deploy("key", "rotate", "turner").stdout)
    for token in (new, old):
        assert started.post(example(), X_API_Key=token).status == 201


def test_a_key_over_its_rate_gets_429_and_no_other_key_does(started: Stack) -> None:
    fast, other = add_key(started, "flood", "producer", "--rate", "1"), add_key(started, "calm", "producer")
    statuses = [started.post(example(), X_API_Key=fast).status for _ in range(20)]
    assert 429 in statuses
    assert started.post(example(), X_API_Key=other).status == 201


def test_the_list_of_keys_shows_which_were_used(started: Stack) -> None:
    assert started.get("/api/stats", X_API_Key=add_key(started, "used", "viewer")).status == 200
    assert started.deploy("key", "add", "unused", "--role", "viewer").returncode == 0
    lines = started.deploy("key", "list").stdout.splitlines()
    [used], [unused] = ([line for line in lines if line.startswith(name)] for name in ("used ", "unused "))
    assert (used.endswith("Z"), unused.endswith("never")) == (True, True)


def test_producers_go_on_while_the_archive_is_down(started: Stack) -> None:
    token = add_key(started, "steady", "producer")
    started.supervisorctl("stop", "api-query", "processors:archive")
    try:
        assert started.post(example(), X_API_Key=token).status == 201
    finally:
        started.supervisorctl("start", "api-query", "processors:archive")


def test_no_log_has_a_token(started: Stack) -> None:
    token = add_key(started, "quiet", "viewer")
    started.get("/metrics", X_API_Key=token)
    assert token.split("_", 2)[2] not in started.logs()
