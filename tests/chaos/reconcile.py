"""Reconciles a stack's messages after kills, without trusting its ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.recount import read_table, recounted_statistics, stored_statistics
from tests.support import wait_until
from tradewire.settings import Settings
from tradewire.store.schema import events, receipts

if TYPE_CHECKING:
    from tests.chaos.producer import Producer
    from tests.stack import Stack

SETTLE_TIMEOUT_SECONDS = 60


def wait_settled(stack: Stack) -> dict[str, Any]:
    """Wait until no message is in flight; return the ledger."""
    ledger: dict[str, Any] = {}

    def is_settled() -> bool:
        response = stack.get("/api/ledger")
        if response.status != 200:  # 429 because this polls often, or 503 while a component is unavailable
            return False
        ledger.update(response.json)
        return bool(ledger["status"] != "settling" and ledger["tubes"]["live"]["waiting"] == 0)

    wait_until(is_settled, f"all is shown and archived\n{stack.logs()}", SETTLE_TIMEOUT_SECONDS)
    return ledger


def find_unnamed_losses(stack: Stack, producer: Producer, ledger: dict[str, Any]) -> list[str]:
    """After faults that may lose messages, check that the ledger tells of a loss and that nothing is doubled."""
    url = Settings(home=stack.home, store_url=stack.env.get("TRADEWIRE_STORE_URL", "")).store
    archived = [row.id for row in read_table(url, events)]
    lost, account = set(producer.accepted) - set(archived), ledger["tubes"]["archive"]
    guarantees = {
        "no two messages share an id": len(set(producer.accepted)) == len(producer.accepted),
        "no message is archived twice": len(set(archived)) == len(archived),
        # Messages of producers without an answer may make up for lost ones in its count, so the count may be too low.
        "the ledger tells of a loss": not lost or ledger["status"] == "loss" or account["deadLetters"] >= len(lost),
        "the statistics equal a recount": stored_statistics(url) == recounted_statistics(url),
    }
    return [
        f"violated: {guarantee}; {len(lost)} lost; {ledger}" for guarantee, holds in guarantees.items() if not holds
    ]


def find_violations(stack: Stack, producer: Producer, ledger: dict[str, Any]) -> list[str]:
    """Check every guarantee, and return those that do not hold.

    Args:
        stack: A stack that has settled.
        producer: The only producer; it has stopped.
        ledger: The ledger returned by `wait_settled`.
    """
    url = Settings(home=stack.home, store_url=stack.env.get("TRADEWIRE_STORE_URL", "")).store
    accepted = set(producer.accepted)
    archived = {row.id: row.user_id for row in read_table(url, events)}
    shown = {row.id for row in read_table(url, receipts) if (row.tube, row.kind) == ("live", "shown")}
    unexplained_users = {user for id_, user in archived.items() if id_ not in accepted} - producer.unanswered
    archive, live = ledger["tubes"]["archive"], ledger["tubes"]["live"]
    guarantees = {
        "no two messages share an id": len(accepted) == len(producer.accepted),
        "every message answered 201 is archived": accepted <= archived.keys(),
        "every other archived message is from a POST without an answer": not unexplained_users,
        "the statistics equal a recount": stored_statistics(url) == recounted_statistics(url),
        "the archive has a shown receipt for every message": accepted <= shown,
        "the ledger is balanced": ledger["status"] == "balanced",
        "the ledger includes every accepted message": len(accepted) <= ledger["accepted"] <= ledger["begun"],
        "the ledger's count of archived messages is correct": archive["archived"] == len(archived),
        "the ledger's count of shown messages is correct": live["shown"] == len(shown),
        "the ledger reports nothing as missing": archive["missing"] == live["missing"] == 0,
        "the ledger reports nothing as unexplained": archive["unexplained"] == live["unexplained"] == 0,
        "the ledger's count of unanswered messages is correct": (
            archive["unanswered"] == len(archived) + archive["duplicates"] - ledger["accepted"]
        ),
    }
    return [f"violated: {guarantee}; {ledger}" for guarantee, holds in guarantees.items() if not holds]
