"""How the API learns the states of programs, which only supervisord knows. The tests run a supervisord of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.integration.conftest import query_api
from tests.integration.test_monitor import expect_fault, expect_recovery
from tests.integration.test_probes import metrics_env, read_metrics
from tests.support import ROOT, running, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["metrics_env"]

CONFIG = f"""
[supervisord]
logfile=%(here)s/supervisord.log
pidfile=%(here)s/supervisord.pid
[unix_http_server]
file=%(here)s/control.sock
[supervisorctl]
serverurl=unix://%(here)s/control.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[program:steady]
command=sleep 600

[program:queue]
command=sh -c "test -e damage && echo 'Errors reading one or more WAL files.'; exec sleep 600"
stdout_events_enabled=true

[group:pair]
programs=weak,idle
[program:weak]
command=sh -c "test -e strength && exec sleep 600"
startretries=0
[program:idle]
command=sleep 600
autostart=false

[eventlistener:supervisor-states]
command={sys.executable} {ROOT}/deploy/supervisor_states.py
events=PROCESS_STATE,PROCESS_LOG
buffer_size=1000
stderr_logfile=%(here)s/supervisor-states.log
"""


class Supervisord:
    """A supervisord that runs in a home."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def control(self, *arguments: str) -> str:
        """Control it as an operator would; give what was printed."""
        command = [sys.executable, "-m", "supervisor.supervisorctl", "-c", str(self._home / "supervisord.conf")]
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False, timeout=60)
        return done.stdout + done.stderr

    def known(self) -> dict[str, str]:
        """Give the states that other processes can read."""
        try:
            known: dict[str, str] = json.loads((self._home / "sock/states.json").read_bytes())
        except FileNotFoundError:
            return {}
        return known


@contextmanager
def supervisord(home: Path) -> Iterator[Supervisord]:
    """Run a supervisord whose program `pair:weak` ends in FATAL as long as it lacks strength."""
    (home / "supervisord.conf").write_text(CONFIG)
    command = [sys.executable, "-m", "supervisor.supervisord", "--nodaemon", "-c", str(home / "supervisord.conf")]
    with running(command, home):
        yield Supervisord(home)


def test_each_programs_state_is_known_as_it_changes_and_survives_a_restart_of_the_listener(home: Path) -> None:
    with supervisord(home) as it:
        wait_until(lambda: it.known().get("pair:weak") == "fatal", "weak is given up")
        wait_until(lambda: it.known().get("steady") == "running", "steady runs")
        assert "pair:idle" not in it.known()
        it.control("restart", "supervisor-states")
        it.control("stop", "steady")
        wait_until(lambda: it.known().get("steady") == "stopped", "steady is stopped")
        assert it.known()["pair:weak"] == "fatal", "the new listener knows what the old one wrote"


def test_a_program_that_supervisord_gave_up_is_a_fault_until_it_runs_again(
    home: Path, metrics_env: dict[str, str]
) -> None:
    with query_api(home, **metrics_env), supervisord(home) as it:
        wait_until(lambda: it.known().get("pair:weak") == "fatal", "weak is given up")
        expect_fault(home, "programs", "failing .*pair:weak failed to start, and supervisord gave up", "not-ready")
        assert read_metrics(home)["program_up{pair:weak}"] == 0
        assert read_metrics(home)["program_up{steady}"] == 1
        (home / "strength").touch()
        it.control("start", "pair:weak")
        expect_recovery(home, "programs")
        assert read_metrics(home)["program_up{pair:weak}"] == 1


def test_a_queue_that_could_not_read_all_of_its_log_is_a_fault_until_it_can(
    home: Path, metrics_env: dict[str, str]
) -> None:
    (home / "damage").touch()
    with query_api(home, **metrics_env), supervisord(home) as it:
        expect_fault(home, "programs", "failing .*queue could not read all of its log when it started", "not-ready")
        assert read_metrics(home)["program_up{queue}"] == 1
        (home / "damage").unlink()
        (home / "strength").touch()
        it.control("start", "pair:weak")
        it.control("restart", "queue")
        expect_recovery(home, "programs")
