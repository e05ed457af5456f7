"""deploy/supervise.py ends what a program's predecessor left, by recorded id, and never any other process."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from deploy import supervise
from deploy.checkout import supervise_command
from tests.support import require_program, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

RECORD = "x.pid-record"


@pytest.fixture(autouse=True)
def _programs() -> None:
    require_program("setpriv")


def run(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it in a home to its end."""
    return subprocess.run(
        [*supervise_command(), *arguments], cwd=home, capture_output=True, text=True, check=False, timeout=60
    )


def left(home: Path) -> set[int]:
    """Give what it says is left of the record's program."""
    return set(map(int, run(home, "--left", RECORD).stdout.split()))


@contextmanager
def supervised(home: Path, *command: str, record: str = RECORD) -> Iterator[psutil.Process]:
    """Run a command as supervisord does, as the leader of a group; end what the group has at the end."""
    with subprocess.Popen([*supervise_command(), record, *command], cwd=home, process_group=0) as process:
        try:
            wait_until(lambda: psutil.Process(process.pid).name() == Path(command[0]).name, "the command runs")
            yield psutil.Process(process.pid)
        finally:
            for member in members(process.pid):
                member.kill()


def members(group: int) -> list[psutil.Process]:
    """Give the living processes of a group."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (ProcessLookupError, psutil.NoSuchProcess):
            continue
    return found


def has_ended(process: psutil.Process) -> bool:
    """Tell whether a process runs no longer."""
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def orphan(leader: psutil.Process) -> psutil.Process:
    """Kill a leader, a shell, and give the child that it leaves."""
    wait_until(leader.children, "it has a child")
    [child] = leader.children()
    leader.kill()
    wait_until(lambda: has_ended(leader), "the leader has ended")
    return child


def test_a_command_replaces_the_process_that_supervisord_started(home: Path) -> None:
    done = run(home, RECORD, "sh", "-c", "echo $$; cat /proc/self/stat | cut -d' ' -f1 >&2; exit 3")
    boot, leader, _ = (home / RECORD).read_text().split()
    assert (done.returncode, done.stdout.split()) == (3, [leader])
    assert boot == Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def test_what_a_predecessor_left_is_ended_before_the_command_starts(home: Path) -> None:
    with supervised(home, "sh", "-c", "sleep 600 & wait") as leader:
        child = orphan(leader)
        assert left(home) == {child.pid}
        done = run(home, RECORD, "echo", "started")
        assert has_ended(child)
        assert done.stdout == "started\n"
        assert f"ending {child.pid} ({RECORD})" in done.stderr


def test_a_process_that_ignores_term_is_killed_after_the_seconds_given(home: Path) -> None:
    with supervised(home, "sh", "-c", "trap '' TERM; sleep 600 & wait; wait") as leader:
        wait_until(leader.children, "it has a child")
        assert left(home) == {leader.pid, leader.children()[0].pid}
        assert run(home, "--end", "0.3", RECORD).returncode == 0
        assert members(leader.pid) == []
    assert not (home / RECORD).exists()


def test_the_record_stays_as_long_as_a_process_can_not_be_ended(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with supervised(home, "sleep", "600") as leader:
        monkeypatch.chdir(home)
        monkeypatch.setattr(supervise, "_send", lambda *_: None)
        monkeypatch.setattr(supervise, "KILLED_SECONDS", 0.2)
        assert not supervise.end([RECORD], 0.1)
        assert (home / RECORD).exists()
        assert not has_ended(leader)


def test_a_process_that_has_the_id_of_an_earlier_leader_is_not_touched(home: Path) -> None:
    with supervised(home, "sleep", "600") as stranger:
        boot, leader, started = (home / RECORD).read_text().split()
        for began in (int(started) - 1, int(started) + 1):
            (home / RECORD).write_text(f"{boot} {leader} {began}\n")
            assert left(home) == set()
            assert run(home, "--end", "1", RECORD).returncode == 0
        assert not has_ended(stranger)


def test_a_process_of_another_home_is_not_touched(home: Path, tmp_path: Path) -> None:
    with supervised(tmp_path, "sleep", "600") as stranger:
        (home / RECORD).write_text((tmp_path / RECORD).read_text())
        assert left(home) == set()
        assert left(tmp_path) == {stranger.pid}


@pytest.mark.parametrize("text", ["", "\n", "x y z", "{boot} 1", "other-boot {pid} {started}"])
def test_a_record_of_another_boot_or_an_incomplete_one_names_no_process(home: Path, text: str) -> None:
    with supervised(home, "sleep", "600") as process:
        boot, pid, started = (home / RECORD).read_text().split()
        (home / RECORD).write_text(text.format(boot=boot, pid=pid, started=started))
        assert left(home) == set()
        assert run(home, "--end", "1", RECORD).returncode == 0
        assert not has_ended(process)


def test_a_name_with_brackets_and_blanks_confuses_nothing(home: Path) -> None:
    strange = home / "a) R 1 (b"
    strange.symlink_to("/bin/sleep")
    with supervised(home, str(strange), "600") as process:
        assert left(home) == {process.pid}


def test_a_command_ends_with_its_parent_even_by_kill_9(home: Path) -> None:
    script = "import subprocess, sys, time; subprocess.Popen(sys.argv[1:], process_group=0); time.sleep(600)"
    command = [*supervise_command()[:1], "-c", script, *supervise_command(), RECORD, "sleep", "600"]
    with subprocess.Popen(command, cwd=home) as parent:
        [child] = wait_until(
            lambda: [child for child in psutil.Process(parent.pid).children() if child.name() == "sleep"], "it runs"
        )
        parent.send_signal(signal.SIGKILL)
    wait_until(lambda: has_ended(child), "the command has ended")


def test_a_command_can_not_gain_privileges(home: Path) -> None:
    assert "NoNewPrivs:\t1\n" in run(home, RECORD, "cat", "/proc/self/status").stdout


def test_a_record_that_can_not_be_written_keeps_no_program_from_starting(home: Path) -> None:
    done = run(home, f"missing/{RECORD}", "echo", "started")
    assert (done.returncode, done.stdout) == (0, "started\n")
    assert f"can't write missing/{RECORD}: No such file or directory" in done.stderr
