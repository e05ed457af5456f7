"""Faults of durability, each provoked for real: /readyz, /metrics and the log tell of it within 5 s, and of its end."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.integration.conftest import ask, gunicorn, line, post, processor, queue_of, reads
from tests.integration.test_beanstalk import break_log, log_that_can_fail
from tests.integration.test_probes import STANDING_SECONDS, counting, samples
from tests.postgres import postgres
from tests.support import ROOT, beanstalkd, connects, example, need, running, wait_until, wsserver
from tradewire.queue import ARCHIVE, LIVE

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["counting"]
MB = 1_000_000


def last_said(home: Path, part: str) -> str:
    """Give the last line that a log has about a part; empty where there is none."""
    lines = [line for log in home.glob("*.log") for line in log.read_text().splitlines()]
    return max((line for line in lines if re.search(rf"event=(fault|recovered) component={part}\b", line)), default="")


def fault(home: Path, part: str, words: str, overall: str) -> None:
    """Wait until a fault is known: to the log, with nobody asking, then to /readyz and /metrics."""
    pattern = rf"level=error .*event=fault .*{words}"
    wait_until(lambda: re.search(pattern, last_said(home, part)), f"the log tells: {words}", STANDING_SECONDS)
    answer = ask(home, "/readyz")
    told = answer.json["components"][part]
    assert re.search(words, f"{told['status']} {told['detail']}")
    assert (answer.status, answer.json["status"]) == (503 if overall == "not-ready" else 200, overall)
    assert samples(home)[f"component_up{{{part}}}"] == 0


def fine(home: Path, part: str) -> None:
    """Wait until a part is as it should be."""
    wait_until(lambda: samples(home).get(f"component_up{{{part}}}") == 1, f"{part} is fine")


def mended(home: Path, part: str) -> None:
    """Wait until the end of a fault is known."""
    wait_until(
        lambda: "event=recovered" in last_said(home, part), f"the log tells that {part} is mended", STANDING_SECONDS
    )
    assert ask(home, "/readyz").json["components"][part]["status"] == "ok"
    assert samples(home)[f"component_up{{{part}}}"] == 1


class Disk:
    """A small file system of its own over a folder, which only programs that are started with `enter` can see."""

    def __init__(self, holder: subprocess.Popen[bytes], folder: Path) -> None:
        namespace = f"/proc/{holder.pid}/ns/mnt"
        self.enter = [need("nsenter"), f"--mount={namespace}", f"--wd={folder.parent}", "--no-fork"]
        self.ballast = Path(f"/proc/{holder.pid}/root{folder}/ballast")

    def fill(self) -> None:
        """Leave no room."""
        with self.ballast.open("ab", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(4096))

    def empty(self) -> None:
        """Give the room back."""
        self.ballast.unlink()


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Disk]:
    """Mount a file system of this size, where this user may."""
    if subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode:
        pytest.skip("mounting a small file system needs root")
    folder.mkdir(exist_ok=True)
    script = 'mount -t tmpfs -o "size=$2" none "$1" && echo mounted >"$1/mounted" && exec sleep 600'
    command = ["unshare", "--mount", "sh", "-c", script, "sh", str(folder), size]
    with running(command, folder.parent) as holder:
        wait_until(lambda: Path(f"/proc/{holder.pid}/root{folder}/mounted").exists(), "it is mounted")
        yield Disk(holder, folder)


@contextmanager
def reads_on(disk: Disk, home: Path, env: dict[str, str]) -> Iterator[None]:
    """Run the API that answers questions where the small disk can be seen."""
    command = [*disk.enter, sys.executable, "-m", "gunicorn", "-c", str(ROOT / "deploy/gunicorn_reads.conf.py")]
    with running(command, home, env):
        wait_until(lambda: connects(home / "sock/api-query.sock"), "gunicorn listens")
        yield


def test_a_beanstalkd_without_a_log(home: Path, counting: dict[str, str]) -> None:
    with reads(home, **counting), gunicorn(home):
        with beanstalkd(home, "-V"):
            fault(home, "queue", r"unavailable .*without a log \(-b\)", "not-ready")
            assert samples(home)["queue_log_healthy"] == 0
        with beanstalkd(home):
            mended(home, "queue")
            assert samples(home)["queue_log_healthy"] == 1


def test_a_beanstalkd_that_goes_on_in_memory_alone(home: Path, counting: dict[str, str]) -> None:
    with reads(home, **counting), gunicorn(home):
        with log_that_can_fail(home) as process:
            fine(home, "queue")
            break_log(process)
            post(home, example())
            post(home, example())
            fault(home, "queue", "stopped writing its log", "not-ready")
        with beanstalkd(home):
            mended(home, "queue")


def test_a_full_disk_for_the_queues_log(home: Path, counting: dict[str, str]) -> None:
    with small_disk(home / "queue", "2m") as disk, reads_on(disk, home, counting), gunicorn(home):
        log = ["-b", str(home / "queue"), "-s", "65536"]
        command = [*disk.enter, need("beanstalkd"), "-l", f"unix:{home}/sock/beanstalkd.sock", *log]
        with running(command, home):
            fine(home, "queue")
            disk.fill()
            wait_until(lambda: post(home, example(pad="x" * 20_000)).status == 503, "messages are refused")
            fault(home, "queue", "out of memory, or of disk for its log", "not-ready")
            fault(home, "disk", f"nearly full at {home}/queue", "not-ready")
            disk.empty()
            mended(home, "queue")
            mended(home, "disk")
            assert post(home, example()).status == 201


def test_a_queue_that_is_too_deep(home: Path, counting: dict[str, str]) -> None:
    bound = {**counting, "TRADEWIRE_QUEUE_MAX_BYTES": str(10 * MB)}
    with (
        beanstalkd(home, "-b", str(home / "queue"), "-s", "1000000"),
        reads(home, **bound),
        gunicorn(home),
        queue_of(home) as queue,
    ):
        for _ in range(80):
            queue.put(b"x" * 100_000, [LIVE])
        fault(home, "queue", "nearly-full.*over 80% of its limit", "degraded")
        assert 0.8 <= samples(home)["queue_fill_ratio"] <= 1
        for _ in range(30):
            queue.put(b"x" * 100_000, [LIVE])
        fault(home, "queue", "the queue is full", "not-ready")
        assert samples(home)["waiting_jobs{live}"] == 110
        while jobs := queue.reserve(LIVE, 1000, 0):
            queue.delete(jobs)
        mended(home, "queue")


def test_a_queue_that_drains(home: Path, counting: dict[str, str]) -> None:
    with beanstalkd(home) as process, reads(home, **counting), gunicorn(home):
        process.send_signal(signal.SIGUSR1)
        fault(home, "queue", "draining", "not-ready")


def test_a_full_disk_for_the_database(home: Path, counting: dict[str, str]) -> None:
    with (
        small_disk(home / "store", "4m") as disk,
        beanstalkd(home),
        wsserver(home),
        gunicorn(home),
        reads_on(disk, home, counting),
        running([*disk.enter, sys.executable, "-m", "processor", "archive"], home, counting),
        queue_of(home) as queue,
    ):
        queue.put(line(), [ARCHIVE])
        wait_until(lambda: samples(home).get("messages_archived_total") == 1, "one is archived")
        disk.fill()
        for _ in range(2000):
            queue.put(line(), [ARCHIVE])
        fault(home, "disk", f"nearly full at {home}/store", "degraded")
        fault(home, "archive", "behind .*waited 3 s or longer", "degraded")
        assert samples(home)["oldest_job_age_seconds{archive}"] >= 3
        disk.empty()
        mended(home, "archive")
        mended(home, "disk")
        wait_until(lambda: samples(home)["messages_archived_total"] == 2001, "all are archived")


def test_a_database_that_is_away(home: Path, counting: dict[str, str]) -> None:
    with postgres(home) as server, beanstalkd(home), gunicorn(home):
        url = {**counting, "TRADEWIRE_STORE_URL": server.database()}
        with reads(home, **url), processor(home, "archive", **url):
            fine(home, "store")
            server.stop()
            fault(home, "store", "unavailable .*messages are shown, and wait in the queue", "degraded")
            assert samples(home)["store_up"] == 0
            with queue_of(home) as queue:
                queue.put(line(), [ARCHIVE])
            fault(home, "consumers", "no processor takes jobs from live and archive", "degraded")
            server.start()
            mended(home, "store")
            wait_until(lambda: samples(home).get("messages_archived_total") == 1, "what waited is archived")
            assert samples(home)["store_up"] == 1


def test_a_disk_that_is_nearly_full(home: Path, counting: dict[str, str]) -> None:
    with small_disk(home / "store", "20m") as disk, beanstalkd(home), gunicorn(home), reads_on(disk, home, counting):
        disk.ballast.write_bytes(bytes(18 * MB))
        wait_until(lambda: samples(home)["disk_free_bytes{store}"] < 4 * MB, "room is taken")
        assert samples(home)["component_up{disk}"] == 1
        disk.ballast.write_bytes(bytes(20 * MB))
        fault(home, "disk", f"nearly full at {home}/store", "degraded")
        disk.empty()
        mended(home, "disk")


@pytest.mark.parametrize("part", ["queue", "wsserver"])
def test_a_neighbour_that_hangs_holds_up_no_answer(home: Path, counting: dict[str, str], part: str) -> None:
    with beanstalkd(home) as queue, wsserver(home) as server, reads(home, **counting), gunicorn(home):
        process, overall = (queue, "not-ready") if part == "queue" else (server, "degraded")
        fine(home, part)
        process.send_signal(signal.SIGSTOP)
        try:
            fault(home, part, "unavailable no answer within 1.5 s|unavailable .*no answer within", overall)
        finally:
            process.send_signal(signal.SIGCONT)
        mended(home, part)
