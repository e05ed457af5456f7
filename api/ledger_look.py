"""How the monitor looks at the ledger: what is missing is an alarm until it is found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from api import ledger
from api.monitor import UNAVAILABLE, Part
from tradewire.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tradewire.queue import Queue
    from tradewire.store.reading import StoreReader

LOSS: Final = "loss"


class LedgerLook:
    """Draws up the ledger. While messages are on their way it says nothing new, so what was found last stands."""

    def __init__(self, tallies: Path, queue: Queue, store: StoreReader) -> None:
        self._tallies = tallies
        self._queue = queue
        self._store = store
        self._missing: dict[str, int] = {}

    def __call__(self) -> Mapping[str, Part]:
        """Look."""
        try:
            drawn = ledger.take(self._tallies, self._queue, self._store)
        except Unavailable as error:
            return {"ledger": Part(UNAVAILABLE, f"it can't be drawn up: {error}")}
        accounts = msgspec.to_builtins(drawn.tubes)
        if drawn.status != "settling":
            self._missing = {tube: account["missing"] for tube, account in accounts.items()}
        facts = {"accepted": drawn.accepted, "tubes": accounts, "missing": self._missing}
        if any(self._missing.values()):
            detail = "messages were accepted that are in no place where they could be; /api/ledger has the account"
            return {"ledger": Part(LOSS, detail, facts)}
        return {"ledger": Part(facts=facts)}
