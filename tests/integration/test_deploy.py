"""What deploy/up and deploy/down promise: nothing starts with a fault, nothing runs twice, nothing is left."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from deploy.checkout import supervise_command
from deploy.stack import RECORDS
from tests.stack import Stack, stack
from tests.support import ASK_SECONDS, ROOT, example, free_port, needs_ipv6, require_program, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
OPERATORS_FILE = ROOT / "LICENSE"
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="root alone may act for other users")


@pytest.fixture
def idle() -> Iterator[Stack]:
    """Give a stack that does not run, in a home that does not exist, and end what a test leaves of it."""
    for program in ("nginx", "beanstalkd", "setpriv"):
        require_program(program)
    folder = Path(tempfile.mkdtemp(prefix="tw-", dir="/tmp"))
    folder.chmod(0o755)
    found = Stack(folder / "home", free_port())
    yield found
    done = found.deploy("down")
    left = found.processes()
    shutil.rmtree(folder, ignore_errors=True)
    assert (done.returncode, left) == (0, [])


@pytest.fixture(scope="module")
def running() -> Iterator[Stack]:
    """Give a stack that the tests share. None of them stops it."""
    home = Path(tempfile.mkdtemp(prefix="tw-", dir="/tmp"))
    home.chmod(0o755)
    (home / "sock/workers").mkdir(parents=True)
    with stack(home) as started:
        yield started
    shutil.rmtree(home, ignore_errors=True)


@contextmanager
def foreground(stack: Stack) -> Iterator[subprocess.Popen[str]]:
    """Run deploy/up --foreground in a session of its own, from a shell with a variable and open files of its own."""
    environ = {"TRADEWIRE_HOME": str(stack.home), "TRADEWIRE_LISTEN": f"127.0.0.1:{stack.port}", "OPERATORS_OWN": "1"}
    # Tests that a shell started in the background inherit an ignored SIGINT, which deploy/up would go on ignoring.
    up = f"exec env --default-signal=INT {ROOT}/deploy/up --foreground"
    script = f"exec 3<{OPERATORS_FILE} 4<{OPERATORS_FILE} 9<{OPERATORS_FILE}; {up}"
    process = subprocess.Popen(
        ["bash", "-c", script],
        env=os.environ | environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def wait_for_welcome(up: subprocess.Popen[str]) -> None:
    """Read what deploy/up prints up to its last line about a stack that is ready."""
    assert up.stdout is not None
    assert any("Stop  " in line for line in up.stdout), "it did not get ready"


def pids(stack: Stack) -> set[int]:
    """Give the ids of all processes of a stack."""
    return {process.pid for process in stack.processes()}


# ---- nothing is started with a fault


def test_every_fault_of_the_settings_is_named_at_once_and_nothing_is_started(idle: Stack) -> None:
    idle.env = {"TRADEWIRE_API_WORKERS": "0", "TRADEWIRE_NEW": "1", "TRADEWIRE_QUEUE_URL": "x"}
    done = idle.deploy("up")
    assert (done.returncode, done.stdout) == (2, "")
    for name in idle.env:
        assert name in done.stderr
    assert done.stderr.splitlines()[-1].startswith("Nothing was started. The settings come from the environment and")
    assert not idle.home.exists()


def test_every_fault_of_dotenv_is_named_before_anything_is_set_up_and_deploy_down_does_not_need_the_rest(
    idle: Stack,
) -> None:
    checkout = idle.home.parent / "checkout"  # short, for the sockets' paths
    for folder in ("deploy", "tradewire"):
        shutil.copytree(ROOT / folder, checkout / folder)
    (checkout / ".env").write_text("TRADEWIRE_LISTEN=x\nsecret\nTRADEWIRE_HOME=elsewhere\n")
    (checkout / ".env").chmod(0o644)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TRADEWIRE_")}

    def run(command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [checkout / "deploy" / command],
            env=environ,
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )

    done = run("up")
    assert (done.returncode, done.stdout) == (2, "")
    warning, first, second, third = done.stderr.splitlines()
    assert warning.startswith(f"{checkout}/.env can be read by every user")
    assert first == ".env, line 2: not of the form TRADEWIRE_NAME=VALUE"
    assert second.startswith("TRADEWIRE_LISTEN='x' can't be used")
    assert third.endswith(f"from {checkout}/.env.")
    done = run("down")
    assert (done.returncode, done.stderr.splitlines()) == (0, [first])
    assert done.stdout == f"Nothing to stop: no stack was ever started in {checkout}/elsewhere.\n"
    assert sorted(path.name for path in checkout.iterdir()) == [".env", "deploy", "tradewire"]


@pytest.mark.parametrize("option", ["--help", "--foregroundx"])
def test_an_unknown_option_is_refused(idle: Stack, option: str) -> None:
    for command in ("up", "down", "reload"):
        done = idle.deploy(command, option)
        assert done.returncode == 1
        assert done.stderr.startswith(f"deploy/{command}: {option} is not an option\nUsage: deploy/{command}")
    assert not idle.home.exists()


def test_a_port_that_is_taken_is_named_with_the_process_that_holds_it_and_nothing_is_started(idle: Stack) -> None:
    with socket.create_server(("127.0.0.1", idle.port)):
        done = idle.deploy("up")
    assert done.returncode == 1
    assert f"deploy/up: nginx can't listen on 127.0.0.1:{idle.port}: Address already in use; the port is" in done.stderr
    assert f"(process {os.getpid()})" in done.stderr
    assert pids(idle) == set()


def test_a_home_in_which_a_file_is_in_the_way_is_refused(idle: Stack) -> None:
    idle.home.mkdir()
    (idle.home / "sock").write_text("")
    done = idle.deploy("up")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"{idle.home}/sock must be a folder")


def test_a_stack_that_other_machines_reach_does_not_start_without_access_control(idle: Stack) -> None:
    idle.env = {"TRADEWIRE_LISTEN": f"0.0.0.0:{idle.port}"}
    done = idle.deploy("up")
    assert (done.returncode, done.stdout) == (2, "")
    assert (
        "TRADEWIRE_ACCESS must be set to keys, proxy, oidc or open: TRADEWIRE_LISTEN admits other machines"
        in done.stderr
    )
    assert "TRADEWIRE_TLS_CERT and TRADEWIRE_TLS_KEY must be set, or TRADEWIRE_TRUSTED_PROXIES" in done.stderr
    assert not idle.home.exists()


def test_a_certificate_that_can_not_be_used_is_named_before_anything_starts(idle: Stack) -> None:
    idle.env = {"TRADEWIRE_TLS_CERT": "/nothing/c.pem", "TRADEWIRE_TLS_KEY": "/nothing/k.pem"}
    done = idle.deploy("up")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(
        "TRADEWIRE_TLS_CERT=/nothing/c.pem can't be read: No such file or directory\n"
        "TRADEWIRE_TLS_KEY=/nothing/k.pem can't be read: No such file or directory\nNothing was started."
    )
    assert not idle.home.exists()
    done = idle.deploy("up", "--self-signed")
    assert (done.returncode, done.stdout) == (1, "")
    assert "--self-signed makes a certificate, and TRADEWIRE_TLS_CERT names another" in done.stderr


def test_a_reload_needs_a_stack_that_runs_with_a_certificate(idle: Stack, running: Stack) -> None:
    done = idle.deploy("reload")
    assert (done.returncode, done.stderr) == (
        1,
        f"deploy/reload: no stack was ever started in {idle.home}\nRun deploy/up first.\n",
    )
    done = running.deploy("reload")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"deploy/reload: the stack in {running.home} has no certificate\n")


def test_open_access_for_other_machines_is_warned_about_at_the_start_and_by_readyz(idle: Stack) -> None:
    idle.env = {"TRADEWIRE_LISTEN": f"0.0.0.0:{idle.port}", "TRADEWIRE_ACCESS": "open"}
    for _ in range(2):
        done = idle.deploy("up")
        assert done.returncode == 0
        assert "TRADEWIRE_ACCESS is open" in done.stderr
    health = idle.get("/readyz").json
    assert (health["status"], health["components"]["access"]["status"]) == ("degraded", "open")


# ---- addresses


@needs_ipv6
def test_every_address_of_the_list_is_served_and_localhost_means_both_loopbacks(idle: Stack) -> None:
    other = free_port()
    idle.env = {"TRADEWIRE_LISTEN": f"localhost:{idle.port}, 0.0.0.0:{other}", "TRADEWIRE_ACCESS": "open"}
    idle.up()
    for address in (("127.0.0.1", idle.port), ("::1", idle.port), ("127.0.0.1", other)):
        with socket.create_connection(address) as connection:
            connection.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
            assert connection.makefile("rb").readline().split()[1] == b"200"


# ---- it runs already


def test_deploy_up_changes_nothing_of_a_stack_that_runs(running: Stack) -> None:
    before = pids(running), sorted((path, path.stat().st_mtime) for path in (running.home / "conf").iterdir())
    done = running.deploy("up")
    assert done.returncode == 0
    assert done.stdout.startswith(f"Tradewire runs already; nothing was changed.\nTradewire is ready: {running.url}\n")
    assert len(done.stdout.splitlines()) <= 8
    after = pids(running), sorted((path, path.stat().st_mtime) for path in (running.home / "conf").iterdir())
    assert after == before


def test_settings_that_a_running_stack_was_not_started_with_are_named_without_values(
    running: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = pids(running)
    store = "postgresql://a:secret@b/c"
    monkeypatch.setattr(running, "env", {"TRADEWIRE_STORE_URL": store, "TRADEWIRE_API_WORKERS": "3"})
    done = running.deploy("up")
    assert (done.returncode, done.stdout) == (1, "")
    assert "would change supervisord.conf" not in done.stderr
    assert "TRADEWIRE_API_WORKERS, TRADEWIRE_STORE_URL" in done.stderr
    assert "secret" not in done.stderr
    assert pids(running) == before


def test_a_running_stack_can_not_be_attached_to(running: Stack) -> None:
    done = running.deploy("up", "--foreground")
    assert done.returncode == 1
    assert f"Tradewire runs already in {running.home}, and can't be attached to" in done.stderr


def test_a_running_stack_that_is_not_ready_is_reported_with_what_is_missing(running: Stack) -> None:
    running.supervisorctl("stop", "api-query")
    try:
        done = running.deploy("up")
        assert done.returncode == 1
        assert f"GET {running.url}readyz: 503 " in done.stderr
        assert "api-query: STOPPED\n" in done.stderr
        assert f"{running.home}/log/api-query.log:" in done.stderr
        assert "deploy/up: Tradewire runs, but is not ready" in done.stderr
    finally:
        running.supervisorctl("start", "api-query")
        running.wait_ready()


def test_log_files_that_others_deleted_are_made_again_when_supervisord_is_told_to(running: Stack) -> None:
    logs = sorted((running.home / "log").glob("*.log"))
    assert {"supervisord.log", "nginx.log", "supervisor-states.log"} <= {log.name for log in logs}
    for log in logs:
        log.unlink()
    os.kill(int(running.supervisorctl("pid")), signal.SIGUSR2)
    wait_until(lambda: all(log.exists() for log in logs), "every log is there")
    refused = running.get("/nothing").headers["X-Request-ID"]
    wait_until(lambda: refused in (running.home / "log/nginx.log").read_text(), "nginx logs into the new file")


def test_supervisord_writes_nothing_outside_the_home(running: Stack) -> None:
    opened = [file.path for file in psutil.Process(running.supervisord_pid()).open_files()]
    assert f"{running.home}/log/supervisor-states.log" in opened
    assert [path for path in opened if not path.startswith(f"{running.home}/")] == []


def test_the_log_of_nginx_holds_the_path_of_a_refused_request_but_not_its_query(running: Stack) -> None:
    running.supervisorctl("stop", "api-query")
    try:
        refused = [running.get(f"{path}?userId=secret-user") for path in ("/nothing", "/api/stats")]
    finally:
        running.supervisorctl("start", "api-query")
        running.wait_ready()
    assert [answer.status for answer in refused] == [404, 503]
    log = running.home / "log/nginx.log"
    wait_until(lambda: refused[1].headers["X-Request-ID"] in log.read_text(), "nginx has logged the second one")
    text = log.read_text()
    assert '"GET /nothing HTTP/1.1" 404 ' in text
    assert '"GET /api/stats HTTP/1.1" 503 ' in text
    assert "upstream: unix:sock/api-query.sock 502" in text
    assert "secret-user" not in text


@as_root
def test_another_user_can_not_stop_the_stack(running: Stack) -> None:
    before = pids(running)
    done = subprocess.run(
        [*NOBODY, ROOT / "deploy/down"],
        env={**os.environ, "TRADEWIRE_HOME": str(running.home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"deploy/down: the stack in {running.home} was started by root\n")
    assert pids(running) == before


@as_root
def test_programs_run_as_an_unprivileged_user_and_nginx_supervisord_and_the_guard_alone_as_root(running: Stack) -> None:
    users = {(process.name(), process.username()) for process in running.processes()}
    assert {name for name, user in users if user == "root"} == {"supervisord", "nginx", "python"}
    assert [
        process.pid for process in running.processes() if process.username() == "root" and process.name() == "python"
    ] == [running.pid("guard")]
    assert ("nginx", "tradewire") in users
    assert ("beanstalkd", "tradewire") in users


# ---- nothing is left, and nothing starts twice


def test_the_stack_keeps_no_file_open_of_the_shell_that_starts_it(idle: Stack) -> None:
    lock = idle.home.parent / "lock"
    environ = {**os.environ, "TRADEWIRE_HOME": str(idle.home), "TRADEWIRE_LISTEN": f"127.0.0.1:{idle.port}"}
    subprocess.run(["flock", lock, ROOT / "deploy/up"], env=environ, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["flock", "--nonblock", lock, "true"], check=True)


def test_deploy_up_waits_for_a_deploy_down_that_is_at_work_and_starts_the_stack_again(idle: Stack) -> None:
    idle.up()
    old = pids(idle)
    environ = {**os.environ, "TRADEWIRE_HOME": str(idle.home)}
    with subprocess.Popen([ROOT / "deploy/down"], env=environ, stdout=subprocess.PIPE, text=True) as down:
        assert down.stdout is not None
        assert down.stdout.readline().startswith("Stopping Tradewire")
        up = idle.deploy("up")
        assert (up.returncode, up.stderr) == (0, "")
        assert f"Another deploy/up or deploy/down is working on {idle.home}; waiting for it" in up.stdout
        assert down.wait() == 0
    assert old.isdisjoint(pids(idle))
    idle.wait_ready()


@pytest.mark.parametrize("is_guarded", [True, False])
def test_after_supervisord_was_killed_every_program_ends_and_the_guard_or_deploy_up_starts_anew(
    idle: Stack, *, is_guarded: bool
) -> None:
    idle.up()
    assert idle.post(example()).status == 201
    old = pids(idle)
    guard = psutil.Process(idle.pid("guard"))
    if not is_guarded:
        guard.suspend()  # else it is restarted before supervisord is killed
    idle.kill(idle.supervisord_pid())
    if not is_guarded:
        guard.kill()
    wait_until(lambda: not any(psutil.pid_exists(pid) for pid in old), "every program has ended")
    if not is_guarded:
        idle.up()
    idle.wait_ready()
    assert old.isdisjoint(pids(idle))
    wait_until(lambda: idle.get("/api/ledger").json["accepted"] == 1, "the message is kept", pause_seconds=ASK_SECONDS)


@pytest.mark.parametrize("user", [[], pytest.param(NOBODY, marks=as_root)], ids=["own", "nobody"])
def test_what_a_killed_supervisord_left_is_ended_by_deploy_down_and_nothing_else_is(
    idle: Stack, user: list[str]
) -> None:
    records = idle.home / RECORDS
    records.mkdir(parents=True)
    (idle.home / "run").mkdir()
    if user:
        for folder in (records, records.parent):
            os.chown(folder, 65534, 65534)
    left = [*user, *supervise_command(), f"{RECORDS}/x.pid-record", "sleep", "600"]
    with (
        subprocess.Popen(left, cwd=idle.home, process_group=0) as program,
        subprocess.Popen(["sleep", "600"], cwd=idle.home, process_group=0) as stranger,
    ):
        try:
            wait_until(lambda: psutil.Process(program.pid).name() == "sleep", "the program runs")
            done = idle.deploy("down")
            said = [f"supervisord was killed; ending what it left in {idle.home} …", "Stopped."]
            assert (done.returncode, done.stdout.splitlines()) == (0, said)
            assert program.wait() == -signal.SIGTERM
            assert stranger.poll() is None
        finally:
            program.kill()
            stranger.kill()


@as_root
def test_root_ends_no_process_for_a_record_that_another_user_can_write(idle: Stack) -> None:
    records = idle.home / RECORDS
    records.mkdir(parents=True)
    (idle.home / "run").mkdir()
    command = [*supervise_command(), f"{RECORDS}/forged.pid-record", "sleep", "600"]
    with subprocess.Popen(command, cwd=idle.home, process_group=0) as roots_own:
        try:
            wait_until(lambda: psutil.Process(roots_own.pid).name() == "sleep", "the program runs")
            for path in (records.parent, records, records / "forged.pid-record"):
                os.chown(path, 65534, 65534)
            assert idle.deploy("down").stdout == f"Nothing to stop: Tradewire does not run in {idle.home}.\n"
            assert roots_own.poll() is None
        finally:
            roots_own.kill()


def test_a_stopped_supervisord_is_named_by_deploy_up_and_stops_the_stack_in_order_with_deploy_down(idle: Stack) -> None:
    idle.up()
    supervisord = idle.supervisord_pid()
    os.kill(supervisord, signal.SIGSTOP)
    done = idle.deploy("up")
    assert done.returncode == 1
    assert f"deploy/up: supervisord (process {supervisord}) was stopped by a signal, and does nothing\n" in done.stderr
    assert f"kill -CONT {supervisord}" in done.stderr
    assert idle.deploy("down").returncode == 0
    log = (idle.home / "log/supervisord.log").read_text()
    assert log.index("stopped: nginx") < log.index("stopped: beanstalkd")


def test_what_a_killed_nginx_left_is_ended_before_nginx_starts_again(running: Stack) -> None:
    master = psutil.Process(running.pid("nginx"))
    [worker] = master.children()
    worker.suspend()  # it holds the port, and does not notice that its master has ended
    running.kill(master.pid)
    wait_until(lambda: not psutil.pid_exists(worker.pid), "the worker has ended")
    running.wait_ready()


def test_deploy_down_needs_no_setting_but_the_home_and_says_if_nothing_runs(idle: Stack) -> None:
    idle.env = {"TRADEWIRE_API_WORKERS": "0", "TRADEWIRE_NEW": "1", "TRADEWIRE_LISTEN": "x"}
    done = idle.deploy("down")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"Nothing to stop: no stack was ever started in {idle.home}.\n"
    (idle.home / "run").mkdir(parents=True)
    done = idle.deploy("down")
    assert (done.returncode, done.stdout) == (0, f"Nothing to stop: Tradewire does not run in {idle.home}.\n")


def test_deploy_down_waits_for_another_command_that_works_on_the_home(idle: Stack) -> None:
    (idle.home / "run").mkdir(parents=True)
    folder = os.open(idle.home / "run", os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    environ = {**os.environ, "TRADEWIRE_HOME": str(idle.home)}
    with subprocess.Popen([ROOT / "deploy/down"], env=environ, stdout=subprocess.PIPE, text=True) as down:
        assert down.stdout is not None
        assert down.stdout.readline().startswith("Another deploy/up or deploy/down is working on")
        os.close(folder)
        assert down.stdout.read() == f"Nothing to stop: Tradewire does not run in {idle.home}.\n"
    assert down.returncode == 0


# ---- in the foreground


def test_in_the_foreground_a_signal_stops_the_stack_in_order(idle: Stack) -> None:
    with foreground(idle) as up:
        wait_for_welcome(up)
        up.send_signal(signal.SIGTERM)
        rest = up.communicate()[0]
        assert up.returncode == 0
    assert rest.splitlines()[-1] == "Tradewire has stopped."
    assert rest.index("stopped: nginx") < rest.index("stopped: beanstalkd")
    assert pids(idle) == set()


def test_a_stack_in_the_foreground_can_be_stopped_by_deploy_down_and_inherits_nothing_of_the_operators(
    idle: Stack,
) -> None:
    with foreground(idle) as up:
        wait_for_welcome(up)
        supervisord = psutil.Process(idle.supervisord_pid())
        for process in (supervisord, *supervisord.children()):
            assert "OPERATORS_OWN" not in process.environ()
            assert str(OPERATORS_FILE) not in {file.path for file in process.open_files()}
        assert os.getsid(supervisord.pid) == supervisord.pid
        assert idle.deploy("down").returncode == 0
        assert up.wait() == 0


def test_a_signal_during_the_start_stops_the_stack_again(idle: Stack) -> None:
    with foreground(idle) as up:
        wait_until((idle.home / "run/supervisord.pid").exists, "supervisord starts")
        up.send_signal(signal.SIGINT)
        output = up.communicate()[0]
        assert up.returncode == 1
    assert "deploy/up: it was told to stop before it was ready\nNothing runs now." in output
    assert pids(idle) == set()


def test_a_stack_in_the_foreground_ends_with_deploy_up_even_by_kill_9(idle: Stack) -> None:
    with foreground(idle) as up:
        wait_for_welcome(up)
        up.kill()
    wait_until(lambda: not pids(idle), "every program has ended", 60)  # supervisord stops one after another


def test_a_supervisord_that_ends_by_itself_is_a_failure(idle: Stack) -> None:
    with foreground(idle) as up:
        wait_for_welcome(up)
        idle.kill(idle.supervisord_pid())
        output = up.communicate()[0]
        assert up.returncode == 1
    assert "deploy/up: supervisord has ended by itself, with status -9; all programs were stopped" in output
    assert pids(idle) == set()
