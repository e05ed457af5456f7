"""A whole stack for tests: started by deploy/up in a home and on a port of its own, ended by deploy/down."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psutil

from tests.support import PATIENCE_SECONDS, ROOT, Answer, free_port, get, need, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UP_SECONDS = 180


@dataclass
class Stack:
    """A running stack."""

    home: Path
    port: int
    env: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The page's address."""
        return f"http://127.0.0.1:{self.port}/"

    def deploy(self, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a script of deploy/ for this stack; give what it did."""
        return subprocess.run(
            [ROOT / "deploy" / command, *arguments],
            env=self._environ(),
            capture_output=True,
            text=True,
            timeout=UP_SECONDS,
            check=False,
        )

    def up(self) -> None:
        """Start it, or what is missing of it."""
        done = self.deploy("up")
        assert done.returncode == 0, f"deploy/up failed:\n{done.stdout}\n{done.stderr}\n{self.logs()}"

    def supervisorctl(self, *arguments: str) -> str:
        """Run supervisorctl as an operator would; give what it printed."""
        control = [sys.executable, "-m", "supervisor.supervisorctl"]
        command = [*control, "-c", str(self.home / "conf/supervisord.conf"), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        return done.stdout + done.stderr

    def states(self) -> dict[str, tuple[str, int | None]]:
        """Give each part's state and, where it runs, its process id."""
        states: dict[str, tuple[str, int | None]] = {}
        for line in self.supervisorctl("status").splitlines():
            name, state, *rest = line.split()
            pid = int(rest[1].rstrip(",")) if state == "RUNNING" else None
            states[name] = state, pid
        return states

    def pid(self, part: str) -> int:
        """Give the process id of a part that runs."""
        wait_until(lambda: self.states().get(part, ("", None))[1], f"{part} runs")
        pid = self.states()[part][1]
        assert pid is not None
        return pid

    def supervisord_pid(self) -> int:
        """Give supervisord's process id."""
        return int((self.home / "run/supervisord.pid").read_text())

    def kill(self, pid: int) -> None:
        """Kill -9 a process, after checking that it is of this stack."""
        process = psutil.Process(pid)
        assert str(self.home) in process.cwd(), f"{process} is none of ours"
        process.send_signal(signal.SIGKILL)

    def processes(self) -> list[psutil.Process]:
        """Give every process that works in this home."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.cwd() == str(self.home) and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def get(self, path: str, **arguments: Any) -> Answer:
        """Make a request through nginx."""
        return get(self.port, path, **arguments)

    def post(self, body: bytes, **headers: str) -> Answer:
        """Post a message through nginx."""
        return get(self.port, "/api/message", method="POST", body=body, **headers)

    def live(self) -> dict[str, int]:
        """Give the counts of the live tube, once the queue answers."""
        found: dict[str, int] = {}

        def asked() -> bool:
            try:
                answer = self.get("/readyz")
            except OSError:
                return False
            if answer.status == 200:
                found.update(answer.json["components"]["queue"]["tubes"]["live"])
            return answer.status == 200

        wait_until(asked, "/readyz answers 200")
        return found

    def wait_ready(self) -> None:
        """Wait until every part is there."""

        def ready() -> bool:
            try:
                return bool(self.get("/readyz").json["status"] == "ready")
            except (OSError, ValueError):
                return False

        wait_until(ready, f"/readyz says ready\n{self.logs()}", 2 * PATIENCE_SECONDS)

    def logs(self) -> str:
        """Give the end of each part's log, for a failure's message."""
        parts = [
            f"--- {path.name}\n{path.read_text(errors='replace')[-1500:]}"
            for path in sorted((self.home / "log").glob("*.log"))
        ]
        return "\n".join(parts)

    def _environ(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TRADEWIRE_")}
        own = {"TRADEWIRE_HOME": str(self.home), "TRADEWIRE_LISTEN": f"127.0.0.1:{self.port}"}
        return kept | own | self.env


@contextmanager
def stack(home: Path, **settings: str) -> Iterator[Stack]:
    """Run a stack; `settings` are TRADEWIRE_ variables without their prefix."""
    for program in ("nginx", "beanstalkd", "setpriv"):
        need(program)
    (home / "sock/workers").rmdir()
    (home / "sock").rmdir()  # deploy/up makes the home's folders, with their owners and modes
    running = Stack(home, free_port(), {f"TRADEWIRE_{name}": value for name, value in settings.items()})
    try:
        running.up()
        yield running
    finally:
        done = running.deploy("down")
        assert done.returncode == 0, f"deploy/down failed:\n{done.stdout}\n{done.stderr}"
        left = running.processes()
        assert not left, f"deploy/down left {left}"
