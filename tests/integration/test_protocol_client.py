"""The client that docs/protocol.md shows, run against a real stack."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from websockets.sync.client import unix_connect

from tests.integration.conftest import post
from tests.stack import Stack, stack
from tests.support import ROOT, example, wait_until
from tradewire import feed

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def running() -> Iterator[Stack]:
    """Run one stack for all tests of this module."""
    home = Path(tempfile.mkdtemp(prefix="tw-client-", dir="/tmp"))
    home.chmod(0o755)
    (home / "sock/workers").mkdir(parents=True)
    with stack(home) as started:
        yield started
    shutil.rmtree(home)


class Client:
    """A running client, and the files that its output goes to."""

    def __init__(self, folder: Path) -> None:
        self.stdout, self.stderr = folder / "stdout", folder / "stderr"

    @property
    def ids(self) -> list[str]:
        """The ids of the trades that it has printed."""
        whole = self.stdout.read_text().rpartition("\n")[0]
        return [json.loads(line)["id"] for line in whole.splitlines()]

    @property
    def remarks(self) -> list[str]:
        """The lines that it has printed beside the trades, by their first word."""
        return [line.partition(":")[0] for line in self.stderr.read_text().splitlines()]


@contextmanager
def client(running: Stack, folder: Path) -> Iterator[Client]:
    """Run the client, and wait until the server counts one more browser."""
    started = Client(folder)
    before = browsers(running)
    command = [sys.executable, str(ROOT / "docs/client.py"), f"ws://127.0.0.1:{running.port}/ws"]
    with started.stdout.open("wb") as stdout, started.stderr.open("wb") as stderr:
        process = subprocess.Popen(command, stdout=stdout, stderr=stderr, env={"PATH": os.environ["PATH"]})
    try:
        wait_until(lambda: browsers(running) > before, "the client is connected")
        yield started
    finally:
        process.terminate()
        process.wait(10)
    wait_until(lambda: browsers(running) <= before, "the client is gone")


def health(running: Stack) -> feed.FeedHealth:
    return feed.health(running.home / "sock/workers/wsserver.sock")


def browsers(running: Stack) -> int:
    return health(running).browsers


def id_in(response: Any) -> str:
    assert response.status == 201
    return str(response.json["id"])


def test_the_client_prints_each_trade_that_is_posted(running: Stack, tmp_path: Path) -> None:
    with client(running, tmp_path) as listening:
        posted = [id_in(running.post(example(userId=str(number), amountBuy="747.10"))) for number in range(5)]
        wait_until(lambda: listening.ids == posted, "the client prints them in order")
        assert listening.remarks == []
        trade = json.loads(listening.stdout.read_text().splitlines()[-1])
        assert (trade["userId"], trade["amountBuy"]) == ("4", "747.10")


def test_after_a_lost_connection_the_client_prints_exactly_what_it_missed(running: Stack, tmp_path: Path) -> None:
    other_browser = unix_connect(str(running.home / "sock/browsers.sock"), uri="ws://localhost/ws", legacy=True)
    with other_browser, client(running, tmp_path) as listening:
        shown_before = health(running).offset
        posted = [id_in(running.post(example()))]
        wait_until(lambda: listening.ids == posted, "the first one is printed")
        running.supervisorctl("stop", "nginx")
        wait_until(lambda: "disconnected" in listening.remarks, "the client has lost its connection")
        missed = [id_in(post(running.home, example())) for _ in range(20)]
        wait_until(lambda: health(running).offset == shown_before + 21, "the other browser was shown all of them")
        assert listening.ids == posted
        running.supervisorctl("start", "nginx")
        posted += [*missed, id_in(running.post(example()))]
        wait_until(lambda: listening.ids == posted, "the client prints what it missed, and then what comes")
        assert set(listening.remarks) == {"disconnected"}


def test_when_the_server_was_killed_the_client_says_that_there_is_a_gap_and_goes_on(
    running: Stack, tmp_path: Path
) -> None:
    with client(running, tmp_path) as listening:
        posted = [id_in(running.post(example()))]
        wait_until(lambda: listening.ids == posted, "the first one is printed")
        running.kill(running.pid("wsserver"))
        wait_until(lambda: "gap" in listening.remarks, "the client is connected to the next server")
        running.wait_ready()
        posted.append(id_in(running.post(example())))
        wait_until(lambda: listening.ids == posted, "the next one is printed, and the first one once")
        assert set(listening.remarks) == {"disconnected", "gap"}
