"""The health check of the ledger. A loss is reported until an operator settles it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import UNSET

from api.operations import ledger
from api.operations.readiness import UNAVAILABLE, Component
from tradewire.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tradewire.queue import Queue
    from tradewire.settings import Settings
    from tradewire.store.reading import StoreReader

LOSS: Final = "loss"


class LedgerCheck:
    """Reads the ledger."""

    def __init__(self, settings: Settings, queue: Queue, store: StoreReader) -> None:
        self._settings = settings
        self._queue = queue
        self._store = store

    def __call__(self) -> Mapping[str, Component]:
        """Run the check."""
        try:
            reconciled = ledger.reconcile(self._settings, self._queue, self._store)
        except Unavailable as error:
            return {"ledger": Component(UNAVAILABLE, f"the ledger can't be reconciled: {error}")}
        missing = {tube: account.missing for tube, account in reconciled.tubes.items()}
        facts = {
            "accepted": reconciled.accepted,
            "tubes": reconciled.tubes,
            "missing": missing,
            "lastBalancedAt": reconciled.last_balanced_at,
        }
        if any(missing.values()):
            return {"ledger": Component(LOSS, "accepted messages are lost; /api/ledger has the account", facts)}
        if spans := [span for span in reconciled.spans if span.settled_at is UNSET]:
            detail = (
                f"the stack was restored from a backup: messages received from {spans[0].since} to {spans[0].until} may"
                " be lost; /api/ledger has the spans"
            )
            return {"ledger": Component(LOSS, detail, facts)}
        return {"ledger": Component(facts=facts)}
