"""deploy/backup and deploy/restore: what was accepted before a backup began is there once after a restore."""

from __future__ import annotations

import http.client
import re
import shutil
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

import msgspec
import psutil
import pyrage
import pytest

from tests.integration.conftest import open_queue
from tests.recount import read_table
from tests.stack import Stack, is_settled, stack
from tests.support import ASK_SECONDS, audited, example, require_program, wait_until
from tests.watcher import Watcher
from tradewire.backup import manifest
from tradewire.queue import ARCHIVE
from tradewire.store.schema import events

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.postgres import Postgres

BATCH = 10
RATE = 500
"""Messages a second."""


class Load:
    """Posts RATE messages a second in a thread, until the stack is gone or the block ends."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.accepted: list[str] = []
        """Ids of the messages answered 201."""
        self.users: set[str] = set()
        """The users of all messages that were posted, each of which has one of its own."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def wait_for(self, messages: int) -> None:
        """Wait until so many more messages are accepted."""
        count = len(self.accepted) + messages
        wait_until(lambda: len(self.accepted) >= count, f"{count} messages are accepted")

    def _run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        due = time.monotonic()
        number = 0
        with suppress(OSError, http.client.HTTPException):  # the stack is killed
            while not self._stop.is_set():
                users = [f"user-{number}-{index}" for index in range(BATCH)]
                self.users.update(users)
                connection.request("POST", "/api/messages", b"\n".join(example(userId=user) for user in users))
                response = connection.getresponse()
                body = response.read()
                if response.status == 201:
                    self.accepted += msgspec.json.decode(body)["ids"]
                number += 1
                due += BATCH / RATE
                self._stop.wait(max(0, due - time.monotonic()))
        connection.close()


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a folder that every user may enter."""
    path = Path(tempfile.mkdtemp(prefix="tw-", dir="/tmp"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def kill_everything(running: Stack) -> None:
    """Kill all processes of a stack with SIGKILL. Those that start others may have started some meanwhile."""

    def are_killed() -> bool:
        found = running.processes()
        for process in found:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        return not found

    wait_until(are_killed, "no process of the stack is left")


def archived(home: Path) -> dict[str, str]:
    """Return the user of each archived message by its id."""
    return {row.id: row.user_id for row in read_table(f"sqlite:///{home}/store/tradewire.db", events)}


def received_ms(message_id: str) -> int:
    """Return the time in a UUIDv7, in milliseconds since 1970."""
    return UUID(message_id).int >> 80


def settled_ledger(running: Stack) -> dict[str, Any]:
    """Wait until nothing is on its way. Return the ledger."""
    found: dict[str, Any] = {}

    def has_settled() -> bool:
        found.clear()
        found.update(running.get("/api/ledger").json)
        return is_settled(found)

    wait_until(has_settled, lambda: f"nothing is on its way: {found}", 120, ASK_SECONDS)
    return found


@contextmanager
def loaded_stack(home: Path, **settings: str) -> Iterator[tuple[Stack, Load]]:
    """Run a stack under load. Its live messages wait, since no browser is connected."""
    with stack(home, RATE_LIMIT="off", BATCH_RATE_LIMIT="off", **settings) as running:
        running.wait_ready()
        with Load(running.port) as load:
            yield running, load


def milliseconds(timestamp: str) -> float:
    return datetime.fromisoformat(timestamp).timestamp() * 1000


def test_after_kill_9_of_everything_and_the_loss_of_the_home_all_accepted_before_the_backup_is_there_once(
    home: Path, folder: Path
) -> None:
    with loaded_stack(home) as (running, load):
        with open_queue(home) as queue:
            queue.put(b"{}", [ARCHIVE])
            wait_until(lambda: queue.counts(ARCHIVE).dead_letters == 1, "it is a dead letter")
        load.wait_for(2 * RATE)
        before = list(load.accepted)
        done = running.deploy("backup", str(folder / "sets"))
        assert done.returncode == 0, done.stderr
        load.wait_for(RATE)
        kill_everything(running)
        stack_id = (home / "ledger/stack").read_text()
        token = (home / "operator-token").read_text()
        shutil.rmtree(home)

        restored = running.deploy("restore", str(folder / "sets"))
        assert restored.returncode == 0, restored.stderr
        running.up()
        with Watcher(running.port) as watcher:
            ledger = settled_ledger(running)
            present = archived(home)
            assert present.keys() >= set(before)
            assert len(before) >= 2 * RATE
            assert set(present.values()) <= load.users
            assert len(set(present.values())) == len(present), "each user's message is there once"
            wait_until(lambda: watcher.seen >= set(before), "all of them are shown, as no browser was connected before")

        [span] = ledger["spans"]
        lost = set(load.accepted) - present.keys()
        assert lost, "some were accepted after the backup"
        assert all(received_ms(each) + 1 > milliseconds(span["since"]) for each in lost)
        assert all(received_ms(each) < milliseconds(span["until"]) for each in lost)
        assert span["backup"] in restored.stdout + str(manifest.newest(folder / "sets"))
        assert (ledger["status"], ledger["losses"]) == ("loss", [])
        for tube in ledger["tubes"].values():
            assert (tube["missing"], tube["waiting"]) == (0, 0)
        assert ledger["tubes"]["archive"]["archived"] == len(present)
        assert ledger["tubes"]["archive"]["deadLetters"] == 1

        assert (home / "ledger/stack").read_text() == stack_id
        assert (home / "operator-token").read_text() == token
        authorization = {"Authorization": f"Bearer {token.strip()}"}
        assert running.get("/api/ledger/settle", method="POST", **authorization).status == 200
        assert running.post(example()).status == 201
        with Watcher(running.port):
            ledger = settled_ledger(running)
        assert ledger["status"] == "balanced"
        assert ledger["spans"][0]["settledAt"]
    actions = [(record["action"], record["result"]) for record in audited(home, "backup", "restore", "losses-settled")]
    assert actions == [
        ("backup", "begun"),
        *[("restore", result) for result in ("begun", "done")],
        *[("losses-settled", result) for result in ("begun", "done")],
    ]


@pytest.fixture
def key(folder: Path) -> Path:
    """Give a file with a private key, as age-keygen makes it."""
    identity = pyrage.x25519.Identity.generate()
    path = folder / "backup.key"
    path.write_text(f"# created: 2026-11-29T01:00:00Z\n# public key: {identity.to_public()}\n{identity}\n")
    return path


def public(key: Path) -> str:
    """Return the public key in a file of age-keygen."""
    return str(re.findall(r"public key: (age1\w+)", key.read_text())[0])


def test_an_encrypted_backup_shows_nothing_and_needs_its_key(home: Path, folder: Path, key: Path) -> None:
    with stack(home, BACKUP_RECIPIENT=public(key)) as running:
        running.wait_ready()
        posted = running.post(example(userId="Somebody")).json["id"]
        wait_until(lambda: running.get(f"/api/message/{posted}").status == 200, "it is archived", 60, ASK_SECONDS)
        done = running.deploy("backup", str(folder / "sets"))
        assert done.returncode == 0, done.stderr
        path = manifest.newest(folder / "sets")
        assert {each.name for each in path.iterdir()} == {"home.tar.age", "manifest.json", "store.db.age"}
        secrets = [b"Somebody", (home / "audit-key").read_bytes().strip()]
        contents = [each.read_bytes() for each in path.iterdir()]
        assert not [content for content in contents for secret in secrets if secret in content]
        assert not list((home / "store").glob("backup*"))
        assert running.deploy("down").returncode == 0
        shutil.rmtree(home)

        refused = running.deploy("restore", str(path))
        assert (refused.returncode, home.exists()) == (1, False)
        assert "is encrypted" in refused.stderr
        other = folder / "other.key"
        other.write_text(str(pyrage.x25519.Identity.generate()))
        refused = running.deploy("restore", str(path), "--key", str(other))
        assert "can't be decrypted with this key" in refused.stderr
        assert running.deploy("up").returncode == 1, "the home is incomplete"
        shutil.rmtree(home)
        restored = running.deploy("restore", str(path), "--key", str(key))
        assert restored.returncode == 0, restored.stderr
        running.up()
        assert running.get(f"/api/message/{posted}").status == 200


def test_a_backup_of_a_stack_with_postgresql_is_restored_into_an_empty_database(
    home: Path, folder: Path, postgresql: Postgres
) -> None:
    for program in ("pg_dump", "pg_restore"):
        require_program(program)
    with stack(home, STORE_URL=postgresql.create_database()) as running:
        running.wait_ready()
        ids = [running.post(example(userId=f"user-{number}")).json["id"] for number in range(20)]
        done = running.deploy("backup", str(folder / "sets"))
        assert done.returncode == 0, done.stderr
        drill = running.deploy("backup", "--verify", str(folder / "sets"))
        assert drill.returncode == 0, drill.stderr
        assert "20 messages were accepted; 20 are archived" in drill.stdout
        assert running.deploy("down").returncode == 0
        shutil.rmtree(home)

        refused = running.deploy("restore", str(folder / "sets"))
        assert (refused.returncode, home.exists()) == (1, False)
        assert "is not empty: it has the table" in refused.stderr
        running.env["TRADEWIRE_STORE_URL"] = postgresql.create_database()
        restored = running.deploy("restore", str(folder / "sets"))
        assert restored.returncode == 0, restored.stderr
        running.up()
        with Watcher(running.port):
            ledger = settled_ledger(running)
        assert ledger["tubes"]["archive"]["archived"] == 20
        assert {each["id"] for each in running.get("/api/messages").json["messages"]} == set(ids)


def test_the_keeper_makes_backups_and_a_drill_shows_whether_they_can_be_restored(home: Path, folder: Path) -> None:
    sets = folder / "sets"
    with loaded_stack(home, BACKUP_FOLDER=str(sets)) as (running, load):
        wait_until(lambda: manifest.sets(sets), "the keeper has made a backup", 180, 1)
        load.wait_for(2 * RATE)
        assert running.deploy("backup", str(sets)).returncode == 0
        before = sorted(path.name for path in home.parent.iterdir() if path.name.startswith(home.name))
        drill = running.deploy("backup", "--verify")
        assert drill.returncode == 0, drill.stderr
        assert f"The backup {manifest.newest(sets).name} can be restored." in drill.stdout
        assert sorted(path.name for path in home.parent.iterdir() if path.name.startswith(home.name)) == before
        health = wait_until(lambda: drilled(running), "the drill is known", 60, ASK_SECONDS)
        assert (health["status"], health["drillSucceeded"]) == ("ok", True)
        assert health["newestAt"]
        metrics = running.get("/metrics").body.decode()
        assert "tradewire_backup_drill_succeeded 1.0" in metrics
        assert "tradewire_backup_timestamp_seconds " in metrics

        refused = running.deploy("restore", str(sets))
        assert "is not empty" in refused.stderr
        path = manifest.newest(sets) / "home.tar"
        content = bytearray(path.read_bytes())
        content[1000] ^= 1
        path.write_bytes(content)
        failed = running.deploy("backup", "--verify")
        assert failed.returncode == 1
        assert "is not as it was written" in failed.stderr
        wait_until(lambda: drilled(running).get("status") == "drill-failed", "the failure is known", 60, ASK_SECONDS)


def drilled(running: Stack) -> dict[str, Any]:
    """Return what /readyz says of backups once a drill is known. Empty before."""
    components = running.get("/readyz").json.get("components", {})
    health: dict[str, Any] = components.get("backup", {})
    return health if health.get("drilledAt") else {}
