"""Start the stack, wait until it is ready, and say how to use it. If it runs already, change nothing.

deploy/up.py hands over to this program, with the settings in the environment.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from deploy import (
    ca_files,
    client_ca,
    console,
    grants,
    home_version,
    layout,
    leftover,
    port,
    preflight,
    render,
    self_signed,
    setting_changes,
    supervisord,
    tls,
    upgrade,
)
from deploy.audit_trail import recorded
from deploy.console import Failure, say, warn
from deploy.privileges import run_as_owner
from deploy.readiness import is_ready, report, tail
from deploy.stack import Stack
from deploy.welcome import welcome
from tradewire.settings import Settings
from tradewire.version import VERSION

if TYPE_CHECKING:
    from types import FrameType

_READY_SECONDS = 60
_STILL_READY_SECONDS = 30
"""How long a stack that runs may take to answer that it is ready. The guard may just have started it again."""
_POLL_SECONDS = 0.2


def start() -> None:
    """Start the stack, unless it runs."""
    settings = Settings.from_env(os.environ)
    stack, starter = Stack(settings.home), None
    arguments = sys.argv[1:]
    foreground = "--foreground" in arguments
    preflight.check_settings(settings)
    preflight.check_restored(settings)
    (settings.home / "run").mkdir(parents=True, exist_ok=True)
    with stack.lock():  # so that no other command is about to end the stack, or still starting it
        if stack.runs():
            _check_running(settings, stack, foreground=foreground)
        else:
            home_version.check_not_newer(settings.home)
            preflight.prepare_user(settings)
            preflight.check_space(settings)
            stack.end()
            port.check([*settings.listen, *settings.redirect_listen, *settings.client_ca.listen])
            _prepare_home(settings, is_copied=upgrade.WITHOUT_COPY in arguments)
            starter = _Starter(settings, stack, foreground=foreground)
            starter.wait()
    say(welcome(settings))
    if starter and foreground:
        starter.stay()


def _check_running(settings: Settings, stack: Stack, *, foreground: bool) -> None:
    """Check that the running stack has the current settings and templates, and that it is ready."""
    home_version.check_same(settings.home)
    if foreground:
        raise Failure(f"Tradewire runs already in {settings.home}, and can't be attached to", "Run deploy/down first.")
    if pid := stack.stopped_supervisord():
        raise Failure(
            f"supervisord (process {pid}) was stopped by a signal, and does nothing",
            f"Nothing was changed. Let it continue: kill -CONT {pid}. Or run deploy/down.",
        )
    if changes := render.changes(settings):
        raise Failure(
            f"Tradewire runs, but a new start would change {', '.join(changes)}",
            "Nothing was changed. Run deploy/down, then deploy/up. The settings it runs with are in "
            f"{settings.home}/conf/settings.",
        )
    end = time.monotonic() + _STILL_READY_SECONDS
    while not is_ready(settings):
        if time.monotonic() > end:
            warn(*report(settings))
            raise Failure("Tradewire runs, but is not ready; see above", "Nothing was changed.")
        time.sleep(_POLL_SECONDS)
    say("Tradewire runs already; nothing was changed.")


def _prepare_home(settings: Settings, *, is_copied: bool) -> None:
    """Make the home, or upgrade it. `is_copied`: the operator says that no copy is needed."""
    before = home_version.read(settings.home)
    if before is None:
        home_version.write(settings.home)
    if before in {None, VERSION}:
        _prepare(settings)
        return
    say(f"Upgrading {settings.home} from Tradewire {before} to {VERSION} …")
    if not is_copied:
        upgrade.copy(settings, before)
    _prepare(settings)
    upgrade.migrate(settings, before)


def _prepare(settings: Settings) -> None:
    """Write what the stack needs, and remove what an earlier one left."""
    try:
        layout.make_folders(settings)
        layout.protect_principals(settings)
        if settings.backups.folder:
            layout.make_backup_folder(settings, Path(settings.backups.folder))
        layout.make_token(settings)
        if self_signed.is_chosen(settings):
            self_signed.make(settings)
        if settings.has_tls:
            tls.install(settings, tls.read(settings))
        layout.make_audit_key(settings)
        if settings.client_ca:
            client_ca.install(settings, ca_files.read(settings), is_start=True)
        changed = setting_changes.since_last_start(settings)
        with recorded(settings, "settings-changed", {"settings": changed}) if changed else nullcontext():
            render.write(settings)
    except OSError as error:
        raise Failure(f"{error.filename} can't be written: {error.strerror}; nothing was started") from error
    leftover.check(settings, os.environ)
    grants.delete_unused(settings)
    # The counts and states that an earlier stack wrote don't hold for the next one.
    for folder, command in (
        (settings.metrics, ["find", str(settings.metrics), "-mindepth", "1", "-delete"]),
        (settings.supervisor_states.parent, ["rm", "-f", str(settings.supervisor_states)]),
    ):
        if run_as_owner(folder, command, cwd=settings.home).returncode:
            raise Failure(f"old files in {folder} can't be deleted; nothing was started", "See the lines above.")


class _Starter:
    """Starts supervisord, and stops it again on a signal or if the stack does not get ready."""

    def __init__(self, settings: Settings, stack: Stack, *, foreground: bool) -> None:
        self._settings = settings
        self._stack = stack
        self._foreground = foreground
        self._is_told_to_stop = False
        self._is_ready = False
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup ignores SIGHUP
                signal.signal(number, self._on_signal)
        self._supervisord = supervisord.start(settings.home, os.environ, foreground=foreground)

    def wait(self) -> None:
        """Wait until the stack is ready."""
        end = time.monotonic() + _READY_SECONDS
        while not is_ready(self._settings):
            if self._is_told_to_stop:
                self._give_up("it was told to stop before it was ready")
            if self._supervisord.poll() is not None:
                output = () if self._foreground else tail(self._settings.home / "log/supervisord.out", 5)
                self._give_up("supervisord has ended by itself", *output)
            if time.monotonic() > end:
                self._give_up(f"it is not ready after {_READY_SECONDS} s")
            time.sleep(_POLL_SECONDS)

    def stay(self) -> None:
        """Wait until supervisord ends. If this process gets a signal to stop, stop supervisord."""
        self._is_ready = True
        if self._is_told_to_stop:  # just before
            self._supervisord.terminate()
        status = self._supervisord.wait()
        self._stack.end()
        if status:
            raise Failure(f"supervisord has ended by itself, with status {status}; all programs were stopped")
        say("Tradewire has stopped.")

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._is_told_to_stop = True
        if self._is_ready:
            self._supervisord.terminate()

    def _give_up(self, reason: str, *details: str) -> None:
        warn(f"The stack did not start: {reason}.", *details, *report(self._settings), "", "Stopping it again …")
        self._stack.end()
        raise Failure(reason, f"Nothing runs now. The logs are in {self._settings.home}/log.")


if __name__ == "__main__":
    sys.exit(console.run("deploy/up", start))
