"""The health checks of files that others may damage or expose: those with the counts of metrics, and the token."""

from __future__ import annotations

import stat
import time
from typing import TYPE_CHECKING, Final

from api.operations.readiness import Component
from tradewire import metrics_files

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DAMAGED: Final = "damaged"
EXPOSED: Final = "exposed"

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
