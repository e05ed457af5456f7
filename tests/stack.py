"""A whole stack for tests, with a home directory and port of its own: deploy/up starts it, deploy/down ends it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psutil

from tests.support import ROOT, TIMEOUT_SECONDS, Response, free_port, get, require_program, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

DEPLOY_TIMEOUT_SECONDS = 180


@dataclass
class Stack:
    """A stack with its own home and port, running or not."""

    home: Path
    port: int
    env: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The address of the page."""
        return f"http://127.0.0.1:{self.port}/"

    def deploy(self, command: str, *arguments: str, typed: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a script of deploy/ for this stack, with a text on standard input, and return the finished process."""
        return subprocess.run(
            [ROOT / "deploy" / command, *arguments],
            env=self._environ(),
            input=typed,
            capture_output=True,
            text=True,
            timeout=DEPLOY_TIMEOUT_SECONDS,
            check=False,
        )

    def begin(self, command: str, *arguments: str) -> subprocess.Popen[str]:
        """Start a script of deploy/ for this stack, in a process group of its own, with pipes. Do not wait for it."""
        return subprocess.Popen(
            [ROOT / "deploy" / command, *arguments],
            env=self._environ(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def up(self) -> None:
        """Start the stack and wait until it is ready. If it runs already, change nothing."""
        result = self.deploy("up")
        assert result.returncode == 0, f"deploy/up failed:\n{result.stdout}\n{result.stderr}\n{self.logs()}"

    def supervisorctl(self, *arguments: str) -> str:
        """Run supervisorctl as an operator would and return its output."""
        control = [sys.executable, "-m", "supervisor.supervisorctl"]
        command = [*control, "-c", str(self.home / "conf/supervisord.conf"), *arguments]
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        return result.stdout + result.stderr

    @contextmanager
    def stopped(self, program: str) -> Iterator[None]:
        """Stop a program during a block, as an operator would."""
        self.supervisorctl("stop", program)
        try:
            yield
        finally:
            self.supervisorctl("start", program)

    def states(self) -> dict[str, tuple[str, int | None]]:
        """Return the state of each program and, if it runs, its process id."""
        states: dict[str, tuple[str, int | None]] = {}
        for line in self.supervisorctl("status").splitlines():
            name, state, *rest = line.split()
            pid = int(rest[1].rstrip(",")) if state == "RUNNING" else None
            states[name] = state, pid
        return states

    def pid(self, program: str) -> int:
        """Wait until a program runs and return its process id."""
        return wait_until(lambda: self.states().get(program, ("", None))[1], f"{program} runs")

    def supervisord_pid(self) -> int:
        """Return the process id of supervisord."""
        return int((self.home / "run/supervisord.pid").read_text())

    def kill(self, pid: int) -> None:
        """Check that a process belongs to this stack, then kill it with SIGKILL."""
        process = psutil.Process(pid)
        assert str(self.home) in process.cwd(), f"{process} belongs to another stack"
        process.send_signal(signal.SIGKILL)

    def crash(self, pid: int) -> None:
        """Kill a program, and wait until its successor has ended the workers that it left: until then, they answer."""
        left = psutil.Process(pid).children()
        self.kill(pid)
        _, alive = psutil.wait_procs(left, TIMEOUT_SECONDS)
        assert not alive, f"no successor has ended {alive}"

    def processes(self) -> list[psutil.Process]:
        """Return every process whose working directory is this home."""
        processes = []
        for process in psutil.process_iter():
            try:
                if process.cwd() == str(self.home) and process.status() != psutil.STATUS_ZOMBIE:
                    processes.append(process)
            except psutil.Error:
                continue
        return processes

    def programs(self) -> Iterator[tuple[str, psutil.Process]]:
        """Yield every process, with the name of its program or consumer. Those that supervise have one name."""
        yield "supervision", psutil.Process(self.supervisord_pid())
        for name, (_, pid) in self.states().items():
            if pid is not None:
                program = re.sub(r"^processors:|-[0-9]+$", "", name)
                leader = psutil.Process(pid)
                for process in (leader, *leader.children(recursive=True)):
                    yield ("supervision" if program in ("guard", "supervisor-states") else program), process

    def get(self, path: str, **arguments: Any) -> Response:
        """Send a request through nginx."""
        return get(self.port, path, **arguments)

    def post(self, body: bytes, **headers: str) -> Response:
        """Post a message through nginx."""
        options: dict[str, Any] = {"method": "POST", "body": body, **headers}
        return self.get("/api/message", **options)

    def wait_ready(self) -> None:
        """Wait until /readyz reports that every component is ok, or else that access alone is open to a network."""

        def ready() -> bool:
            try:
                answer = self.get("/readyz").json
                components = answer.get("components", {})
                faulty = {name for name, component in components.items() if component["status"] != "ok"}
                return bool(answer["status"] == "ready" or (answer["status"], faulty) == ("degraded", {"access"}))
            except (OSError, ValueError):
                return False

        # nginx limits how often one address may ask.
        wait_until(ready, lambda: f"/readyz reports ready\n{self.logs()}", 2 * TIMEOUT_SECONDS, pause_seconds=0.1)

    def logs(self) -> str:
        """Return the end of each program's log, for failure messages."""
        tails = [
            f"--- {path.name}\n{path.read_text(errors='replace')[-1500:]}"
            for path in sorted((self.home / "log").glob("*.log"))
        ]
        return "\n".join(tails)

    def _environ(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("TRADEWIRE_")}
        own = {"TRADEWIRE_HOME": str(self.home), "TRADEWIRE_LISTEN": f"127.0.0.1:{self.port}"}
        return inherited | own | self.env


@contextmanager
def stack(home: Path, port: int = 0, /, **settings: str) -> Iterator[Stack]:
    """Run a stack, by default on a free port. `settings` are TRADEWIRE_ variables, named without this prefix."""
    for program in ("nginx", "beanstalkd", "setpriv"):
        require_program(program)
    (home / "sock/workers").rmdir()
    (home / "sock").rmdir()  # deploy/up creates the folders with the right owners and modes
    running = Stack(home, port or free_port(), {f"TRADEWIRE_{name}": value for name, value in settings.items()})
    try:
        running.up()
        yield running
    finally:
        result = running.deploy("down")
        assert result.returncode == 0, f"deploy/down failed:\n{result.stdout}\n{result.stderr}"
        survivors = running.processes()
        assert not survivors, f"deploy/down left {survivors}"


def is_settled(ledger: Mapping[str, Any]) -> bool:
    """Return whether nothing is on its way and every loss is named, given the answer of /api/ledger."""
    is_answer = "pendingSlots" in ledger  # and no refusal, because this polls often or a component is away
    return is_answer and not any([ledger["pendingSlots"], *(tube["waiting"] for tube in ledger["tubes"].values())])
