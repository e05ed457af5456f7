"""Reconciles a stack's messages after kills, without trusting its ledger."""

from __future__ import annotations

from http.client import HTTPException
from typing import TYPE_CHECKING, Any

from tests.recount import count_rows, read_table, recounted_statistics, stored_statistics
from tests.stack import is_settled
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

    def has_settled() -> bool:
        try:
            response = stack.get("/api/ledger")
        except (OSError, HTTPException):  # nginx is being started again
            return False
        if response.status != 200:  # 429 because this polls often, or 503 while a component is unavailable
            return False
        ledger.update(response.json)
        return is_settled(ledger)

    # nginx limits how often one address may ask.
    what = "all is shown and archived"
    wait_until(has_settled, lambda: f"{what}\n{stack.logs()}", SETTLE_TIMEOUT_SECONDS, pause_seconds=0.1)
    return ledger


def find_miscounts(stack: Stack, producer: Producer, ledger: dict[str, Any]) -> list[str]:
    """Compare the ledger's counts with the producer's answers and with the rows in the archive.

    Args:
        stack: A stack that has settled.
        producer: The only producer; it is paused.
        ledger: The ledger returned by `wait_settled`.
    """
    accepted, archived = ledger["accepted"], count_archived(stack)
    archive = ledger["tubes"]["archive"]
    answered = len(producer.accepted)
    guarantees = {
        "the ledger is balanced": ledger["status"] == "balanced",
        "nothing is missing": all(account["missing"] == 0 for account in ledger["tubes"].values()),
        "nothing is unexplained": all(account["unexplained"] == 0 for account in ledger["tubes"].values()),
        "accepted messages are those answered 201, and some without an answer": (
            answered <= accepted <= answered + producer.doubtful
        ),
        "archived messages are the archive's rows": archive["archived"] == archived,
        "archived messages and repeated ones are the accepted and the unanswered ones": (
            archived + archive["duplicates"] == accepted + archive["unanswered"]
        ),
    }
    return [
        f"violated: {guarantee}; {answered} answered 201, {producer.doubtful} doubtful, {archived} rows; {ledger}"
        for guarantee, holds in guarantees.items()
        if not holds
    ]


def count_archived(stack: Stack) -> int:
    """Count the archive's messages."""
    return count_rows(_store_url(stack), events)


def find_unnamed_losses(stack: Stack, producer: Producer, ledger: dict[str, Any]) -> list[str]:
    """After faults that may lose messages, check that the ledger tells of a loss and that nothing is doubled."""
    url = _store_url(stack)
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
    url = _store_url(stack)
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


def _store_url(stack: Stack) -> str:
    return Settings(home=stack.home, store_url=stack.env.get("TRADEWIRE_STORE_URL", "")).store
