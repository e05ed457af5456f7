"""A full or read-only disk ends no program of a stack, and the stack mends by itself."""

from __future__ import annotations

import shutil
import sys
import tempfile
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from supervisor.loggers import LevelsByName, LogRecord

from deploy.queue_room import RESERVE_BYTES
from deploy.steady_supervisord import SteadyLog
from tests.disks import Disk, small_disk
from tests.integration.conftest import open_queue
from tests.stack import Stack, is_settled, stack
from tests.support import ROOT, example, is_listening, wait_until
from tests.support import running as running_program
from tests.watcher import Watcher
from tradewire.queue import LIVE

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator, Mapping

FOLDERS = ("log", "queue", "store", "metrics", "ledger")
SIZES = {"store": "1g"}
BATCH = b"\n".join(example(userId=str(number)) for number in range(1000))


class SmallStack(NamedTuple):
    """A running stack, and the small disks that its folders are."""

    stack: Stack
    disks: Mapping[str, Disk]


@pytest.fixture(scope="module")
def running() -> Iterator[SmallStack]:
    """Give a stack that the tests share, as each of them leaves it whole."""
    home = Path(tempfile.mkdtemp(prefix="tw-", dir="/tmp"))
    home.chmod(0o755)
    (home / "sock/workers").mkdir(parents=True)
    with ExitStack() as mounts, stack(home, RATE_LIMIT="off", BATCH_RATE_LIMIT="off") as started:
        assert started.deploy("down").returncode == 0  # the folders have their owners and modes now
        disks = {
            name: mounts.enter_context(small_disk(home / name, f"size={SIZES.get(name, '64m')}", "nr_inodes=1000"))
            for name in FOLDERS
        }
        started.up()
        started.wait_ready()
        with Watcher(started.port):  # else the live tube would fill the queue
            yield SmallStack(started, disks)
        assert started.deploy("down").returncode == 0
    shutil.rmtree(home)


@pytest.mark.parametrize("fault", ["full", "without_inodes", "read_only"])
@pytest.mark.parametrize("names", [*((name,) for name in FOLDERS), FOLDERS], ids="-".join)
def test_a_disk_that_takes_nothing_ends_no_program_and_loses_no_message(
    running: SmallStack, names: tuple[str, ...], fault: str
) -> None:
    started, before = running.stack, running.stack.get("/api/ledger").json["accepted"]
    pids = {program: pid for program, (_, pid) in started.states().items()}
    supervisord = started.supervisord_pid()
    with ExitStack() as faults:
        for name in names:
            faults.enter_context(getattr(running.disks[name], fault)())
        started.kill(started.pid("processors:live-1"))  # supervisord, and the new process, have something to log
        statuses = []
        for _ in range(25 if "queue" in names else 3):  # its log has room for about ten batches before it needs a file
            statuses.append(started.get("/api/messages", method="POST", body=BATCH).status)
            assert started.post(b"{}").status in {400, 503}
        assert (503 in statuses) >= ("queue" in names)
        assert set(statuses) <= {201, 503}
        assert started.supervisord_pid() == supervisord
        ended = {program for program, (_, pid) in started.states().items() if pid != pids[program]}
        assert ended <= {"processors:live-1"}
    accepted = 1000 * statuses.count(201)
    started.wait_ready()
    assert started.supervisord_pid() == supervisord
    ledger: dict[str, Any] = {}

    def has_settled() -> bool:
        ledger.clear()
        ledger.update(started.get("/api/ledger").json)
        return is_settled(ledger) and ledger["accepted"] == before + accepted

    wait_until(has_settled, "the ledger knows them, and nothing is on its way", 60, pause_seconds=0.2)
    assert ledger["status"] == "balanced"
    assert [tube["missing"] for tube in ledger["tubes"].values()] == [0, 0]
    assert started.post(example()).status == 201


def test_a_log_names_how_much_it_lacks_since_its_disk_was_full_or_its_folder_was_gone(home: Path) -> None:
    folder, path = home / "log", home / "log/x.log"
    folder.mkdir()
    with small_disk(folder, "size=64k") as disk:
        log = SteadyLog(str(path), "ab", 20_000, 2)
        with disk.full():
            for _ in range(100):
                log.emit(LogRecord(LevelsByName.INFO, b"x" * 100))
        before = path.stat().st_size
        log.emit(LogRecord(LevelsByName.INFO, b"again\n"))
        missing = 100 * 100 - before
        assert (
            path.read_text()[before:]
            == f"\n[{missing} bytes of this log are missing: it could not be written]\nagain\n"
        )
        for _ in range(500):
            log.emit(LogRecord(LevelsByName.INFO, b"y" * 100))
        assert {file.name for file in folder.iterdir()} == {"x.log", "x.log.1", "x.log.2"}
        log.remove()
    folder.rmdir()
    log.emit(LogRecord(LevelsByName.INFO, b"lost"))
    folder.mkdir()
    log.emit(LogRecord(LevelsByName.INFO, b"again\n"))
    log.close()
    assert path.read_text() == "\n[4 bytes of this log are missing: it could not be written]\nagain\n"


def test_a_killed_supervisord_is_started_again_while_the_disk_is_full(running: SmallStack) -> None:
    started, killed = running.stack, running.stack.supervisord_pid()
    with ExitStack() as faults:
        for disk in running.disks.values():
            faults.enter_context(disk.full())
        started.kill(killed)
        wait_until(lambda: len(started.states()) > 1, "supervisord answers", 60)
    started.wait_ready()
    assert started.supervisord_pid() != killed


def test_beanstalkd_starts_once_more_on_a_full_disk_from_its_reserve(home: Path) -> None:
    folder = home / "queue"
    folder.mkdir()
    server = ["beanstalkd", "-l", f"unix:{home}/sock/beanstalkd.sock", "-b", "queue"]
    command = [sys.executable, "-IS", str(ROOT / "deploy/queue_room.py"), *server]
    with small_disk(folder, "size=300m") as disk, open_queue(home) as queue:
        for condition in (nullcontext, disk.full):
            with condition(), started(command, home) as process:
                assert (folder / "reserve").exists() == (condition is nullcontext)
                if condition is nullcontext:
                    queue.put(b"kept", [LIVE])
                    queue.close()
                process.kill()
                process.wait()
        with started(command, home):
            assert (folder / "reserve").stat().st_size == RESERVE_BYTES
            assert [job.body for job in queue.reserve(LIVE, 10, 0)] == [b"kept"]


@contextmanager
def started(command: list[str], home: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run beanstalkd and wait until it answers."""
    with running_program(command, home) as process:
        wait_until(lambda: is_listening(home / "sock/beanstalkd.sock"), "beanstalkd listens")
        yield process
