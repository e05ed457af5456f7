"""deploy/reload: a stack takes a new certificate while it runs, and refuses a pair that can't be used."""

from __future__ import annotations

import re
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests import tls
from tests.integration.encrypted import Encrypted, encrypted_stack
from tests.support import ASK_SECONDS, TIMEOUT_SECONDS, example, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.tls import Files


@pytest.fixture(scope="module")
def started() -> Iterator[Encrypted]:
    """Give a stack that the tests share."""
    with encrypted_stack() as running:
        yield running


@pytest.fixture
def other(tmp_path: Path) -> Files:
    """Give another pair."""
    return tls.make(tmp_path, "other")


@contextmanager
def files_of(started: Encrypted, other: Files) -> Iterator[None]:
    """Let the files that the settings name have another content."""
    started.files.replace(other)
    try:
        yield
    finally:
        started.files.replace(started.original)
        assert started.stack.deploy("reload").returncode == 0


# ---- a new certificate


def test_a_new_certificate_holds_at_once_and_ends_neither_a_browser_nor_a_producer(
    started: Encrypted, other: Files
) -> None:
    with (
        tls.feed(started.port, tls.context()) as feed,
        closing(tls.connection(started.port)) as producer,
    ):
        assert "hello" in str(feed.recv(TIMEOUT_SECONDS))
        assert tls.ask(producer, "/api/message", "POST", body=example()).status == 201
        sock = producer.sock
        with files_of(started, other):
            done = started.stack.deploy("reload")
            assert (done.returncode, done.stderr) == (0, "")
            assert "No connection was ended." in done.stdout
            assert tls.served(started.port) == other.der
            posted = tls.ask(producer, "/api/message", "POST", body=example(userId="after")).json["id"]
            assert producer.sock is sock
            while posted not in str(feed.recv(TIMEOUT_SECONDS)):
                pass
    assert tls.served(started.port) == started.original.der


FAULTS = ["a key of another pair", "no certificate", "no key", "it has expired"]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_pair_that_can_not_be_used_is_refused_and_nginx_goes_on_with_its_own(
    started: Encrypted, other: Files, tmp_path: Path, fault: str
) -> None:
    if fault == "a key of another pair":
        other.key.write_bytes(started.original.key.read_bytes())
    elif fault == "no certificate":
        other.certificate.write_text("")
    elif fault == "no key":
        other.key.write_text("")
    else:
        other = tls.make_until(tmp_path, "expired", datetime(2025, 1, 2, tzinfo=UTC))
    with files_of(started, other):
        done = started.stack.deploy("reload")
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("deploy/reload: ")
        assert done.stderr.endswith("Nothing was changed: nginx goes on with the certificate that it has.\n")
        assert tls.served(started.port) == started.original.der


def test_files_that_are_away_are_named_and_nginx_can_start_again_without_them(started: Encrypted) -> None:
    kept = [path.read_bytes() for path in started.files]
    for path in started.files:
        path.unlink()
    try:
        done = started.stack.deploy("reload")
        assert done.returncode == 1
        assert done.stderr.count("can't be read: No such file or directory") == 2
        before = started.stack.pid("nginx")
        started.stack.kill(before)
        wait_until(lambda: is_served(started, before), "nginx serves its certificate again")
    finally:
        for path, content in zip(started.files, kept, strict=True):
            path.write_bytes(content)


def is_served(started: Encrypted, before: int) -> bool:
    """Return whether another nginx than the one before serves the certificate that the stack was started with."""
    try:
        return started.stack.pid("nginx") != before and tls.served(started.port) == started.original.der
    except OSError:
        return False


def test_a_certificate_that_expires_soon_degrades_the_stack_and_metrics_tell_when(
    started: Encrypted, tmp_path: Path
) -> None:
    end = (datetime.now(UTC) + timedelta(days=3)).replace(microsecond=0)
    with files_of(started, tls.make_until(tmp_path, "soon", end)):
        assert started.stack.deploy("reload").returncode == 0
        wait_until(
            lambda: started.components()["certificate"]["status"] == "expiring", "/readyz tells", 60, ASK_SECONDS
        )
        health = tls.get(started.port, "/readyz").json
        assert (health["status"], health["components"]["certificate"]["expiresAt"]) == (
            "degraded",
            f"{end:%Y-%m-%dT%H:%M:%SZ}",
        )
        page = tls.get(started.port, "/metrics").body.decode()
        [value] = re.findall(r"^tradewire_certificate_expiry_timestamp_seconds (\S+)$", page, re.MULTILINE)
        assert float(value) == end.timestamp()
        assert started.stack.deploy("up").returncode == 0, "a certificate that expires soon can be used"
    wait_until(
        lambda: started.components()["certificate"]["status"] == "ok", "the new certificate is reported", 60, 0.2
    )


# ---- commands


def test_deploy_up_changes_nothing_of_a_stack_that_runs_and_names_its_address(started: Encrypted) -> None:
    done = started.stack.deploy("up")
    assert done.returncode == 0
    assert f"Tradewire is ready: https://127.0.0.1:{started.port}/\n" in done.stdout


def test_the_demo_posts_over_tls(started: Encrypted) -> None:
    def accepted() -> int:
        return int(tls.get(started.port, "/api/ledger").json.get("accepted", -1))  # the ledger may be unread as yet

    wait_until(lambda: accepted() >= 0, "the ledger is read", 60, 0.2)
    before = accepted()
    started.stack.supervisorctl("start", "demo")
    try:
        wait_until(lambda: accepted() > before, "a trade is accepted", 60, 0.2)
    finally:
        started.stack.supervisorctl("stop", "demo")
