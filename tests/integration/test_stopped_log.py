"""beanstalkd stops writing its log after a failed write: nothing is confirmed until the keeper has had it restarted."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from tests.disks import small_disk
from tests.integration.conftest import open_queue
from tests.integration.test_beanstalk import break_log, delete_files, error_of, log_that_can_fail, take_all_bodies
from tests.support import running, wait_until
from tradewire.queue import LIVE, Rejected

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from tradewire.queue import Queue

STOPPED = "stopped writing its log"


def stop_log(queue: Queue, process: subprocess.Popen[bytes]) -> None:
    """Let one write to the log fail. The disk takes later ones, but beanstalkd does not resume its log."""
    queue.check()
    break_log(process)
    assert error_of(lambda: queue.put(b"refused", [LIVE]))
    break_log(process, broken=False)
    assert STOPPED in error_of(lambda: queue.put(b"refused, too", [LIVE]))


def restarts(queue: Queue) -> bool:
    """Look after the queue. Return whether beanstalkd is ended."""
    return str(queue.maintain(may_restart=True)).endswith("its disk takes writes again, so it is restarted")


def test_the_keeper_has_beanstalkd_restarted_and_every_confirmed_job_is_there_again(home: Path) -> None:
    with running([sys.executable, "-m", "processor.keeper"], home), open_queue(home) as queue:

        def has_logged(text: str) -> bool:
            return any(text in log.read_text() for log in home.glob("python*.log"))

        with log_that_can_fail(home) as process:
            queue.put(b"waiting", [LIVE])
            queue.put(b"delivered", ["other"])
            stop_log(queue, process)
            assert process.wait(60) == -signal.SIGTERM
        wait_until(lambda: has_logged(f"beanstalkd {STOPPED} after an error; its disk takes writes"), "it says why")
        with log_that_can_fail(home):
            queue.check()
            queue.put(b"new", [LIVE])
            assert take_all_bodies(queue) == [b"waiting", b"new"]
            wait_until(lambda: has_logged("all jobs are in files again"), "it says that the repair is done")


def test_what_was_settled_since_the_log_stopped_comes_back(home: Path) -> None:
    with open_queue(home) as queue:
        with log_that_can_fail(home) as process:
            queue.put(b"shown", [LIVE])
            stop_log(queue, process)
            jobs = queue.reserve(LIVE, 1, 0)
            queue.put_receipt(b"the receipt")
            queue.delete(jobs)
            queue.maintain(may_restart=True)
            assert process.wait(60) == -signal.SIGTERM
        with log_that_can_fail(home):
            queue.check()
            assert take_all_bodies(queue) == [b"shown"], "so it is shown again, and has a receipt again"


def test_a_beanstalkd_that_the_stack_does_not_run_itself_is_left_alone(home: Path) -> None:
    with log_that_can_fail(home) as process, open_queue(home) as queue:
        stop_log(queue, process)
        for _ in range(3):
            assert queue.maintain(may_restart=False) is None
        assert process.poll() is None
        assert STOPPED in error_of(queue.check)


def test_beanstalkd_runs_on_until_its_disk_takes_writes(home: Path) -> None:
    (home / "queue").mkdir()
    with small_disk(home / "queue", "size=64m") as disk, log_that_can_fail(home) as process, open_queue(home) as queue:
        queue.put(b"kept", [LIVE])
        stop_log(queue, process)
        with disk.full():
            repair = queue.maintain(may_restart=True)
            assert repair is not None
            assert repair.endswith("it is restarted when its disk takes writes again: No space left on device")
            assert take_all_bodies(queue)[0] == b"kept", "meanwhile consumers go on"
        wait_until(lambda: restarts(queue), "the disk is tried again")
        assert process.wait(60) == -signal.SIGTERM
        assert not [path for path in (home / "queue").iterdir() if path.name not in {"lock", "binlog.1"}]


def test_beanstalkd_runs_on_while_jobs_are_in_its_memory_alone(home: Path) -> None:
    with log_that_can_fail(home) as process, open_queue(home) as queue:
        queue.put(b"its file is deleted", [LIVE])
        stop_log(queue, process)
        delete_files(home)
        repair = queue.maintain(may_restart=True)
        assert repair is not None
        assert repair.endswith("files of it have vanished or were cut, so it is restarted when all jobs are taken")
        assert take_all_bodies(queue)[0] == b"its file is deleted"
        wait_until(lambda: restarts(queue), "no job is left")
        assert process.wait(60) == -signal.SIGTERM


def test_beanstalkd_runs_on_while_an_older_file_of_its_log_is_cut(home: Path) -> None:
    bodies = [b"%d" % number + bytes(1_000_000) for number in range(12)]
    with log_that_can_fail(home) as process, open_queue(home) as queue:
        for body in bodies:
            queue.put(body, [LIVE])
        assert queue.maintain(may_restart=True) is None, "the sizes of its files are known now"
        stop_log(queue, process)
        os.truncate(home / "queue/binlog.1", 1_000_000)
        repair = queue.maintain(may_restart=True)
        assert repair is not None
        assert repair.endswith("files of it have vanished or were cut, so it is restarted when all jobs are taken")
        assert take_all_bodies(queue)[: len(bodies)] == bodies
        wait_until(lambda: restarts(queue), "no job is left")
        assert process.wait(60) == -signal.SIGTERM


@pytest.mark.parametrize("act", ["requeue", "discard"])
def test_nothing_is_done_to_a_dead_letter_that_a_restart_would_undo(home: Path, act: str) -> None:
    with log_that_can_fail(home) as process, open_queue(home) as queue:
        queue.put(b"event", [LIVE])
        [job] = queue.reserve(LIVE, 1, 0)
        queue.dead_letter(job, [Rejected(b"event", "why")])
        [letter] = queue.dead_letters(LIVE, 10)
        stop_log(queue, process)
        assert STOPPED in error_of(lambda: getattr(queue, act)(LIVE, letter.id))
        assert queue.dead_letters(LIVE, 10) == [letter]
        assert queue.counts(LIVE).dead_letters == 1
