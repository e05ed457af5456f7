"""A consumer from an installed package, next to live and archive: docs/howto/add-a-consumer.md, followed."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.integration.conftest import call_query, ingest_api, keeper, open_queue, processor
from tests.integration.test_ledger import settled_ledger
from tests.integration.test_probes import read_metrics
from tests.integration.user_files import NAME, account, files, install, post_for, stack
from tests.support import ROOT, beanstalkd, running, wait_until

if TYPE_CHECKING:
    from pathlib import Path

OPERATOR = {"Authorization": "Bearer secret"}


@pytest.fixture
def env(home: Path) -> dict[str, str]:
    """Install the package beside a stack, and return the environment that enables its consumer."""
    return install(home)


def away(home: Path) -> dict[str, str]:
    """Return the consumers that no processor serves, with the effect in words."""
    component = call_query(home, "/readyz").json["components"]["consumers"]
    found: dict[str, str] = component["away"]
    assert (component["status"] == "unavailable") == bool(found)
    return found


def test_its_events_arrive_once_with_a_receipt_and_its_account_balances(home: Path, env: dict[str, str]) -> None:
    (home / "users/alice").mkdir()
    with stack(home, env) as browser, processor(home, NAME, **env):
        ids = {post_for(home, "alice") for _ in range(10)}
        assert set(browser.receive_ids(10)) == ids
        wait_until(lambda: files(home) == {f"alice/{id_}.json" for id_ in ids}, "all are delivered")
        wait_until(lambda: account(home)["delivered"] == 10, "the archive has the receipts")
        counts = account(home)
        assert (counts["accepted"], counts["waiting"], counts["expired"], counts["missing"]) == (10, 0, 0, 0)
        kinds = {
            entry["kind"]: entry.get("tube") for entry in call_query(home, f"/api/message/{ids.pop()}").json["trace"]
        }
        assert kinds["delivered"] == NAME
        labels = call_query(home, "/api/ledger").json["consumers"][NAME]
        assert (labels["title"], labels["outcomes"][0]["label"]) == ("User files", "Delivered")
        assert read_metrics(home)[f"messages_delivered_total{{{NAME}}}"] == 10


def test_while_it_is_away_the_others_go_on_and_it_catches_up_later(home: Path, env: dict[str, str]) -> None:
    (home / "users/alice").mkdir()
    with stack(home, env) as browser:
        ids = {post_for(home, "alice") for _ in range(5)}
        assert set(browser.receive_ids(5)) == ids
        wait_until(lambda: settled_ledger(home)["tubes"]["archive"]["archived"] == 5, "the others have settled")
        wait_until(
            lambda: away(home) == {NAME: "No processor writes the users' files. Trades wait in the queue."},
            "it alone is reported as away",
        )
        wait_until(lambda: read_metrics(home)[f"waiting_jobs{{{NAME}}}"] == 5, "its jobs are counted")
        assert account(home)["waiting"] == 5
        with processor(home, NAME, **env):
            wait_until(lambda: len(files(home)) == 5, "it has caught up")
            wait_until(lambda: away(home) == {}, "all consumers are there")


def test_its_old_events_expire_while_it_is_away(home: Path, env: dict[str, str]) -> None:
    with stack(home, env), keeper(home, **env, TRADEWIRE_USER_FILES_MAX_AGE_SECONDS="1"):
        message_id = post_for(home, "alice")
        wait_until(lambda: account(home)["expired"] == 1, "the ledger counts it")
        [expired] = [
            entry
            for entry in call_query(home, f"/api/message/{message_id}").json["trace"]
            if entry["kind"] == "expired"
        ]
        assert (expired["tube"], expired["reason"]) == (NAME, "age")
        wait_until(lambda: NAME in away(home), "it is still reported as away")


def test_an_event_that_fails_is_delivered_later_and_the_others_at_once(home: Path, env: dict[str, str]) -> None:
    (home / "users/alice").mkdir()
    with stack(home, env), processor(home, NAME, **env):
        for user in ("alice", "bob", "alice"):
            post_for(home, user)
        wait_until(lambda: len(files(home)) == 2, "the files of alice are there")
        (home / "users/bob").mkdir()
        wait_until(lambda: len(files(home)) == 3, "the file of bob is there")
        wait_until(lambda: account(home)["delivered"] == 3, "the archive has the receipts")


def test_its_dead_letters_are_listed_requeued_and_deleted(home: Path, env: dict[str, str]) -> None:
    (home / "users/alice").mkdir()
    with stack(home, env), processor(home, NAME, **env):
        message_id = post_for(home, "../etc")
        path = f"/api/dead-letters?tube={NAME}"
        [letter] = wait_until(lambda: call_query(home, path, **OPERATOR).json["deadLetters"], "there is a dead letter")
        assert (letter["event"]["id"], letter["reason"]) == (message_id, "no folder can be named '../etc'")
        wait_until(lambda: account(home)["deadLetters"] == 1, "the ledger counts it")
        requeue = f"/api/dead-letters/{NAME}/{letter['id']}/requeue"
        assert call_query(home, requeue, method="POST", **OPERATOR).status == 200
        with open_queue(home) as queue:
            wait_until(lambda: queue.dead_letters(NAME, 10), "it is rejected again")
        [letter] = call_query(home, path, **OPERATOR).json["deadLetters"]
        delete = f"/api/dead-letters/{NAME}/{letter['id']}"
        assert call_query(home, delete, method="DELETE", **OPERATOR).status == 200
        wait_until(lambda: account(home)["discarded"] == 1, "the archive has the receipt")


def test_messages_from_before_it_was_enabled_are_not_missing_in_its_tube(home: Path, env: dict[str, str]) -> None:
    (home / "users/alice").mkdir()
    without = {name: value for name, value in env.items() if not name.startswith("TRADEWIRE_")}
    with stack(home, without) as browser:
        post_for(home, "alice")
        browser.receive_ids(1)
    with stack(home, env), processor(home, NAME, **env):
        post_for(home, "alice")
        wait_until(lambda: account(home)["delivered"] == 1, "the second message is delivered")
        assert account(home)["accepted"] == 1
    assert len(files(home)) == 1


@pytest.mark.parametrize("name", ["webhook", NAME])
def test_a_processor_of_a_consumer_that_is_not_enabled_is_refused(home: Path, name: str) -> None:
    with running([sys.executable, "-m", "processor", name], home) as process:
        assert process.wait(20) == 2
    [log] = home.glob("*.log")
    assert re.search(rf"unknown consumer.*consumer={name}.*live.*archive", log.read_text())


def test_its_settings_are_checked_with_all_others(home: Path, env: dict[str, str]) -> None:
    faulty = {"TRADEWIRE_USER_FILES_FOLDER": "here", "TRADEWIRE_USER_FILES_PROCESSORS": "3", "TRADEWIRE_LISTEN": "x"}
    environ = {"PATH": "", "TRADEWIRE_HOME": str(home), **env, **faulty}
    command = [sys.executable, "-m", "processor", NAME]
    process = subprocess.run(command, cwd=home, env=environ, capture_output=True, text=True, check=False)
    assert process.returncode == 2
    assert all(name in process.stdout + process.stderr for name in faulty)


def test_what_is_left_can_be_delivered_and_dead_letters_stay(home: Path, env: dict[str, str]) -> None:
    (home / "users/alice").mkdir()
    for folder in ("run", "sock/supervised", "audit"):
        (home / folder).mkdir(exist_ok=True)
    with beanstalkd(home), ingest_api(home, **env):
        ids = {post_for(home, "alice") for _ in range(3)}
        post_for(home, "../etc")
    environ = {
        "PATH": "/usr/bin:/bin:/usr/sbin",
        **env,
        "TRADEWIRE_HOME": str(home),
        "TRADEWIRE_CONSUMERS": "live,archive",
    }
    command = [sys.executable, "-P", "-m", "deploy.consumer", "drain", NAME]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=60)
    assert files(home) == {f"alice/{id_}.json" for id_ in ids}
    assert done.returncode == 1
    assert f"there are still 0 jobs and 1 dead letters in the tube of {NAME}\n" in done.stderr
    assert f"deploy/consumer drop {NAME}" in done.stderr
    with beanstalkd(home), open_queue(home) as queue:
        assert [queue.counts(NAME)[:3], queue.counts("live").ready] == [(0, 0, 1), 4]
