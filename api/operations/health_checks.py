"""How the monitor looks at each component, and when it finds fault with one."""

from __future__ import annotations

import http.client
import json
import shutil
import socket
from typing import TYPE_CHECKING, Final

import msgspec

from api.operations.ledger_check import LedgerCheck
from api.operations.monitor import OK, UNAVAILABLE, Component
from tradewire import feed
from tradewire.errors import FeedUnavailable, QueueUnavailable, StoreUnavailable
from tradewire.queue import ARCHIVE, TUBES
from tradewire.store.engine import sqlite_file
from tradewire.store.reading import StoreReader

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tradewire.queue import Queue, TubeCounts
    from tradewire.settings import Settings

NEARLY_FULL: Final = "nearly-full"
BEHIND: Final = "behind"
FAILING: Final = "failing"

_FILL_MAX: Final = 0.8
_BEHIND_SECONDS: Final = 3
"""Age of a message that a processor of the archive should long have taken."""
_FREE_BYTES: Final = 200 * 10**6
_FREE_SHARE: Final = 0.05
"""A disk is nearly full when less than this is free, and less than so many bytes."""
_INGEST_SECONDS: Final = 2.0
_STATE_FAULTS: Final = {"fatal": "was given up by supervisord", "backoff": "ends again and again when it is started"}


class TubeHealth(msgspec.Struct, rename="camel"):
    """How a tube stands: the fields of TubeCounts, as JSON."""

    ready: int
    reserved: int
    dead_letters: int
    consumers: int
    oldest_job_age_seconds: int


def health_checks(
    settings: Settings, open_queue: Callable[[], Queue]
) -> dict[str, Callable[[], Mapping[str, Component]]]:
    """Give the looks of this stack, by name. Nothing is connected before the first look."""
    queue, store = open_queue(), StoreReader(settings.store)
    return {
        "queue": lambda: _queue(queue),
        "ingest": lambda: {"ingest": _ingest(settings.ingest_socket)},
        "wsserver": lambda: {"wsserver": _wsserver(settings.worker_socket)},
        "store": lambda: {"store": _store(store)},
        "ledger": LedgerCheck(settings.counters, open_queue(), store),
        "disk": lambda: {"disk": _disk(settings)},
        "programs": lambda: {"programs": _programs(settings.supervisor_states)},
    }


def _queue(queue: Queue) -> dict[str, Component]:
    """Look at the queue, and by its counts at who takes from it."""
    fault = ""
    try:
        queue.check()
    except QueueUnavailable as error:
        fault = str(error)
    try:
        tubes = {tube: queue.counts(tube) for tube in TUBES}
        fill = queue.fill()
    except QueueUnavailable as error:
        return {"queue": Component(UNAVAILABLE, str(error))}
    facts = {"tubes": {tube: TubeHealth(*counts) for tube, counts in tubes.items()}, "fill": round(fill, 3)}
    if fault:
        component = Component(UNAVAILABLE, fault, facts)
    elif fill >= _FILL_MAX:
        detail = f"the queue's log is over {_FILL_MAX:.0%} of its bound; at the bound, messages are refused"
        component = Component(NEARLY_FULL, detail, facts)
    else:
        component = Component(facts=facts)
    return {"queue": component, "consumers": _consumers(tubes), "archive": _archive(tubes[ARCHIVE])}


def _consumers(tubes: dict[str, TubeCounts]) -> Component:
    consumers = {tube: counts.consumers for tube, counts in tubes.items()}
    unwatched = [tube for tube, count in consumers.items() if not count]
    if unwatched:
        detail = (
            f"no processor takes from {' and '.join(unwatched)}: it does not run, or waits for what it feeds, as its"
            " log says; messages wait in the queue"
        )
        return Component(UNAVAILABLE, detail, {"consumers": consumers})
    return Component(facts={"consumers": consumers})


def _archive(tube: TubeCounts) -> Component:
    facts = {"waiting": tube.ready + tube.reserved, "oldestJobAgeSeconds": tube.oldest_job_age_seconds}
    if tube.oldest_job_age_seconds >= _BEHIND_SECONDS:
        detail = (
            f"messages wait for {_BEHIND_SECONDS} s and more to be archived; history and statistics lack them so far"
        )
        return Component(BEHIND, detail, facts)
    return Component(facts=facts)


def _ingest(path: Path) -> Component:
    connection = http.client.HTTPConnection("ingest", timeout=_INGEST_SECONDS)
    try:
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(_INGEST_SECONDS)
        connection.sock.connect(str(path))
        connection.request("GET", "/healthz")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        said = str(error) or type(error).__name__
        return Component(UNAVAILABLE, f"the API at {path}: {said}; messages are refused")
    finally:
        connection.close()
    if status != http.HTTPStatus.OK:
        return Component(UNAVAILABLE, f"the API at {path} answered {status}; messages may be refused")
    return Component()


def _wsserver(path: Path) -> Component:
    try:
        health = feed.health(path)
    except FeedUnavailable as error:
        return Component(UNAVAILABLE, f"{error}; messages are archived, and wait in the queue to be shown")
    return Component(facts={"browsers": health.browsers, "lagging": health.lagging})


def _store(store: StoreReader) -> Component:
    try:
        store.check()
    except StoreUnavailable as error:
        return Component(UNAVAILABLE, f"{error}; messages are shown, and wait in the queue to be archived")
    return Component()


def _disk(settings: Settings) -> Component:
    """Look at the file systems that the stack writes to."""
    file = sqlite_file(settings.store)
    folders = {"home": settings.home, "queue": settings.home / "queue", "store": file.parent if file else None}
    free: dict[str, int] = {}
    full: list[str] = []
    for name, folder in folders.items():
        if folder is None or not folder.exists():
            continue
        usage = shutil.disk_usage(folder)
        free[name] = usage.free
        if usage.free < min(_FREE_BYTES, _FREE_SHARE * usage.total):
            full.append(str(folder))
    if full:
        detail = f"the disk is nearly full at {', '.join(full)}; when it is full, messages are refused or not archived"
        return Component(NEARLY_FULL, detail, {"freeBytes": free})
    return Component(facts={"freeBytes": free})


def _programs(path: Path) -> Component:
    """Look at what supervisord says of its programs; empty where it has not said anything."""
    try:
        states: dict[str, str] = json.loads(path.read_bytes())
    except (OSError, ValueError):
        states = {}
    faults = [f"{name} {_STATE_FAULTS[state]}" for name, state in sorted(states.items()) if state in _STATE_FAULTS]
    if faults:
        return Component(FAILING, f"{'; '.join(faults)}; see its log", {"states": states})
    return Component(OK, facts={"states": states})
