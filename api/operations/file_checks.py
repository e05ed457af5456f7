"""The health checks of files that others may damage or expose: counts of metrics, the audit trail, and the token."""

from __future__ import annotations

import stat
import time
from typing import TYPE_CHECKING, Final

from api.operations.readiness import UNAVAILABLE, Component
from tradewire import metrics_files
from tradewire.access.watched_file import version_of
from tradewire.audit.walk import Walk
from tradewire.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tradewire.audit.chain import Head
    from tradewire.audit.trail import Trail
    from tradewire.audit.walk import BadLine

DAMAGED: Final = "damaged"
EXPOSED: Final = "exposed"

_HEAD_DIGITS: Final = 13
"""Of the metric of the audit trail's head: as many hexadecimal digits as a float holds exactly."""
_WALK_SECONDS: Final = 0.5
"""How long a run walks along the audit trail. A report waits for that, and other threads get less of the processor."""
_REREAD_SECONDS: Final = 30.0
"""How often the counts are read while the folder has the same files: reading them costs more than all other checks."""


class MetricsCheck:
    """Checks whether `/metrics` has the counts of all processes.

    Args:
        folder: The folder with the files of counts.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names: list[str] = []
        self._read_at = float("-inf")
        self._damaged: Mapping[str, str] = {}

    def __call__(self) -> Mapping[str, Component]:
        """Run the check."""
        names = metrics_files.names(self._folder)
        if names != self._names or time.monotonic() > self._read_at + _REREAD_SECONDS:
            self._damaged = metrics_files.read(self._folder).damaged
            self._names, self._read_at = names, time.monotonic()
        return {"metrics": self._component()}

    def _component(self) -> Component:
        if not self._damaged:
            return Component()
        files = ", ".join(f"{self._folder / name} ({reason})" for name, reason in sorted(self._damaged.items()))
        return Component(DAMAGED, f"damaged files of counts, which /metrics lacks: {files}; delete them")


class AuditCheck:
    """Checks whether the audit trail is as it was written. Each run checks new lines, for a bounded time.

    After a start, a long trail takes several runs. Until all of it is checked, nothing is told about it but faults.

    Args:
        trail: The trail.
    """

    def __init__(self, trail: Trail) -> None:
        self._trail = trail
        self._walk = Walk(trail)
        self._version: tuple[int, ...] | None = None
        """Of the file in which a fault was found."""
        self._known: tuple[Head, BadLine | None] | None = None
        """Head and fault when the walk was last at the end of the trail."""

    def __call__(self) -> Mapping[str, Component]:
        """Run the check."""
        return {"audit": self._audit()}

    def _audit(self) -> Component:
        try:
            self._trail.check_key()
            self._advance()
        except Unavailable as error:
            return Component(UNAVAILABLE, f"{error}; log-ins, exports, and the actions of operators are refused")
        if not self._walk.is_behind:
            self._known = self._walk.head, self._walk.fault
        return self._described()

    def _described(self) -> Component:
        if self._known is None:
            return Component()
        head, fault = self._known
        facts = {"records": head.count, "head": head.mac, "headNumber": int(head.mac[:_HEAD_DIGITS], 16)}
        if fault:
            place = f"line {fault.line}: {fault.reason}"
            detail = f"the audit trail is not as it was written; {place}; deploy/audit verify shows it, too"
            return Component(DAMAGED, detail, facts)
        return Component(facts=facts)

    def _advance(self) -> None:
        """Go on with the walk. After a fault, walk anew if the file was changed: it must have the last good head."""
        version = version_of(self._trail.path)
        if self._walk.fault and version != self._version:
            self._walk = Walk(self._trail, self._walk.head)
        self._walk.advance(time.monotonic() + _WALK_SECONDS)
        if not self._walk.is_behind:
            self._walk.check_seen()
        self._version = version


def check_token(path: Path) -> Mapping[str, Component]:
    """Check that only the programs' user can read the operator token."""
    return {"operator-token": _token(path)}


def _token(path: Path) -> Component:
    try:
        is_exposed = bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))
    except OSError:  # without a token, the API refuses all operators
        is_exposed = False
    if not is_exposed:
        return Component()
    detail = (
        f"other users may read or change {path}, and so requeue and delete dead letters; delete it, and run deploy/down"
        " and deploy/up, which makes another one"
    )
    return Component(EXPOSED, detail)
