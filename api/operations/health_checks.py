"""The health checks of the stack's components, and the limits at which they report a fault."""

from __future__ import annotations

import json
import shutil
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import msgspec

from api.operations.backup_check import BackupCheck
from api.operations.certificate_check import check_certificate
from api.operations.client_ca_check import check_client_ca
from api.operations.file_checks import DAMAGED, AuditCheck, MetricsCheck, check_token
from api.operations.issuer_check import check_issuer
from api.operations.ledger_check import LedgerCheck
from api.operations.readiness import OK, UNAVAILABLE, Component
from api.operations.retention_check import RetentionCheck
from tradewire import feed, unix_socket
from tradewire.access import key_file, user
from tradewire.audit.trail import Trail
from tradewire.errors import FeedUnavailable, QueueUnavailable, StoreUnavailable, Unavailable
from tradewire.queue import ARCHIVE
from tradewire.queue.factory import engine_of
from tradewire.store import engine

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from tradewire.consumer import Consumer
    from tradewire.queue import Queue, TubeCounts
    from tradewire.settings import Settings
    from tradewire.store.reading import StoreReader

NEARLY_FULL: Final = "nearly-full"
BEHIND: Final = "behind"
FAILING: Final = "failing"
GROWING: Final = "growing"
OPEN: Final = "open"

_MAX_FILL: Final = 0.8
_BEHIND_SECONDS: Final = 3
"""The age of a waiting message at which the archive is behind."""
_MIN_FREE_BYTES: Final = 200 * 10**6
_MIN_FREE_SHARE: Final = 0.05
"""A disk is nearly full if its free space is below both limits."""
_INGEST_TIMEOUT_SECONDS: Final = 2.0
_STATE_FAULTS: Final = {
    "fatal": "failed to start, and supervisord gave up",
    "backoff": "keeps exiting after its start",
    "damaged": "could not read all of its log when it started, so messages may be lost: see the ledger",
}


class TubeHealth(msgspec.Struct, rename="camel"):
    """The fields of TubeCounts, as JSON."""

    ready: int
    reserved: int
    dead_letters: int
    consumers: int
    oldest_job_age_seconds: int
    bytes: int
    dead_letter_bytes: int


def health_checks(
    settings: Settings, open_queue: Callable[[], Queue], store: StoreReader
) -> dict[str, Callable[[], Mapping[str, Component]]]:
    """Return the health checks of this stack by name. They connect to nothing before they run."""
    queue = open_queue()
    storage = engine_of(settings.queue).storage
    return {
        "queue": lambda: _queue(queue, storage, settings.consumers),
        "ingest": lambda: {"ingest": _ingest(settings.ingest_socket)},
        "wsserver": lambda: {"wsserver": _wsserver(settings.worker_socket)},
        "store": lambda: {"store": _store(store)},
        "retention": RetentionCheck(settings, store),
        "backup": BackupCheck(settings),
        "ledger": LedgerCheck(settings, open_queue(), store),
        "disk": lambda: {"disk": _disk(settings)},
        "programs": lambda: {"programs": _programs(settings)},
        "metrics": MetricsCheck(settings.metrics),
        "access": lambda: {"access": _access(settings)},
        "issuer": lambda: {"issuer": check_issuer(settings)},
        "certificate": lambda: check_certificate(settings),
        "client-ca": lambda: check_client_ca(settings),
        "audit": AuditCheck(Trail(settings.audit, settings.audit_key)),
        "operator-token": lambda: check_token(settings.operator_token),
    }


def _queue(queue: Queue, storage: str, consumers: Sequence[Consumer]) -> dict[str, Component]:
    """Check the queue, and from its counts the consumers and the archive."""
    fault = ""
    try:
        queue.check()
    except QueueUnavailable as error:
        fault = str(error)
    try:
        tubes = {consumer.name: queue.counts(consumer.name) for consumer in consumers}
        fill = queue.fill()
    except QueueUnavailable as error:
        return {"queue": Component(UNAVAILABLE, str(error))}
    facts = {"tubes": {tube: TubeHealth(*counts) for tube, counts in tubes.items()}, "fill": round(fill, 3)}
    if fault:
        component = Component(UNAVAILABLE, fault, facts)
    elif fill >= _MAX_FILL:
        detail = f"{storage} is over {_MAX_FILL:.0%} of its limit; at the limit, messages are refused"
        component = Component(NEARLY_FULL, detail, facts)
    else:
        component = Component(facts=facts)
    return {"queue": component, "consumers": _consumers(consumers, tubes), "archive": _archive(tubes[ARCHIVE])}


def _consumers(consumers: Sequence[Consumer], tubes: dict[str, TubeCounts]) -> Component:
    away = {consumer.name: consumer.away for consumer in consumers if not tubes[consumer.name].consumers}
    facts = {"consumers": {tube: counts.consumers for tube, counts in tubes.items()}, "away": away}
    if away:
        detail = (
            f"no processor takes jobs from {' and '.join(away)}: it is not running, or waits for a component that"
            " its log names; messages wait in the queue"
        )
        return Component(UNAVAILABLE, detail, facts)
    return Component(facts=facts)


def _archive(tube: TubeCounts) -> Component:
    facts = {"waiting": tube.ready + tube.reserved, "oldestJobAgeSeconds": tube.oldest_job_age_seconds}
    if tube.oldest_job_age_seconds >= _BEHIND_SECONDS:
        detail = f"messages have waited {_BEHIND_SECONDS} s or longer to be archived; history and statistics lack them"
        return Component(BEHIND, detail, facts)
    return Component(facts=facts)


def _ingest(path: Path) -> Component:
    try:
        response = unix_socket.http_get(path, "/healthz", _INGEST_TIMEOUT_SECONDS)
    except OSError as error:
        return Component(UNAVAILABLE, f"the API at {path}: {error}; messages are refused")
    if response.status != HTTPStatus.OK:
        return Component(UNAVAILABLE, f"the API at {path} answered {response.status}; messages may be refused")
    if fault := msgspec.json.decode(response.body).get("fault"):
        return Component(UNAVAILABLE, f"{fault}; messages are refused")
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
    if log := store.overgrown_log():
        detail = (
            f"{log} is over {engine.WAL_ALARM_BYTES // 2**20} MiB, and grows until the disk is full: a program outside"
            f" the stack keeps a snapshot of the database open. End that program; as root, fuser -v {log} names it"
        )
        return Component(GROWING, detail)
    return Component()


def _disk(settings: Settings) -> Component:
    """Check the file systems that the stack writes to."""
    file = engine.sqlite_file(settings.store)
    folders = {
        "home": settings.home,
        "queue": settings.home / "queue",
        "store": file.parent if file else None,
        "ledger": settings.counters,
    }
    free: dict[str, int] = {}
    full: list[str] = []
    for name, folder in folders.items():
        if folder is None or not folder.exists():
            continue
        usage = shutil.disk_usage(folder)
        free[name] = usage.free
        if usage.free < min(_MIN_FREE_BYTES, _MIN_FREE_SHARE * usage.total):
            full.append(str(folder))
    if full:
        detail = f"the disk is nearly full at {', '.join(full)}; when it is full, messages are refused or not archived"
        return Component(NEARLY_FULL, detail, {"freeBytes": free})
    return Component(facts={"freeBytes": free})


def _access(settings: Settings) -> Component:
    """Check that keys and users can be read, and that other machines need them."""
    if settings.access != "open":
        try:
            key_file.read(settings.keys)
        except Unavailable as error:
            return Component(UNAVAILABLE, f"{error}; every request with a key is refused")
    if settings.access == "keys":
        try:
            user.FILE.read(settings.users)
        except Unavailable as error:
            return Component(DAMAGED, f"{error}; nobody can log in, and all sessions are refused")
    if settings.access == "open" and settings.is_exposed:
        detail = "everyone who reaches this machine reads and posts trades: set TRADEWIRE_ACCESS to keys, proxy or oidc"
        return Component(OPEN, detail)
    return Component()


def _programs(settings: Settings) -> Component:
    """Check the programs' states as supervisord reported them. Without a report, no state is known.

    The home is for commands that start and stop them.
    """
    try:
        states: dict[str, str] = json.loads(settings.supervisor_states.read_bytes())
    except (OSError, ValueError):
        states = {}
    facts = {"states": states, "home": str(settings.shown_home)}
    faults = [f"{name} {_STATE_FAULTS[state]}" for name, state in sorted(states.items()) if state in _STATE_FAULTS]
    if faults:
        return Component(FAILING, f"{'; '.join(faults)}; see its log", facts)
    return Component(OK, facts=facts)
