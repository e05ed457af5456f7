"""How the monitor looks at each part, and when it finds fault with one."""

from __future__ import annotations

import http.client
import json
import shutil
import socket
from typing import TYPE_CHECKING, Final

from api.ledger_look import LedgerLook
from api.monitor import OK, UNAVAILABLE, Part
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

NEARLY_FULL: Final = "nearly full"
BEHIND: Final = "behind"
FAILING: Final = "failing"

_FILL_MAX: Final = 0.8
_BEHIND_SECONDS: Final = 3
"""Age of a message that a processor of the archive should long have taken."""
_FREE_BYTES: Final = 200 * 10**6
_FREE_SHARE: Final = 0.05
"""A disk is nearly full when less than this is free, and less than so many bytes."""
_API_SECONDS: Final = 2.0
_STATE_FAULTS: Final = {"fatal": "was given up by supervisord", "backoff": "ends again and again when it is started"}


def looks(settings: Settings, open_queue: Callable[[], Queue]) -> dict[str, Callable[[], Mapping[str, Part]]]:
    """Give the looks of this stack, by name. Nothing is connected before the first look."""
    queue, store = open_queue(), StoreReader(settings.store)
    return {
        "queue": lambda: _queue(queue),
        "api": lambda: {"api": _api(settings.api_socket)},
        "wsserver": lambda: {"wsserver": _wsserver(settings.worker_socket)},
        "store": lambda: {"store": _store(store)},
        "ledger": LedgerLook(settings.tallies, open_queue(), store),
        "disk": lambda: {"disk": _disk(settings)},
        "programs": lambda: {"programs": _programs(settings.states)},
    }


def _queue(queue: Queue) -> dict[str, Part]:
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
        return {"queue": Part(UNAVAILABLE, str(error))}
    facts = {"tubes": {tube: counts._asdict() for tube, counts in tubes.items()}, "fill": round(fill, 3)}
    if fault:
        part = Part(UNAVAILABLE, fault, facts)
    elif fill >= _FILL_MAX:
        detail = f"the queue's log is over {_FILL_MAX:.0%} of its bound; at the bound, messages are refused"
        part = Part(NEARLY_FULL, detail, facts)
    else:
        part = Part(facts=facts)
    return {"queue": part, "processors": _processors(tubes), "archive": _archive(tubes[ARCHIVE])}


def _processors(tubes: dict[str, TubeCounts]) -> Part:
    watching = {tube: counts.consumers for tube, counts in tubes.items()}
    unwatched = [tube for tube, consumers in watching.items() if not consumers]
    if unwatched:
        detail = (
            f"no processor takes from {' and '.join(unwatched)}: it does not run, or waits for what it feeds, as its"
            " log says; messages wait in the queue"
        )
        return Part(UNAVAILABLE, detail, {"watching": watching})
    return Part(facts={"watching": watching})


def _archive(tube: TubeCounts) -> Part:
    facts = {"waiting": tube.ready + tube.reserved, "oldest_seconds": tube.oldest_seconds}
    if tube.oldest_seconds >= _BEHIND_SECONDS:
        detail = (
            f"messages wait for {_BEHIND_SECONDS} s and more to be archived; history and statistics lack them so far"
        )
        return Part(BEHIND, detail, facts)
    return Part(facts=facts)


def _api(path: Path) -> Part:
    connection = http.client.HTTPConnection("api", timeout=_API_SECONDS)
    try:
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(_API_SECONDS)
        connection.sock.connect(str(path))
        connection.request("GET", "/healthz")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        said = str(error) or type(error).__name__
        return Part(UNAVAILABLE, f"the API at {path}: {said}; messages are refused")
    finally:
        connection.close()
    if status != http.HTTPStatus.OK:
        return Part(UNAVAILABLE, f"the API at {path} answered {status}; messages may be refused")
    return Part()


def _wsserver(path: Path) -> Part:
    try:
        health = feed.health(path)
    except FeedUnavailable as error:
        return Part(UNAVAILABLE, f"{error}; messages are archived, and wait in the queue to be shown")
    return Part(facts={"browsers": health.browsers, "lagging": health.lagging})


def _store(store: StoreReader) -> Part:
    try:
        store.check()
    except StoreUnavailable as error:
        return Part(UNAVAILABLE, f"{error}; messages are shown, and wait in the queue to be archived")
    return Part()


def _disk(settings: Settings) -> Part:
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
        return Part(NEARLY_FULL, detail, {"free_bytes": free})
    return Part(facts={"free_bytes": free})


def _programs(path: Path) -> Part:
    """Look at what supervisord says of its programs; empty where it has not said anything."""
    try:
        states: dict[str, str] = json.loads(path.read_bytes())
    except (OSError, ValueError):
        states = {}
    faults = [f"{name} {_STATE_FAULTS[state]}" for name, state in sorted(states.items()) if state in _STATE_FAULTS]
    if faults:
        return Part(FAILING, f"{'; '.join(faults)}; see its log", {"states": states})
    return Part(OK, facts={"states": states})
