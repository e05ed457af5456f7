"""What must be true when the dust has settled, each message accounted for, without believing the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.recount import read_table, recounted_statistics, stored_statistics
from tests.support import wait_until
from tradewire.settings import Settings
from tradewire.store.schema import events, receipts

if TYPE_CHECKING:
    from tests.chaos.poster import Poster
    from tests.stack import Stack

SETTLED_WITHIN_SECONDS = 60


def settle(stack: Stack) -> dict[str, Any]:
    """Wait until nothing is on its way any more; give the ledger of then."""
    ledger: dict[str, Any] = {}

    def at_rest() -> bool:
        answer = stack.get("/api/ledger")
        if answer.status != 200:  # 429, as this asks often; 503, as long as a part is away
            return False
        ledger.update(answer.json)
        return bool(ledger["status"] != "settling" and ledger["tubes"]["live"]["waiting"] == 0)

    wait_until(at_rest, f"all is shown and archived\n{stack.logs()}", SETTLED_WITHIN_SECONDS)
    return ledger


def faults(stack: Stack, poster: Poster, ledger: dict[str, Any]) -> list[str]:
    """Say what is not as it was promised; the poster has stopped, and the stack has settled."""
    url = Settings(home=stack.home, store_url=stack.env.get("TRADEWIRE_STORE_URL", "")).store
    accepted = set(poster.accepted)
    archived = {row.id: row.user_id for row in read_table(url, events)}
    shown = {row.id for row in read_table(url, receipts) if (row.tube, row.kind) == ("live", "shown")}
    strangers = {user for id_, user in archived.items() if id_ not in accepted} - poster.unanswered
    archive, live = ledger["tubes"]["archive"], ledger["tubes"]["live"]
    promises = {
        "no id was given to two messages": len(accepted) == len(poster.accepted),
        "each message answered 201 is archived": accepted <= archived.keys(),
        "what is archived beyond came from posts that got no answer": not strangers,
        "statistics are what a recount gives": stored_statistics(url) == recounted_statistics(url),
        "the archive knows that each was shown": accepted <= shown,
        "the ledger is balanced": ledger["status"] == "balanced",
        "it knows of each that was accepted": len(accepted) <= ledger["accepted"] <= ledger["begun"],
        "it knows how many are archived": archive["archived"] == len(archived),
        "it knows how many were shown": live["shown"] == len(shown),
        "it misses none": archive["missing"] == live["missing"] == 0,
        "it explains the surplus": archive["unexplained"] == live["unexplained"] == 0,
        "its surplus is what is archived beyond": (
            archive["unanswered"] == len(archived) + archive["duplicates"] - ledger["accepted"]
        ),
    }
    return [f"not true: {promise}; {ledger}" for promise, kept in promises.items() if not kept]
