"""Real faults of durability: the log, /readyz and /metrics report each fault and its end within 5 s."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests import disks
from tests.integration.conftest import call_query, event_json, ingest_api, open_queue, post, processor, query_api
from tests.integration.test_beanstalk import break_log, log_that_can_fail
from tests.integration.test_probes import metrics_env, read_metrics
from tests.postgres import postgres
from tests.support import (
    ASK_SECONDS,
    ROOT,
    beanstalkd,
    example,
    is_listening,
    require_program,
    running,
    wait_until,
    wsserver,
)
from tradewire.queue import ARCHIVE, LIVE

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["metrics_env"]
MB = 1_000_000


def last_log_line(home: Path, component: str) -> str:
    """Return the last log line about a component, or an empty string."""
    lines = [line for log in home.glob("*.log") for line in log.read_text().splitlines()]
    return max(
        (line for line in lines if re.search(rf"event=(fault|recovered) component={component}\b", line)), default=""
    )


def expect_fault(home: Path, component: str, words: str, overall: str) -> None:
    """Wait until a fault is logged without any request. Then check /readyz and /metrics."""
    pattern = rf"level=error .*event=fault .*{words}"
    wait_until(
        lambda: re.search(pattern, last_log_line(home, component)),
        f"the log reports: {words}",
    )
    response = call_query(home, "/readyz")
    report = response.json["components"][component]
    assert re.search(words, f"{report['status']} {report['detail']}")
    assert (response.status, response.json["status"]) == (503 if overall == "not-ready" else 200, overall)
    assert read_metrics(home)[f"component_up{{{component}}}"] == 0


def expect_ok(home: Path, component: str) -> None:
    """Wait until a component is ok."""
    wait_until(lambda: read_metrics(home).get(f"component_up{{{component}}}") == 1, f"{component} is ok")


def expect_recovery(home: Path, component: str) -> None:
    """Wait until the end of a fault is logged. Then check /readyz and /metrics."""
    wait_until(
        lambda: "event=recovered" in last_log_line(home, component),
        f"the log reports the recovery of {component}",
    )
    assert call_query(home, "/readyz").json["components"][component]["status"] == "ok"
    assert read_metrics(home)[f"component_up{{{component}}}"] == 1


class Disk:
    """A small file system mounted over a folder. Only programs started with the command prefix `enter` see it."""

    def __init__(self, holder: subprocess.Popen[bytes], folder: Path) -> None:
        namespace = f"/proc/{holder.pid}/ns/mnt"
        self.enter = [require_program("nsenter"), f"--mount={namespace}", f"--wd={folder.parent}", "--no-fork"]
        self.ballast = Path(f"/proc/{holder.pid}/root{folder}/ballast")

    def fill(self) -> None:
        """Fill the file system completely."""
        with self.ballast.open("ab", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(4096))

    def empty(self) -> None:
        """Free the space again."""
        self.ballast.unlink()


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Disk]:
    """Mount a file system of this size. Skip the test if the user may not mount."""
    if subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode:
        pytest.skip("mounting a small file system needs root")
    folder.mkdir(exist_ok=True)
    script = 'mount -t tmpfs -o "size=$2" none "$1" && echo mounted >"$1/mounted" && exec sleep 600'
    command = ["unshare", "--mount", "sh", "-c", script, "sh", str(folder), size]
    with running(command, folder.parent) as holder:
        wait_until(lambda: Path(f"/proc/{holder.pid}/root{folder}/mounted").exists(), "the file system is mounted")
        yield Disk(holder, folder)


@contextmanager
def query_api_on(disk: Disk, home: Path, env: dict[str, str]) -> Iterator[None]:
    """Run the api-query program with access to the small disk."""
    command = [*disk.enter, sys.executable, "-m", "gunicorn", "-c", str(ROOT / "deploy/gunicorn_query.conf.py")]
    with running(command, home, env):
        wait_until(lambda: is_listening(home / "sock/api-query.sock"), "gunicorn listens")
        yield


def test_a_beanstalkd_without_a_log_is_reported(home: Path, metrics_env: dict[str, str]) -> None:
    with query_api(home, **metrics_env), ingest_api(home):
        with beanstalkd(home, "-V"):
            expect_fault(home, "queue", r"unavailable .*without a log \(-b\)", "not-ready")
            assert read_metrics(home)["queue_durable"] == 0
        with beanstalkd(home):
            expect_recovery(home, "queue")
            assert read_metrics(home)["queue_durable"] == 1


def test_a_beanstalkd_that_stopped_writing_its_log_is_reported(home: Path, metrics_env: dict[str, str]) -> None:
    with query_api(home, **metrics_env), ingest_api(home):
        with log_that_can_fail(home) as process:
            expect_ok(home, "queue")
            break_log(process)
            post(home, example())
            post(home, example())
            expect_fault(home, "queue", "stopped writing its log", "not-ready")
        with beanstalkd(home):
            expect_recovery(home, "queue")


def test_a_full_disk_under_the_queues_log_is_reported(home: Path, metrics_env: dict[str, str]) -> None:
    with small_disk(home / "queue", "2m") as disk, query_api_on(disk, home, metrics_env), ingest_api(home):
        log = ["-b", str(home / "queue"), "-s", "65536"]
        command = [*disk.enter, require_program("beanstalkd"), "-l", f"unix:{home}/sock/beanstalkd.sock", *log]
        with running(command, home):
            expect_ok(home, "queue")
            disk.fill()
            # The check is smaller than a message: the rest of the log's file may hold one and not the other.
            wait_until(
                lambda: (
                    post(home, example(pad="x" * 20_000)).status == 503
                    and post(home, example()).status == 503
                    and "out of memory" in last_log_line(home, "queue")
                ),
                "messages are refused, and the log says why",
                pause_seconds=ASK_SECONDS,
            )
            expect_fault(home, "queue", "out of memory, or of disk for its log", "not-ready")
            expect_fault(home, "disk", f"nearly full at {home}/queue", "not-ready")
            disk.empty()
            expect_recovery(home, "queue")
            expect_recovery(home, "disk")
            assert post(home, example()).status == 201


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("full", "No space left on device"),
        ("without_inodes", "No space left on device"),
        ("read_only", "Read-only file system"),
    ],
)
def test_a_disk_that_takes_no_account_of_messages_is_reported(
    home: Path, metrics_env: dict[str, str], fault: str, reason: str
) -> None:
    folder = home / "ledger"
    folder.mkdir()
    with (
        disks.small_disk(folder, "size=8m,nr_inodes=200") as disk,
        beanstalkd(home),
        query_api(home, **metrics_env),
        ingest_api(home, TRADEWIRE_API_WORKERS="1"),
    ):
        assert post(home, example()).status == 201
        expect_ok(home, "ingest")
        with getattr(disk, fault)():
            wait_until(lambda: post(home, example()).status == 503, "messages are refused")
            expect_fault(home, "ingest", f"can't be kept in {folder}.*{reason}.*; messages are refused", "not-ready")
        expect_recovery(home, "ingest")
        assert post(home, example()).status == 201


def test_a_queue_that_is_nearly_full_or_full_is_reported(home: Path, metrics_env: dict[str, str]) -> None:
    env = {**metrics_env, "TRADEWIRE_QUEUE_MAX_BYTES": str(10 * MB)}
    with (
        beanstalkd(home, "-b", str(home / "queue"), "-s", "1000000"),
        query_api(home, **env),
        ingest_api(home),
        open_queue(home) as queue,
    ):
        for _ in range(80):
            queue.put(b"x" * 100_000, [LIVE])
        expect_fault(home, "queue", "nearly-full.*over 80% of its limit", "degraded")
        assert 0.8 <= read_metrics(home)["queue_fill_ratio"] <= 1
        for _ in range(30):
            queue.put(b"x" * 100_000, [LIVE])
        expect_fault(home, "queue", "the queue is full", "not-ready")
        assert read_metrics(home)["waiting_jobs{live}"] == 110
        while jobs := queue.reserve(LIVE, 1000, 0):
            queue.delete(jobs)
        expect_recovery(home, "queue")


def test_a_draining_queue_is_reported(home: Path, metrics_env: dict[str, str]) -> None:
    with beanstalkd(home) as process, query_api(home, **metrics_env), ingest_api(home):
        process.send_signal(signal.SIGUSR1)
        expect_fault(home, "queue", "draining", "not-ready")


def test_a_full_disk_under_the_database_is_reported(home: Path, metrics_env: dict[str, str]) -> None:
    with (
        small_disk(home / "store", "4m") as disk,
        beanstalkd(home),
        wsserver(home),
        ingest_api(home),
        query_api_on(disk, home, metrics_env),
        running([*disk.enter, sys.executable, "-m", "processor", "archive"], home, metrics_env),
        open_queue(home) as queue,
    ):
        queue.put(event_json(), [ARCHIVE])
        wait_until(lambda: read_metrics(home).get("messages_archived_total") == 1, "the event is archived")
        disk.fill()
        for _ in range(2000):
            queue.put(event_json(), [ARCHIVE])
        expect_fault(home, "disk", f"nearly full at {home}/store", "degraded")
        expect_fault(home, "archive", "behind .*waited 3 s or longer", "degraded")
        assert read_metrics(home)["oldest_job_age_seconds{archive}"] >= 3
        disk.empty()
        expect_recovery(home, "archive")
        expect_recovery(home, "disk")
        wait_until(lambda: read_metrics(home)["messages_archived_total"] == 2001, "all are archived")


def test_a_stopped_database_is_reported(home: Path, metrics_env: dict[str, str]) -> None:
    with postgres(home) as server, beanstalkd(home), ingest_api(home):
        env = {**metrics_env, "TRADEWIRE_STORE_URL": server.create_database()}
        with query_api(home, **env), processor(home, "archive", **env):
            expect_ok(home, "store")
            server.stop()
            expect_fault(home, "store", "unavailable .*messages are shown, and wait in the queue", "degraded")
            assert read_metrics(home)["store_up"] == 0
            with open_queue(home) as queue:
                queue.put(event_json(), [ARCHIVE])
            expect_fault(home, "consumers", "no processor takes jobs from live and archive", "degraded")
            server.start()
            expect_recovery(home, "store")
            wait_until(lambda: read_metrics(home).get("messages_archived_total") == 1, "the waiting event is archived")
            assert read_metrics(home)["store_up"] == 1


def test_a_nearly_full_disk_is_reported(home: Path, metrics_env: dict[str, str]) -> None:
    with (
        small_disk(home / "store", "20m") as disk,
        beanstalkd(home),
        ingest_api(home),
        query_api_on(disk, home, metrics_env),
    ):
        disk.ballast.write_bytes(bytes(18 * MB))
        wait_until(lambda: read_metrics(home)["disk_free_bytes{store}"] < 4 * MB, "space is used")
        assert read_metrics(home)["component_up{disk}"] == 1
        disk.ballast.write_bytes(bytes(20 * MB))
        expect_fault(home, "disk", f"nearly full at {home}/store", "degraded")
        disk.empty()
        expect_recovery(home, "disk")


@pytest.mark.parametrize("component", ["queue", "wsserver"])
def test_a_hanging_neighbour_is_reported_and_delays_no_response(
    home: Path, metrics_env: dict[str, str], component: str
) -> None:
    with beanstalkd(home) as queue, wsserver(home) as server, query_api(home, **metrics_env), ingest_api(home):
        process, overall = (queue, "not-ready") if component == "queue" else (server, "degraded")
        expect_ok(home, component)
        process.send_signal(signal.SIGSTOP)
        try:
            expect_fault(home, component, "unavailable no answer within 1.5 s|unavailable .*no answer within", overall)
        finally:
            process.send_signal(signal.SIGCONT)
        expect_recovery(home, component)


def test_an_operator_token_that_others_may_read_is_reported_until_it_is_private(home: Path) -> None:
    token = home / "operator-token"
    token.touch(mode=0o600)
    with beanstalkd(home), query_api(home):
        expect_ok(home, "operator-token")
        token.chmod(0o640)
        expect_fault(home, "operator-token", f"exposed.*other users may read or change {token}", "not-ready")
        token.chmod(0o600)
        expect_recovery(home, "operator-token")


def test_a_log_that_an_outside_reader_keeps_from_being_emptied_is_reported_until_that_reader_ends(home: Path) -> None:
    database = home / "store.db"
    env = {"TRADEWIRE_STORE_URL": f"sqlite:///{database}"}
    with beanstalkd(home), query_api(home, **env), processor(home, "archive", **env):
        expect_ok(home, "store")
        with closing(sqlite3.connect(database, isolation_level=None)) as outsider:
            outsider.execute("BEGIN")
            outsider.execute("SELECT * FROM events")
            with open_queue(home) as queue:
                queue.put(event_json(), [ARCHIVE])
            # The log grows as it would with a million messages; SQLite gives no meaning to what is behind its end.
            os.truncate(f"{database}-wal", 300 * 2**20)
            expect_fault(home, "store", f"growing.*{database}-wal is over 256 MiB.*fuser -v", "not-ready")
            assert read_metrics(home)["store_up"] == 1
        expect_recovery(home, "store")
        assert Path(f"{database}-wal").stat().st_size <= 64 * 2**20
