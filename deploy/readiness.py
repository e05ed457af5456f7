"""Checks that the stack is ready: /readyz answers 200 at each address, and every program that must run is running."""

from __future__ import annotations

from http import HTTPStatus
from http.client import HTTPException
from typing import TYPE_CHECKING

from deploy import supervisord, urls
from deploy.own_http import connection_to
from deploy.render import programs

if TYPE_CHECKING:
    from pathlib import Path

    from tradewire.settings import Settings

_ANSWER_SECONDS = 2.0
_LOG_LINES = 4


def is_ready(settings: Settings) -> bool:
    """Return True if a message posted now at any address would be accepted and every program runs."""
    try:
        statuses = {_readyz(settings, url)[0] for url in urls.probes(settings)}
    except (OSError, HTTPException):
        return False
    return statuses == {HTTPStatus.OK} and not _not_running(settings)


def report(settings: Settings) -> list[str]:
    """Report why the stack is not ready: the answers of /readyz, the programs that don't run, the end of each log."""
    lines = [f"GET {url}readyz: {_answer(settings, url)}" for url in urls.probes(settings)]
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


def _answer(settings: Settings, url: str) -> str:
    try:
        status, body = _readyz(settings, url)
    except (OSError, HTTPException) as error:
        return str(error) or repr(error)
    return f"{status} {body}"


def _readyz(settings: Settings, url: str) -> tuple[int, str]:
    connection = connection_to(settings.home, url, _ANSWER_SECONDS)
    try:
        connection.request("GET", "/readyz", headers=_operator(settings))
        response = connection.getresponse()
        return response.status, response.read().decode(errors="replace").strip()
    finally:
        connection.close()


def _operator(settings: Settings) -> dict[str, str]:
    """Return the header with which /readyz tells the health of each component."""
    try:
        return {"Authorization": f"Bearer {settings.operator_token.read_text().strip()}"}
    except OSError:
        return {}


def _not_running(settings: Settings) -> dict[str, str]:
    states = supervisord.states(settings.home)
    found = {program: states.get(program, "unknown") for program in programs(settings)}
    return {program: state for program, state in found.items() if state != "RUNNING"}
