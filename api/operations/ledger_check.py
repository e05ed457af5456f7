"""How the monitor looks at the ledger: what is missing is an alarm until it is found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from api.operations import ledger
from api.operations.monitor import UNAVAILABLE, Component
from tradewire.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tradewire.queue import Queue
    from tradewire.store.reading import StoreReader

LOSS: Final = "loss"


class LedgerCheck:
    """Draws up the ledger. While messages are on their way it says nothing new, so what was found last stands."""

    def __init__(self, folder: Path, queue: Queue, store: StoreReader) -> None:
        self._folder = folder
        self._queue = queue
        self._store = store
        self._missing: dict[str, int] = {}

    def __call__(self) -> Mapping[str, Component]:
        """Look."""
        try:
            drawn = ledger.reconcile(self._folder, self._queue, self._store)
        except Unavailable as error:
            return {"ledger": Component(UNAVAILABLE, f"it can't be drawn up: {error}")}
        if drawn.status != "settling":
            self._missing = {"archive": drawn.tubes.archive.missing, "live": drawn.tubes.live.missing}
        facts = {"accepted": drawn.accepted, "tubes": drawn.tubes, "missing": self._missing}
        if any(self._missing.values()):
            detail = "messages were accepted that are in no place where they could be; /api/ledger has the account"
            return {"ledger": Component(LOSS, detail, facts)}
        return {"ledger": Component(facts=facts)}
