"""A whole stack in the mode `keys`: people log in through nginx, and their feed ends with their session."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.stack import Stack, stack
from tests.support import TIMEOUT_SECONDS, Response, example

if TYPE_CHECKING:
    from collections.abc import Iterator

    from websockets.sync.client import ClientConnection

LOG_IN_AGAIN = 4401
FEED_SECONDS = 60
"""The promise: a feed ends that long after its right at the latest."""
RIGHT = "correct horse battery"


@pytest.fixture(scope="module")
def started() -> Iterator[Stack]:
    """Give a stack that the tests share. Each of them adds users of its own."""
    home = Path(tempfile.mkdtemp(prefix="tw-", dir="/tmp"))
    home.chmod(0o755)
    (home / "sock/workers").mkdir(parents=True)
    with stack(home, ACCESS="keys") as running:
        running.wait_ready()
        yield running
    shutil.rmtree(home, ignore_errors=True)


def deploy_user(started: Stack, *arguments: str, typed: str = RIGHT) -> None:
    """Run deploy/user as an operator would."""
    done = started.deploy("user", *arguments, typed=typed)
    assert done.returncode == 0, done.stderr


class Browser:
    """A browser with cookies, on the stack's page."""

    def __init__(self, started: Stack, name: str = "") -> None:
        self._started = started
        self.cookies: dict[str, str] = {}
        if name:
            assert self.log_in(name).status == 200

    def log_in(self, name: str, typed: str = RIGHT) -> Response:
        return self.ask("POST", "/api/session", json.dumps({"name": name, "password": typed}).encode())

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Response:
        own = {"Origin": self._started.url.rstrip("/")} | headers
        sent = {name: value for name, value in own.items() if value} | (
            {"Cookie": self._cookie} if self.cookies else {}
        )
        response = self._started.get(path, method=method, body=body, **sent)
        for line in response.set_cookies:
            name, _, rest = line.partition("=")
            self.cookies[name] = rest.partition(";")[0]
        return response

    def feed(self) -> ClientConnection:
        """Open the feed."""
        headers = {"Cookie": self._cookie} if self.cookies else {}
        origin = self._started.url.rstrip("/")
        return connect(
            f"ws://127.0.0.1:{self._started.port}/ws", additional_headers={**headers, "Origin": origin}, proxy=None
        )

    @property
    def _cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())


def close_code(feed: ClientConnection) -> int:
    """Read a feed to its end. Return the code with which the server closes it."""
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            feed.recv(FEED_SECONDS)
    return closed.value.rcvd.code if closed.value.rcvd else 1006


def test_a_user_logs_in_reads_follows_the_feed_and_logs_out(started: Stack) -> None:
    deploy_user(started, "add", "alice", "--role", "viewer")
    browser = Browser(started, "alice")
    assert browser.ask("GET", "/api/session").json == {"name": "alice", "roles": ["viewer"]}
    assert browser.ask("GET", "/api/messages").status == 200
    assert browser.ask("POST", "/api/message", example()).status == 403
    with browser.feed() as feed:
        assert "hello" in str(feed.recv(TIMEOUT_SECONDS))
        assert browser.ask("DELETE", "/api/session").status == 200
        assert browser.ask("GET", "/api/messages").status == 401
        assert close_code(feed) == LOG_IN_AGAIN
    with browser.feed() as feed:
        assert close_code(feed) == LOG_IN_AGAIN


@pytest.mark.parametrize(
    "change", [("roles", "--role", "operator"), ("logout",), ("password",), ("remove",)], ids=lambda change: change[0]
)
def test_a_feed_ends_within_a_minute_once_the_right_or_the_session_is_taken(
    started: Stack, change: tuple[str, ...]
) -> None:
    name = f"leaver-{change[0]}"
    deploy_user(started, "add", name, "--role", "viewer")
    with Browser(started, name).feed() as feed:
        assert "hello" in str(feed.recv(TIMEOUT_SECONDS))
        deploy_user(started, change[0], name, *change[1:])
        assert close_code(feed) == LOG_IN_AGAIN


def test_a_producer_with_a_session_posts_from_the_own_page_alone(started: Stack) -> None:
    deploy_user(started, "add", "poster", "--role", "producer")
    browser = Browser(started, "poster")
    assert browser.ask("POST", "/api/message", example()).status == 201
    for path in ("/api/message", "/api/messages"):
        assert browser.ask("POST", path, example(), Origin="").status == 403
        assert browser.ask("POST", path, example(), Origin="http://evil.example").status == 403


def test_a_session_outlives_a_restart_of_every_program(started: Stack) -> None:
    deploy_user(started, "add", "stayer", "--role", "viewer")
    browser = Browser(started, "stayer")
    for program in ("wsserver", "api-query"):  # in this order, what api-query says of wsserver is new
        started.crash(started.pid(program))
    started.wait_ready()
    assert browser.ask("GET", "/api/session").json["name"] == "stayer"
    with browser.feed() as feed:
        assert "hello" in str(feed.recv(TIMEOUT_SECONDS))


def test_no_log_has_a_password_or_a_session(started: Stack) -> None:
    deploy_user(started, "add", "quiet", "--role", "viewer")
    browser = Browser(started, "quiet")
    browser.log_in("quiet", "a-wrong-password")
    browser.log_in("a-password-as-name", "x")
    logs = "".join(path.read_text(errors="replace") for path in (started.home / "log").glob("*.log"))
    assert "user=quiet" in logs
    for secret in (RIGHT, "a-wrong-password", "a-password-as-name", *browser.cookies.values()):
        assert secret not in logs
