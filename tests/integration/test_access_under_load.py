"""A whole stack under load, in the mode `keys`: rights end as soon as promised, and kill -9 leaves every file whole."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import tempfile
import time
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Final

import pytest

from tests.bench.load import Wrk
from tests.integration.test_login import FEED_SECONDS, LOG_IN_AGAIN, RIGHT, Browser, close_code, deploy_user
from tests.stack import Stack, stack
from tests.support import TIMEOUT_SECONDS, example, require_program, wait_until
from tradewire.access import key_file
from tradewire.access.browser_secrets import PER_USER_MAX
from tradewire.access.principals import Principals
from tradewire.access.user import FILE
from tradewire.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY_SECONDS: Final = 5
"""The promise: a POST that begins that long after its key was revoked is refused."""
SPARE_SECONDS: Final = 30
"""What a busy machine may add until this process has read the feed."""
LOAD_SECONDS: Final = 300
"""The load ends by then, even if a test hangs."""
KILLED_COMMANDS: Final = [
    ("key", "rotate", "victim"),
    ("user", "password", "victor"),
    ("key", "add", "newcomer", "--role", "viewer"),
    ("user", "roles", "victor", "--role", "monitor"),
]
KILLS: Final = 3
"""Of each command, and of api-query."""


@pytest.fixture(scope="module")
def started() -> Iterator[Stack]:
    """Give a stack that the tests share. Each of them makes keys and users of its own."""
    require_program("wrk")
    home = Path(tempfile.mkdtemp(prefix="tw-", dir="/tmp"))
    home.chmod(0o755)
    (home / "sock/workers").mkdir(parents=True)
    with stack(home, ACCESS="keys", RATE_LIMIT="off") as running:
        running.wait_ready()
        yield running
    shutil.rmtree(home, ignore_errors=True)


def add_key(started: Stack, name: str) -> str:
    done = started.deploy("key", "add", name, "--role", "producer")
    [token] = re.findall(r"\btw_\S+", done.stdout)
    return str(token)


@contextmanager
def load(started: Stack, name: str) -> Iterator[None]:
    """Post as fast as the stack takes it during a block. Check that no message is refused."""
    wrk = Wrk(started, LOAD_SECONDS, token=add_key(started, name))
    try:
        yield
        assert wrk.goes_on, "the load has ended before the test"
    finally:
        result = wrk.stop()
    assert result.accepted


def test_under_load_a_revoked_key_posts_nothing_five_seconds_later(started: Stack) -> None:
    token = add_key(started, "leaver")
    with load(started, "load-of-keys"):
        assert started.post(example(), X_API_Key=token).status == 201
        assert started.deploy("key", "revoke", "leaver").returncode == 0
        revoked = time.monotonic()

        def is_refused() -> bool:
            begun = time.monotonic()
            status = started.post(example(), X_API_Key=token).status
            assert status == 401 or (status == 201 and begun < revoked + KEY_SECONDS), status
            return status == 401

        wait_until(is_refused, "the key is refused")


def test_under_load_a_feed_ends_within_a_minute_once_the_role_is_taken(started: Stack) -> None:
    deploy_user(started, "add", "mover", "--role", "viewer")
    with load(started, "load-of-feeds"), Browser(started, "mover").feed() as feed:
        assert "hello" in str(feed.recv(TIMEOUT_SECONDS))
        deploy_user(started, "roles", "mover", "--role", "monitor")
        taken = time.monotonic()
        assert close_code(feed) == LOG_IN_AGAIN
        assert time.monotonic() - taken < FEED_SECONDS + SPARE_SECONDS


def kill_while_it_writes(started: Stack, command: tuple[str, ...]) -> None:
    """Start a command, and kill it with all its processes, at a random moment after it has recorded the beginning."""
    trail = Settings(home=started.home).audit
    size = trail.stat().st_size
    with started.begin(*command) as process:
        assert process.stdin is not None
        process.stdin.write(f"{RIGHT}\n")
        process.stdin.flush()
        # A command before this one may have come to its end, so that this one changes nothing.
        wait_until(lambda: trail.stat().st_size > size or process.poll() is not None, f"{command} begins")
        time.sleep(random.uniform(0, 0.3))  # noqa: S311 - any moment will do
        with suppress(ProcessLookupError):  # it has come to its end
            os.killpg(process.pid, signal.SIGKILL)


def test_under_load_commands_killed_at_any_moment_leave_keys_users_and_trail_whole(started: Stack) -> None:
    settings = Settings(home=started.home)
    add_key(started, "victim")
    deploy_user(started, "add", "victor", "--role", "viewer")
    with load(started, "load-of-kills"):
        for command in KILLED_COMMANDS * KILLS:
            kill_while_it_writes(started, command)
            names = {key.name for key in key_file.read(settings.keys)}
            assert {"victim", "load-of-kills"} <= names
            assert "victor" in {user.name for user in FILE.read(settings.users)}
            assert started.deploy("audit", "verify").returncode == 0
    assert started.deploy("key", "rotate", "victim").returncode == 0
    deploy_user(started, "password", "victor")
    assert Browser(started, "victor").ask("GET", "/api/session").json["name"] == "victor"


def has_more_than(browsers: list[Browser], number: int) -> bool:
    return len(browsers) > number


def session_status(browser: Browser) -> int:
    """Ask for the session until the API answers, which is just being started again. Return the status."""

    def status() -> int:
        answer = browser.ask("GET", "/api/session")
        return 0 if answer.status == 503 else answer.status

    return wait_until(status, "the API answers", pause_seconds=0.1)


def test_under_load_a_killed_api_leaves_each_session_that_it_has_given_out(started: Stack) -> None:
    deploy_user(started, "add", "regular", "--role", "viewer")
    browsers: list[Browser] = []
    ends = Event()

    def log_in_again_and_again() -> None:
        while not ends.is_set():
            browser = Browser(started)
            with suppress(OSError):  # nginx may close the connection
                if browser.log_in("regular").status == 200:
                    browsers.append(browser)
            time.sleep(0.1)  # nginx limits how often an address may ask

    with load(started, "load-of-sessions"):
        thread = Thread(target=log_in_again_and_again)
        thread.start()
        try:
            for number in range(KILLS):
                wait_until(partial(has_more_than, browsers, 3 * number), "people log in", 2 * TIMEOUT_SECONDS)
                started.kill(started.pid("api-query"))
            wait_until(partial(has_more_than, browsers, len(browsers)), "people log in again", 2 * TIMEOUT_SECONDS)
        finally:
            ends.set()
            thread.join()
        for browser in browsers[-PER_USER_MAX // 2 :]:  # a user has so many sessions; some answers were lost
            assert session_status(browser) == 200
    assert started.deploy("audit", "verify").returncode == 0
    lines = (started.home / "audit/trail.jsonl").read_text().splitlines()
    done = [line for line in lines if '"action":"login","actor":"regular"' in line and '"result":"done"' in line]
    assert len(browsers) <= len(done)
    sessions = Principals(Settings(home=started.home)).sessions
    names = [path.name for path in (started.home / "sessions/open").iterdir() if path.suffix != ".new"]
    assert all(sessions.get(name) for name in names)
