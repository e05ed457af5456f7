"""Example answers of the operations, successful or not. All tell of the same few trades."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from api.access.session import FORM, LoggedOut, Session
from api.http.responses import Failure, FaultItem
from api.ingest.routes import Accepted, BatchAccepted, BatchFailure, Refused
from api.openapi.failures import FAILURES, UNCONFIRMED, failure
from api.openapi.operations import MESSAGE_EXAMPLE, Readiness, Status
from api.operations import audit, dead_letters
from api.operations.ledger import Account, Ledger, LossesSettled
from api.operations.ledger_losses import LossItem
from api.operations.probes import Health
from api.query.messages import MessagePage
from api.query.stats import CountryStats, PairStats, Statistics, StepStats, Total
from api.query.traces import MessageTrace, TraceEntry
from tradewire import event, trade
from tradewire.audit.reading import AuditRecord
from tradewire.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

    import msgspec

_RECEIVED: Final = datetime(2026, 11, 24, 10, 27, 45, 120_500, tzinfo=UTC)
_AT: Final = event.format_time(_RECEIVED)
_ID: Final = "019b0a1c-5d0e-7a41-8c3f-2b6d9e1f4a70"
_OTHER_ID: Final = "019b0a1c-5d0e-7a42-9b11-7c0e5a2d8f36"
_TUBE: Final = "live"
_LETTER_ID: Final = "7"
_REASON: Final = "amountSell is not a number"
_TRADE, _ = trade.decode(json.dumps(MESSAGE_EXAMPLE).encode(), _RECEIVED)
_EVENT: Final = event.decode(event.encode(_TRADE, _ID, _RECEIVED))
_MISSING: Final = [FaultItem("rate", "missing", "rate is missing.")]
_NO_PROVIDER: Final = failure(None, "not-found", "There is no provider to log in at: see TRADEWIRE_ACCESS.")
_ALICE: Final = Session("alice", ["operator", "viewer"])
_EMPTY_RANGE: Final = failure("max", "empty-range", "max is less than min.")
_NOTHING: Final = dict.fromkeys(
    ("expired", "duplicates", "dead_letters", "discarded", "waiting", "unanswered", "unexplained", "settled"), 0
)

EXAMPLES: Final[Mapping[tuple[str, int], msgspec.Struct | dict[str, Any]]] = {
    ("postMessage", 201): Accepted("OK", _EVENT.user_id, _ID),
    ("postMessage", 400): Failure("FAILED", _MISSING),
    ("postMessage", 503): UNCONFIRMED,
    ("postBatch", 201): BatchAccepted("OK", 2, [_ID, _OTHER_ID]),
    ("postBatch", 207): BatchAccepted("PARTIAL", 1, [_ID, None], [Refused(1, _MISSING)]),
    ("postBatch", 400): BatchFailure(
        "FAILED",
        [FaultItem(None, "all-refused", "Every message of the batch was refused; `refused` has the reasons.")],
        [Refused(0, _MISSING)],
    ),
    ("postBatch", 413): failure(None, "too-large", "The body is larger than 1024 KiB."),
    ("postBatch", 503): UNCONFIRMED,
    ("listMessages", 200): MessagePage([_EVENT], None, None, "2026-11-24T10:27:50.000000Z", None),
    ("listMessages", 400): failure("limit", "out-of-range", "limit is not a whole number from 1 to 1000."),
    ("traceMessage", 200): MessageTrace(
        _ID,
        _EVENT,
        [
            TraceEntry("accepted", _AT),
            TraceEntry("shown", "2026-11-24T10:27:45.123100Z", _TUBE, browsers=3),
            TraceEntry("archived", "2026-11-24T10:27:45.371900Z"),
        ],
    ),
    ("traceMessage", 400): failure("id", "bad-id", "id is not a UUID, as returned with a 201."),
    ("traceMessage", 404): failure(
        "id",
        "not-archived-yet",
        f"No message {_ID} is archived. A message accepted just now may not be archived yet.",
    ),
    ("getStats", 200): Statistics(
        since="2026-11-24T09:28:00.000000Z",
        until="2026-11-24T10:28:00.000000Z",
        kept_since=None,
        basis=None,
        step=60,
        total=Total(1, 0),
        pairs=[
            PairStats("EUR", "GBP", 1, 0, "1000", "747.1", "0.7471", "0.7471", "0.7471", "0.7471", "0.7471"),
        ],
        more_pairs=0,
        countries=[CountryStats("FR", 1, 0)],
        series=[StepStats("2026-11-24T10:27:00Z", 1, 0)],
    ),
    ("getStats", 400): _EMPTY_RANGE,
    ("getLedger", 200): Ledger(
        status="loss",
        archived_up_to="2026-11-24T10:27:50.000000Z",
        last_balanced_at=_AT,
        pending_slots=0,
        kept_since=None,
        deleted=0,
        accepted=2,
        begun=2,
        tubes={_TUBE: Account(accepted=2, shown=1, missing=1, **_NOTHING)},
        losses=[LossItem(_TUBE, _AT, 1, 1, _ID, [_ID], "2026-11-24T10:27:48.500000Z")],
        settled_losses=[],
        spans=[],
        consumers={},
    ),
    ("settleLosses", 200): LossesSettled("OK", 1),
    ("listAuditRecords", 200): audit.AuditPage(
        [
            AuditRecord(
                n=58,
                at="2026-11-24T10:30:00.000000Z",
                action="dead-letters-deleted",
                actor="alice",
                role="operator",
                client="10.0.0.7",
                request_id="6f1c2ab34d5e60718293a4b5c6d7e8f9",
                result="begun",
                details={"letters": [{"tube": _TUBE, "id": _LETTER_ID, "event": _ID, "sha256": "0" * 64}]},
                mac="0123456789abcdef" * 4,
            )
        ],
        next="20480",
        unreadable=0,
        reached="2026-11-24T10:30:00.000000Z",
        chain=audit.AuditChain(58, "0123456789abcdef" * 4, "whole", 58, ""),
    ),
    ("listAuditRecords", 400): failure("cursor", "bad-cursor", "cursor is not a cursor of this API."),
    ("listDeadLetters", 200): dead_letters.DeadLetterList(
        [dead_letters.DeadLetterItem(_LETTER_ID, _TUBE, _REASON, "2026-11-24T10:27:46.000000Z", _EVENT)]
    ),
    ("requeueDeadLetter", 200): dead_letters.DeadLetterRequeued("OK", _TUBE, _LETTER_ID, "failed-again", _REASON),
    ("requeueDeadLetters", 200): dead_letters.DeadLettersRequeued("OK", 3, 0, 1),
    ("deleteDeadLetter", 200): dead_letters.DeadLetterConfirmation("OK", _TUBE, _LETTER_ID),
    ("logIn", 200): _ALICE,
    ("logIn", 400): failure(None, "bad-request", FORM),
    ("logIn", 401): failure(None, "unauthorized", "The name or the password is wrong."),
    ("logIn", 404): failure(None, "not-found", "Access is open: there is nothing to log in to."),
    ("logIn", 429): failure(None, "too-many-requests", "Too many attempts to log in have failed. Try again in 8 s."),
    ("getSession", 200): _ALICE,
    ("goToProvider", 400): failure("return", "not-a-path", "return is no path of the page of 2000 characters at most."),
    ("goToProvider", 404): _NO_PROVIDER,
    ("comeFromProvider", 404): _NO_PROVIDER,
    ("logOut", 200): LoggedOut(1, "https://id.firm.example/logout?client_id=tradewire"),
    ("logOut", 404): failure(None, "not-found", "The request has no session that could end."),
    ("getOpenApi", 200): {"openapi": "3.1.1", "info": {"title": "Tradewire", "version": VERSION}},
    ("getHealth", 200): Health("ok"),
    ("getStatus", 200): Status("ready"),
    ("getStatus", 503): Status("not-ready"),
    ("getReadiness", 200): Readiness("ready", {"ingest": {"status": "ok"}, "queue": {"status": "ok"}}),
    ("getReadiness", 503): Readiness(
        "not-ready",
        {"ingest": {"status": "ok"}, "queue": {"status": "unavailable", "detail": "the queue does not answer"}},
    ),
}
"""The examples by operation and status."""


def example_of(operation_id: str, status: int) -> msgspec.Struct | dict[str, Any] | None:
    """Return the example of an answer. None if the answer has no JSON."""
    return EXAMPLES.get((operation_id, status)) or FAILURES.get(status)
