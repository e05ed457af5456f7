"""How the commands in deploy/ talk to the operator, and how they exit."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from typing import TYPE_CHECKING, NoReturn

from deploy.checkout import DOTENV
from tradewire.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Failure(Exception):  # noqa: N818 - it ends a command, and is no fault of the program
    """A command can't do its work. The first line says what failed and why, the others what to do."""

    def __init__(self, *lines: str) -> None:
        super().__init__(*lines)
        self.lines = lines


class CommandParser(argparse.ArgumentParser):
    """Reports a wrong argument as every command of deploy/ does."""

    def error(self, message: str) -> NoReturn:
        """Raise Failure."""
        raise Failure(message, self.format_usage().strip())


def say(*lines: str) -> None:
    """Print lines to standard output."""
    try:
        sys.stdout.writelines(f"{line}\n" for line in lines)
        sys.stdout.flush()  # in order with the output of other processes
    except BrokenPipeError:  # the reader has seen enough, as in `deploy/up | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table, given the cells of its rows."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def time_text(seconds: int) -> str:
    """Return a time in Unix seconds as ISO 8601."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def warn(*lines: str) -> None:
    """Print lines to standard error."""
    sys.stderr.writelines(f"{line}\n" for line in lines)
    sys.stderr.flush()


def run(name: str, command: Callable[[], None]) -> int:
    """Run a command and return its exit status: 0 done, 1 failed, 2 a setting can't be used."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it without a traceback
    try:
        command()
    except SettingsError as error:
        warn(*error.faults, f"Nothing was started. The settings come from the environment and from {DOTENV}.")
        return 2
    except Failure as failure:
        warn(f"{name}: {failure.lines[0]}", *failure.lines[1:])
        return 1
    except OSError as error:
        warn(f"{name}: {error.filename}: {error.strerror}" if error.filename else f"{name}: {error}")
        return 1
    return 0
