"""Runs a command that may start others, and ends all of them after a time."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def run_bounded(command: Sequence[str], folder: Path, timeout_seconds: float) -> None:
    """Run a command in a folder, with its output in the file `log` there.

    Raises:
        subprocess.SubprocessError: The command failed, or took too long.
    """
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, start_new_session=True)
    try:
        exit_code = process.wait(timeout_seconds)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if exit_code:
        raise subprocess.CalledProcessError(exit_code, command)
