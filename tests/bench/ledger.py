"""Waits until the stack has processed everything, and reconciles its ledger with the load and the clients."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.bench.queue_depth import wait_empty
from tests.stack import is_settled
from tests.support import wait_until

if TYPE_CHECKING:
    from tests.bench.clients import Clients
    from tests.stack import Stack

SETTLE_TIMEOUT_SECONDS = 300
_POLL_SECONDS = 0.05
"""nginx allows 20 reads a second from one address."""


class Totals(NamedTuple):
    """Messages since the stack was first started. After settling, each was archived and shown to a browser."""

    accepted: int
    shown: int
    archived: int


def wait_settled(stack: Stack, token: str = "") -> Totals:
    """Wait until everything is shown and archived; fail if a message was lost. `token` is that of a monitor's key."""
    wait_empty(stack, SETTLE_TIMEOUT_SECONDS)  # asks the queue alone, so that polling the ledger slows no other program
    ledger: dict[str, Any] = {}

    def has_settled() -> bool:
        time.sleep(_POLL_SECONDS)
        response = stack.get("/api/ledger", X_API_Key=token)
        if response.status != 200:
            return False
        ledger.update(response.json)
        return is_settled(ledger)

    wait_until(has_settled, lambda: f"the ledger has settled: {ledger}", SETTLE_TIMEOUT_SECONDS)
    assert ledger["status"] == "balanced", ledger
    tubes = ledger["tubes"]
    return Totals(ledger["accepted"], tubes["live"]["shown"], tubes["archive"]["archived"])


class Reconciler:
    """Reconciles the messages posted with the ledger and with the events that the clients received."""

    def __init__(self, stack: Stack, clients: Clients, token: str = "") -> None:
        self._stack = stack
        self._clients = clients
        self._token = token
        self._totals = wait_settled(stack, token)
        self.received = clients.counts().min_events
        """Events that each client had received at the last reconciliation."""

    def reconcile(self, answered: int) -> int:
        """Wait until everything is shown and archived, and check that nothing was lost or duplicated.

        Args:
            answered: How many messages were answered 201 since the last reconciliation. More may have been accepted,
                since the load generator closes its connections before the last answers arrive.

        Returns:
            How many messages were accepted since the last reconciliation.
        """
        totals = wait_settled(self._stack, self._token)
        accepted, shown, archived = (new - old for new, old in zip(totals, self._totals, strict=True))
        assert accepted >= answered, f"{answered} were answered 201, but the ledger has only {accepted}"
        assert shown == archived, f"{shown} were shown, but {archived} archived"
        assert archived >= accepted, f"{archived} of {accepted} were archived"
        self.received = self._clients.check_received(self.received + archived).min_events
        self._totals = totals
        return archived
