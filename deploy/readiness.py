"""Checks that the stack is ready: /readyz answers 200 through nginx, and every program that must run is running."""

from __future__ import annotations

from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from deploy import supervisord
from deploy.render import programs

if TYPE_CHECKING:
    from pathlib import Path

    from tradewire.settings import Settings

_ANSWER_SECONDS = 2.0
_LOG_LINES = 4


def is_ready(settings: Settings) -> bool:
    """Return True if a message posted now would be accepted and every program runs."""
    try:
        status, _ = _readyz(settings)
    except (OSError, HTTPException):
        return False
    return status == HTTPStatus.OK and not _not_running(settings)


def report(settings: Settings) -> list[str]:
    """Report why the stack is not ready: the answer of /readyz, the programs that don't run, the end of each log."""
    try:
        status, body = _readyz(settings)
        answer = f"{status} {body}"
    except (OSError, HTTPException) as error:
        answer = str(error) or repr(error)
    lines = [f"GET {settings.addresses[0]}readyz: {answer}"]
    lines += [f"{program}: {state}" for program, state in _not_running(settings).items()]
    for program in programs(settings):
        path = settings.home / f"log/{program.rpartition(':')[2]}.log"
        lines += ["", f"{path}:", *tail(path, _LOG_LINES)]
    return lines


def tail(path: Path, count: int) -> list[str]:
    """Return the last lines of a file; none if it can't be read."""
    try:
        return path.read_text(errors="replace").splitlines()[-count:]
    except OSError:
        return []


def _readyz(settings: Settings) -> tuple[int, str]:
    url = urlsplit(settings.addresses[0])
    connection = HTTPConnection(url.hostname or "", url.port, timeout=_ANSWER_SECONDS)
    try:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        return response.status, response.read().decode(errors="replace").strip()
    finally:
        connection.close()


def _not_running(settings: Settings) -> dict[str, str]:
    states = supervisord.states(settings.home)
    found = {program: states.get(program, "unknown") for program in programs(settings)}
    return {program: state for program, state in found.items() if state != "RUNNING"}
