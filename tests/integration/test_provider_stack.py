"""A whole stack in the mode `oidc`: kill -9 during a login, the feed of a session, and keys beside people."""

from __future__ import annotations

import json
import random
import re
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.provider import CLIENT_ID, SECRET, Provider, Visitor, provider
from tests.stack import Stack, stack
from tests.support import TIMEOUT_SECONDS, example, free_port, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from websockets.sync.client import ClientConnection

RECHECK_SECONDS = 20
FEED_SECONDS = 90
RESTART = 1012
LOG_IN_AGAIN = 4401
KILLS = 4


class Firm:
    """A stack, and the provider of its people."""

    def __init__(self, running: Stack, idp: Provider) -> None:
        self.stack = running
        self.provider = idp

    def begin(self) -> tuple[dict[str, str], str]:
        """Begin a login, and finish it at the provider. Return the browser's cookies, and where it goes next."""
        response = self.stack.get("/api/session/login")
        assert response.status == 303, response.body
        page = self.stack.url.rstrip("/")
        back = Visitor().log_in(response.headers["Location"], "alice", page)
        return cookies(response.set_cookies), back.removeprefix(page)

    def log_in(self) -> dict[str, str]:
        """Return the cookies of a browser in which alice has logged in."""
        sent, back = self.begin()
        response = self.stack.get(back, Cookie=header(sent))
        assert "#login=" not in response.headers["Location"], response.headers
        return cookies(response.set_cookies)

    def feed(self, sent: dict[str, str]) -> ClientConnection:
        origin = self.stack.url.rstrip("/")
        headers = {"Cookie": header(sent), "Origin": origin}
        return connect(f"ws://127.0.0.1:{self.stack.port}/ws", additional_headers=headers, proxy=None)


def cookies(lines: list[str]) -> dict[str, str]:
    pairs = (line.partition(";")[0].partition("=") for line in lines)
    return {name: value for name, _, value in pairs if value}


def header(sent: dict[str, str]) -> str:
    return "; ".join(f"{name}={value}" for name, value in sent.items())


@pytest.fixture(scope="module")
def firm() -> Iterator[Firm]:
    home = Path(tempfile.mkdtemp(prefix="tw-", dir="/tmp"))
    home.chmod(0o755)
    (home / "sock/workers").mkdir(parents=True)
    port = free_port()
    page = f"http://127.0.0.1:{port}"
    secret = home / "oidc-secret"
    secret.write_text(SECRET)
    secret.chmod(0o644)  # for the programs' user; it is a secret of tests
    with (
        provider(page) as idp,
        stack(
            home,
            port,
            ACCESS="oidc",
            PUBLIC_URL=page,
            OIDC_ISSUER=idp.url,
            OIDC_CLIENT_ID=CLIENT_ID,
            OIDC_CLIENT_SECRET_FILE=str(secret),
            OIDC_SCOPES="openid profile groups",
            GROUP_ROLES="desk=viewer",
            RECHECK_SECONDS=str(RECHECK_SECONDS),
        ) as running,
    ):
        running.wait_ready()
        yield Firm(running, idp)
    shutil.rmtree(home, ignore_errors=True)


def close_code(feed: ClientConnection) -> int:
    """Read a feed to its end. Return the code with which the server closes it."""
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            feed.recv(FEED_SECONDS)
    return closed.value.rcvd.code if closed.value.rcvd else 1006


def test_a_feed_connects_anew_and_goes_on_while_the_provider_confirms_the_session(firm: Firm) -> None:
    sent = firm.log_in()
    for _ in range(2):
        with firm.feed(sent) as feed:
            assert "hello" in str(feed.recv(TIMEOUT_SECONDS))
            assert close_code(feed) == RESTART


def test_a_person_who_was_disabled_loses_requests_and_the_feed(firm: Firm) -> None:
    sent = firm.log_in()
    with firm.feed(sent) as feed:
        assert "hello" in str(feed.recv(TIMEOUT_SECONDS))
        firm.provider.set_users()
        wait_until(
            lambda: firm.stack.get("/api/messages", Cookie=header(sent)).status == 401, "the session ends", 120, 0.5
        )
        assert close_code(feed) in {LOG_IN_AGAIN, RESTART}
    with firm.feed(sent) as feed:
        assert close_code(feed) == LOG_IN_AGAIN
    firm.provider.set_users(alice={"groups": ["desk"]})


def test_a_key_goes_on_beside_people(firm: Firm) -> None:
    made = firm.stack.deploy("key", "add", "feeder", "--role", "producer")
    [token] = re.findall(r"\btw_\S+", made.stdout)
    assert firm.stack.post(example(), X_API_Key=token).status == 201
    assert firm.stack.post(example()).status == 401
    assert firm.stack.post(example(), Cookie=header(firm.log_in())).status == 403  # without an Origin


def test_kill_9_during_a_login_leaves_every_file_whole(firm: Firm) -> None:
    for _ in range(KILLS):
        sent, back = firm.begin()

        def finish(path: str = back, cookie: str = header(sent)) -> None:
            with suppress(OSError):
                firm.stack.get(path, Cookie=cookie)

        login = Thread(target=finish)
        master = firm.stack.pid("api-query")
        login.start()
        login.join(random.uniform(0, 0.1))  # noqa: S311 - any moment will do
        firm.stack.crash(master)
        login.join()
        firm.stack.wait_ready()
        for folder in ("open", "granted"):
            for path in (firm.stack.home / "sessions" / folder).iterdir():
                if path.suffix != ".new":
                    assert json.loads(path.read_bytes()), path
    assert firm.stack.get("/api/session", Cookie=header(firm.log_in())).json["roles"] == ["viewer"]


def test_no_log_has_a_secret_a_code_or_a_token(firm: Firm) -> None:
    sent, back = firm.begin()
    firm.stack.get(back, Cookie=header(sent))
    firm.stack.get(back, Cookie=header(sent))  # refused
    [code] = re.findall("code=([^&]+)", back)
    grants = [json.loads(path.read_bytes()) for path in (firm.stack.home / "sessions/granted").iterdir()]
    tokens = [grant[name] for grant in grants for name in ("refreshToken", "idToken") if grant[name]]
    assert tokens
    logs = "".join(path.read_text(errors="replace") for path in (firm.stack.home / "log").glob("*.log"))
    assert "result=unknown" in logs
    for secret in (SECRET, code, *sent.values(), *tokens):
        assert secret not in logs
