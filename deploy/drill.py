"""The drill of a backup: restore it into an empty home beside the running stack, start it, and look at its ledger."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from deploy import leftover, own_queue
from deploy.checkout import PYTHON, ROOT
from deploy.console import Failure, say
from deploy.privileges import run_as_owner
from deploy.restore import restore_into
from deploy.stack import Stack
from tradewire import unix_socket
from tradewire.ledger import tube_history
from tradewire.settings import PREFIX, Settings
from tradewire.store import dumps, engine

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tradewire.backup.manifest import Manifest

_SETTLE_SECONDS: Final = 600
"""How long the ledger may take. The archive's processor first takes all jobs that were in the queue."""
_POLL_SECONDS: Final = 0.5
_ANSWER_SECONDS: Final = 10
_ANSWER_BYTES: Final = 2**24
_KEPT: Final = ("QUEUE_MAX_BYTES", "EXTRA_CURRENCIES", "USER")
"""The settings that the drill's stack shares with the running one. With the others, it might act on other systems: call
consumers, ask a provider, or write to syslog. Nor does it need credentials, since it listens on loopback alone."""


def run(settings: Settings, path: Path, made: Manifest, key: Path | None) -> None:
    """Restore a set, start a stack on it, compare its counts with the manifest, and remove it.

    Args:
        settings: Those of the running stack.
        path: The set.
        made: Its manifest.
        key: The file with its private key, if it is encrypted.

    Raises:
        Failure: The set can't be restored, or its stack does not start, or does not account for its messages.
    """
    home = settings.home.with_name(f"{settings.home.name}.drill")
    with _database(settings) as store_url:
        environ = _environ(settings, home, store_url)
        own = Settings.from_env(environ)
        _remove(home)  # a drill that was killed has left it
        try:
            restore_into(own, path, key)
            _drop_other_tubes(own, environ)
            _start(environ)
            _compare(own, environ, made)
        finally:
            _remove(home)


def _drop_other_tubes(settings: Settings, environ: Mapping[str, str]) -> None:
    """Give up the jobs of consumers that the drill's stack does not have: it must not deliver them once more."""
    others = sorted(tube_history.known(settings.counters).difference(settings.tubes))
    if not others:
        return
    with own_queue.serve(settings):
        for tube in others:
            if leftover.run_module(settings, environ, "processor.leftover", "drop", tube).returncode:
                raise Failure(f"the tube of {tube} can't be emptied in {settings.home}", "See the lines above.")


def _start(environ: Mapping[str, str]) -> None:
    """Start the drill's stack. No file of settings is read."""
    command = [str(PYTHON), "-P", "-m", "deploy.start"]
    done = subprocess.run(
        command, cwd=ROOT, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Failure(f"the restored stack does not start: {' '.join(done.stderr.split())}")


def _compare(settings: Settings, environ: Mapping[str, str], made: Manifest) -> None:
    """Wait until the archive has all that the queue had, then compare."""
    ledger = _settled(settings)
    archive = ledger["tubes"]["archive"]
    named = [loss for loss in ledger["losses"] if loss["namedAt"] > ledger["spans"][-1]["namedAt"]]
    if named:
        raise Failure(f"the ledger of the restored stack names {len(named)} losses, the first one {named[0]}")
    if ledger["accepted"] != made.accepted:
        raise Failure(f"{ledger['accepted']} messages were accepted, and the manifest says {made.accepted}")
    outcomes = ("archived", "duplicates", "outdated", "deadLetters", "discarded", "settled", "missing")
    accounted = sum(archive[name] for name in outcomes)
    if accounted < made.accepted:
        raise Failure(f"{made.accepted} messages were accepted, and the archive accounts for {accounted}")
    rows = _count(settings, environ)
    if rows != archive["archived"] - ledger["deleted"]:
        raise Failure(f"the archive has {rows} messages, and has counted {archive['archived']}")
    say(f"{made.accepted} messages were accepted; {rows} are archived, and {archive['deadLetters']} are dead letters.")


def _settled(settings: Settings) -> dict[str, Any]:
    """Return the ledger when the archive has everything that was in its tube."""
    end = time.monotonic() + _SETTLE_SECONDS
    while True:
        components = _get(settings, "/readyz").get("components", {})
        ledger = _get(settings, "/api/ledger")
        is_reconciled = ledger and ledger["archivedUpTo"] > ledger["spans"][-1]["until"]
        if is_reconciled and components.get("archive", {}).get("waiting") == 0:
            return ledger
        if time.monotonic() > end:
            raise Failure(f"the ledger of the restored stack was not settled after {_SETTLE_SECONDS} s: {ledger}")
        time.sleep(_POLL_SECONDS)


def _get(settings: Settings, target: str) -> dict[str, Any]:
    """Return an answer of api-query; empty without one."""
    try:
        answer = unix_socket.http_get(settings.query_socket, target, _ANSWER_SECONDS, _ANSWER_BYTES)
    except OSError:  # it is asked again
        return {}
    found: dict[str, Any] = json.loads(answer.body) if answer.status == HTTPStatus.OK else {}
    return found


def _count(settings: Settings, environ: Mapping[str, str]) -> int:
    command = [str(PYTHON), "-P", "-m", "tradewire.backup", "count"]
    done = run_as_owner(
        settings.counters, command, cwd=settings.home, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    if done.returncode:
        raise Failure(f"the messages can't be counted: {done.stderr.strip()}")
    return int(done.stdout)


def _environ(settings: Settings, home: Path, store_url: str) -> dict[str, str]:
    """Return the environment of the drill's stack."""
    variables = settings.variables()
    chosen = {f"{PREFIX}{name}": str(variables[f"{PREFIX}{name}"]) for name in _KEPT}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return {
        **inherited,
        **chosen,
        f"{PREFIX}HOME": str(home),
        f"{PREFIX}LISTEN": f"127.0.0.1:{_free_port()}",
        f"{PREFIX}STORE_URL": store_url,
    }


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextmanager
def _database(settings: Settings) -> Iterator[str]:
    """Yield the URL of an empty store for the drill. Empty: a SQLite file in its home."""
    if engine.sqlite_file(settings.store):
        yield ""
    else:
        with dumps.another_database(settings.store) as url:
            yield url


def _remove(home: Path) -> None:
    """Stop the drill's stack and delete its home."""
    if home.exists():
        Stack(home).end()
        shutil.rmtree(home)
