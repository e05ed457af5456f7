"""The variables that configure a stack, from the environment and the project's `.env`. Nothing else reads that file."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from deploy import home_version
from deploy.checkout import DOTENV
from tradewire.errors import SettingsError
from tradewire.settings import PREFIX, Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

_HOME = f"{PREFIX}HOME"
_BLANK = re.compile(r"\s*(#.*)?", re.ASCII)
_ASSIGNMENT = re.compile(rf"\s*({PREFIX}[A-Z0-9_]+)=([^\0]*?)\s*", re.ASCII)
_QUOTED = re.compile(r"""(["'])(.*)\1""", re.ASCII)


class Environment(NamedTuple):
    """The `TRADEWIRE_` variables of a stack, and every fault of `.env`."""

    variables: dict[str, str]
    """As written, but TRADEWIRE_HOME is always among them, and absolute."""
    faults: list[str]
    warnings: list[str]
    """What the operator should mend, but need not."""

    @property
    def home(self) -> Path:
        """The stack's home."""
        return Path(self.variables[_HOME])

    def settings(self) -> Settings:
        """Check the settings. SettingsError has the faults of `.env` and those of the values, all at once.

        Raise Failure if a newer version ran the home: its settings are not those of this one.
        """
        home_version.check_not_newer(self.home)
        faults = list(self.faults)
        try:
            settings = Settings.from_env(self.variables)
        except SettingsError as error:
            faults += error.faults
        if faults:
            raise SettingsError(faults)
        return settings


def read(environ: Mapping[str, str], dotenv: Path = DOTENV) -> Environment:
    """Read the variables. A variable of the environment takes precedence over `.env`, even an empty one."""
    mode = _mode(dotenv)
    written, faults = _read_dotenv(dotenv)
    variables = written | {name: value for name, value in environ.items() if name.startswith(PREFIX)}
    variables[_HOME] = _absolute(variables.get(_HOME, "").strip() or str(dotenv.parent / "var"))
    warnings = []
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        faults.append(f"{dotenv} can be written by other users. Run: chmod 600 {dotenv}")
    elif mode & stat.S_IROTH:
        warnings.append(f"{dotenv} can be read by every user, and may hold a password. Run: chmod 600 {dotenv}")
    return Environment(variables, faults, warnings)


def assignments(path: Path) -> dict[str, str]:
    """Return the variables in a file of lines such as those of `.env`. Other lines are left out."""
    return _read_dotenv(path)[0]


def _mode(path: Path) -> int:
    """Return the permissions of the file; 0 without a file."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return 0


def _read_dotenv(path: Path) -> tuple[dict[str, str], list[str]]:
    """Return the variables of the file and its faults. The file is read, never executed."""
    try:
        text = path.read_bytes().decode(errors="surrogateescape")
    except FileNotFoundError:
        return {}, []
    except OSError as error:
        return {}, [f"{path} can't be read: {error.strerror}"]
    variables: dict[str, str] = {}
    lines: dict[str, int] = {}
    faults = []
    for number, line in enumerate(text.split("\n"), start=1):
        if _BLANK.fullmatch(line):
            continue
        match = _ASSIGNMENT.fullmatch(line)
        if match is None:  # the line isn't shown: it may hold a password
            faults.append(f"{path.name}, line {number}: not of the form {PREFIX}NAME=VALUE")
            continue
        name, value = match[1], _unquoted(match[2])
        if name in variables:
            faults.append(f"{path.name}, line {number}: {name} is already set in line {lines[name]}")
            continue
        # Relative to the file, wherever deploy/up is run.
        variables[name] = str(path.parent / value) if name == _HOME and value else value
        lines[name] = number
    return variables, faults


def _unquoted(value: str) -> str:
    match = _QUOTED.fullmatch(value)
    return match[2] if match else value


def _absolute(path: str) -> str:
    """Make a path absolute, without `..` and without following links."""
    return "/" + os.path.abspath(path).lstrip("/")  # noqa: PTH100 - Path.absolute() keeps `..`
