"""A full or read-only disk ends no program of a stack, and the stack mends by itself."""

from __future__ import annotations

import sys
from contextlib import ExitStack, contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING

import pytest
from supervisor.loggers import LevelsByName, LogRecord

from deploy import own_queue
from deploy.queue_room import RESERVE_BYTES
from deploy.stack import RECORDS
from deploy.steady_supervisord import SteadyLog
from tests.disks import quota_disk, small_disk
from tests.integration.conftest import open_queue
from tests.integration.small_stack import EACH_AND_ALL, SmallStack, check_that_nothing_is_lost, small_stack
from tests.support import ROOT, is_listening, wait_until
from tests.support import running as running_program
from tradewire.queue import LIVE
from tradewire.settings import Settings

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tests.disks import Disk


@pytest.fixture(scope="module")
def running() -> Iterator[SmallStack]:
    """Give a stack that the tests share, as each of them leaves it whole."""

    def mount(folder: Path) -> AbstractContextManager[Disk]:
        return small_disk(folder, f"size={'1g' if folder.name == 'store' else '64m'},nr_inodes=1000")

    with small_stack(mount) as small:
        yield small


@pytest.mark.parametrize("fault", ["full", "without_inodes", "read_only"])
@pytest.mark.parametrize("names", EACH_AND_ALL, ids="-".join)
def test_a_disk_that_takes_nothing_ends_no_program_and_loses_no_message(
    running: SmallStack, names: tuple[str, ...], fault: str
) -> None:
    check_that_nothing_is_lost(running, names, fault)


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


@pytest.mark.parametrize(
    ("mount", "fault"),
    [
        (partial(small_disk, options="size=300m"), "full"),
        (partial(small_disk, options="size=300m,nr_inodes=1000"), "without_inodes"),
        (quota_disk, "over_quota"),
    ],
)
def test_beanstalkd_starts_once_more_on_a_full_disk_from_its_reserve(
    home: Path, mount: Callable[[Path], AbstractContextManager[Disk]], fault: str
) -> None:
    folder = home / "queue"
    folder.mkdir()
    server = ["beanstalkd", "-l", f"unix:{home}/sock/beanstalkd.sock", "-b", "queue"]
    command = [sys.executable, "-IS", str(ROOT / "deploy/queue_room.py"), *server]
    with mount(folder) as disk, open_queue(home) as queue:
        for condition in (nullcontext, nullcontext, getattr(disk, fault)):
            with condition(), started(command, home) as process:
                assert (folder / "reserve").exists() == (condition is nullcontext)
                if condition is nullcontext:
                    queue.put(b"kept", [LIVE])
                    queue.close()
                process.kill()
                process.wait()
        with started(command, home):
            assert (folder / "reserve").stat().st_size == RESERVE_BYTES
            assert [job.body for job in queue.reserve(LIVE, 10, 0)] == [b"kept"] * 2


def test_the_queue_of_a_stack_that_is_down_can_be_emptied_on_a_full_disk(home: Path) -> None:
    settings = Settings(home=home)
    for folder in ("queue", RECORDS):
        (home / folder).mkdir(parents=True)
    with small_disk(home / "queue", "size=300m") as disk, open_queue(home) as queue:
        with own_queue.serve(settings):
            queue.put(b"kept", [LIVE])
            queue.close()
        with disk.full(), own_queue.serve(settings):
            jobs = queue.reserve(LIVE, 10, 0)
            assert [job.body for job in jobs] == [b"kept"]
            queue.delete(jobs)
            queue.close()
        with own_queue.serve(settings):
            assert queue.reserve(LIVE, 10, 0) == []


@contextmanager
def started(command: list[str], home: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run beanstalkd and wait until it answers."""
    with running_program(command, home) as process:
        wait_until(lambda: is_listening(home / "sock/beanstalkd.sock"), "beanstalkd listens")
        yield process
