"""Example answers of the operations. All tell of the same few trades."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from api.http.responses import Failure, FaultItem
from api.ingest.routes import Accepted, BatchAccepted, BatchFailure, Refused
from api.openapi.operations import MESSAGE_EXAMPLE, Readiness, Status
from api.operations import dead_letters
from api.operations.ledger import Account, Ledger, LossesSettled, LossItem
from api.operations.probes import Health
from api.query.messages import MessagePage
from api.query.stats import CountryStats, PairStats, Statistics, StepStats, Total
from api.query.traces import MessageTrace, TraceEntry
from tradewire import event, trade

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
_BAD_LIMIT: Final = Failure(
    "FAILED", [FaultItem("limit", "out-of-range", "limit is not a whole number from 1 to 1000.")]
)
_EMPTY_RANGE: Final = Failure("FAILED", [FaultItem("max", "empty-range", "max is less than min.")])
_NOTHING: Final = dict.fromkeys(
    ("expired", "duplicates", "dead_letters", "discarded", "waiting", "unanswered", "unexplained", "settled"), 0
)

EXAMPLES: Final[Mapping[tuple[str, int], msgspec.Struct | dict[str, Any]]] = {
    ("postMessage", 201): Accepted("OK", _EVENT.user_id, _ID),
    ("postMessage", 400): Failure("FAILED", _MISSING),
    ("postBatch", 201): BatchAccepted("OK", 2, [_ID, _OTHER_ID]),
    ("postBatch", 207): BatchAccepted("PARTIAL", 1, [_ID, None], [Refused(1, _MISSING)]),
    ("postBatch", 400): BatchFailure("FAILED", [], [Refused(0, _MISSING)]),
    ("listMessages", 200): MessagePage([_EVENT], None, None, "2026-11-24T10:27:50.000000Z"),
    ("listMessages", 400): _BAD_LIMIT,
    ("traceMessage", 200): MessageTrace(
        _ID,
        _EVENT,
        [
            TraceEntry("accepted", _AT),
            TraceEntry("shown", "2026-11-24T10:27:45.123100Z", _TUBE, browsers=3),
            TraceEntry("archived", "2026-11-24T10:27:45.371900Z"),
        ],
    ),
    ("traceMessage", 400): Failure("FAILED", [FaultItem("id", "bad-id", "id is not a UUID, as returned with a 201.")]),
    ("getStats", 200): Statistics(
        since="2026-11-24T09:28:00.000000Z",
        until="2026-11-24T10:28:00.000000Z",
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
        accepted=2,
        begun=2,
        tubes={_TUBE: Account(accepted=2, shown=1, missing=1, **_NOTHING)},
        losses=[LossItem(_TUBE, _AT, 1, 1, _ID, [_ID], "2026-11-24T10:27:48.500000Z")],
        consumers={},
    ),
    ("settleLosses", 200): LossesSettled("OK", 1),
    ("listDeadLetters", 200): dead_letters.DeadLetterList(
        [dead_letters.DeadLetterItem(_LETTER_ID, _TUBE, _REASON, "2026-11-24T10:27:46.000000Z", _EVENT)]
    ),
    ("requeueDeadLetter", 200): dead_letters.DeadLetterRequeued("OK", _TUBE, _LETTER_ID, "failed-again", _REASON),
    ("requeueDeadLetters", 200): dead_letters.DeadLettersRequeued("OK", 3, 0, 1),
    ("deleteDeadLetter", 200): dead_letters.DeadLetterConfirmation("OK", _TUBE, _LETTER_ID),
    ("getOpenApi", 200): {"openapi": "3.1.1", "info": {"title": "Tradewire", "version": "1"}},
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
