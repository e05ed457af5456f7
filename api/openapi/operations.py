"""The API's operations and their responses. The OpenAPI document is generated from this list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from api.http.responses import Failure
from api.ingest.routes import Accepted, BatchAccepted, BatchFailure
from api.openapi.operation import BAD_PARAMETERS, CROSS_SITE, RETRY, Operation, ResponseSpec
from api.openapi.session import SESSION
from api.operations import audit, dead_letters
from api.operations.ledger import Ledger, LossesSettled
from api.operations.probes import Health
from api.query import messages, stats, traces
from tradewire.fields import FIELDS, POSTED, REQUIRED
from tradewire.limits import MAX_BATCH_MESSAGES

if TYPE_CHECKING:
    from collections.abc import Sequence


class Status(msgspec.Struct):
    """Whether messages are accepted. degraded: they are, but a component has a fault."""

    status: Literal["ready", "degraded", "not-ready"]


class Readiness(Status):
    """The health of each component. degraded: messages are accepted, but a component has a fault."""

    components: dict[str, dict[str, Any]] = {}


_TAG: Final = {"ETag": "The version of the body, for If-None-Match."}
_NOT_MODIFIED: Final = ResponseSpec("The client's version, as in If-None-Match, is current.", headers=_TAG)
_BAD_ENCODING: Final = ResponseSpec(
    "The body is compressed with something other than gzip.",
    Failure,
    headers={"Accept-Encoding": "The supported Content-Encoding."},
)
_NO_DEAD_LETTER: Final = ResponseSpec("There is no such dead letter.", Failure)

_DEAD_LETTER_ID: Final = {"type": "string", "pattern": f"^{dead_letters.ID_PATTERN}$"}
_MESSAGE_ID: Final = {"type": "string", "format": "uuid"}
MESSAGE_EXAMPLE: Final = {field.json_name: field.example for field in FIELDS if field.example is not None}
MESSAGE_SCHEMA: Final = {
    "type": "object",
    "description": "One trade. Unknown fields are ignored and listed in the response.",
    "required": [field.json_name for field in REQUIRED],
    "properties": {field.json_name: field.type.schema for field in POSTED},
    "examples": [MESSAGE_EXAMPLE],
}
_IDEMPOTENCY_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "A retry with the same key and body is the same message: archived once, and shown once by a page.",
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
}


def _dead_letter_responses(success: str, body: type[msgspec.Struct]) -> dict[int, ResponseSpec]:
    return {
        200: ResponseSpec(success, body),
        400: BAD_PARAMETERS,
        403: CROSS_SITE,
        404: _NO_DEAD_LETTER,
    }


def operations(tubes: Sequence[str]) -> dict[tuple[str, str], Operation]:
    """Return the operations by method and path, for a stack with these tubes."""
    dead_letter_queries = dead_letters.query_types(tubes)
    dead_letter_path: dict[str, dict[str, Any]] = {
        "tube": {"type": "string", "enum": list(tubes)},
        "dead_letter_id": _DEAD_LETTER_ID,
    }
    return {
        ("post", "/api/message"): Operation(
            "postMessage",
            "Post a message",
            {
                201: ResponseSpec(
                    "The message is accepted.",
                    Accepted,
                    headers={"Location": "The URL of its trace, relative to this one."},
                ),
                400: ResponseSpec("The message has faults; the body lists them.", Failure),
                403: CROSS_SITE,
                413: ResponseSpec("The body is larger than 64 KiB.", Failure),
                415: _BAD_ENCODING,
            },
            description=(
                "After a 201 the message is kept durably. After a 503 it may or may not be kept."
                " Any Content-Type is accepted."
            ),
            headers=(_IDEMPOTENCY_KEY,),
            body=MESSAGE_SCHEMA,
        ),
        ("post", "/api/messages"): Operation(
            "postBatch",
            f"Post up to {MAX_BATCH_MESSAGES:,} messages",
            {
                201: ResponseSpec("All messages are accepted.", BatchAccepted),
                207: ResponseSpec(
                    "Some messages are accepted. The body lists the faults of the others.", BatchAccepted
                ),
                400: ResponseSpec("No message is accepted.", BatchFailure),
                403: CROSS_SITE,
                413: ResponseSpec("The body is larger than 1 MiB, before or after decompression.", Failure),
                415: _BAD_ENCODING,
            },
            description=(
                "Takes a JSON array, or NDJSON with one message a line. All valid messages are accepted together. After"
                " a 503 they may or may not be kept. An Idempotency-Key is for the whole batch: a retry must keep the"
                " messages in their positions. Any Content-Type is accepted."
            ),
            headers=(_IDEMPOTENCY_KEY,),
            body={
                "type": "array",
                "minItems": 1,
                "maxItems": MAX_BATCH_MESSAGES,
                "items": MESSAGE_SCHEMA,
                "examples": [[MESSAGE_EXAMPLE]],
            },
        ),
        ("get", "/api/messages"): Operation(
            "listMessages",
            "List messages, newest first or in another order",
            {
                200: ResponseSpec(
                    "A page in JSON, or a file of all matching messages.",
                    messages.MessagePage,
                    tuple(messages.FILE_TYPES),
                ),
                400: BAD_PARAMETERS,
                406: ResponseSpec("No media type in Accept is available.", Failure),
            },
            description=(
                "CSV and NDJSON files are streamed, newest message first. If the connection is closed early, the file"
                " is incomplete."
            ),
            query=messages.MessagesQuery,
        ),
        ("get", "/api/message/{message_id}"): Operation(
            "traceMessage",
            "Get a message and its history",
            {
                200: ResponseSpec("The message and its trace.", traces.MessageTrace, headers=_TAG),
                304: _NOT_MODIFIED,
                400: BAD_PARAMETERS,
                404: ResponseSpec(
                    "Nothing is known about such a message. `not-archived-yet`: it may have been accepted just now."
                    " `not-found`: every message of that time is archived, so it was not accepted here, or it is lost."
                    " `deleted`: retention has deleted the messages of that time.",
                    Failure,
                    headers=RETRY,
                ),
            },
            path={"message_id": _MESSAGE_ID},
        ),
        ("get", "/api/stats"): Operation(
            "getStats",
            "Get totals of the messages that match",
            {
                200: ResponseSpec("The totals.", stats.Statistics, headers=_TAG),
                304: _NOT_MODIFIED,
                400: BAD_PARAMETERS,
            },
            description=(
                "Takes the same filters and time range as listMessages and counts the same messages, exactly. For some"
                " filters, a range may have too many messages to read: then `basis` names the newest ones, which alone"
                " are counted. Without window, since and until, the time range is the last 24 hours."
            ),
            query=stats.StatsQuery,
        ),
        ("get", "/api/ledger"): Operation(
            "getLedger", "Reconcile accepted messages with their outcomes", {200: ResponseSpec("The ledger.", Ledger)}
        ),
        ("post", "/api/ledger/settle"): Operation(
            "settleLosses",
            "Settle all losses",
            {
                200: ResponseSpec("The losses are settled.", LossesSettled),
                403: CROSS_SITE,
            },
            description="The ledger names each loss until then. The messages stay lost.",
        ),
        ("get", "/api/dead-letters"): Operation(
            "listDeadLetters",
            "List events that could not be processed",
            {
                200: ResponseSpec("The oldest dead letters.", dead_letters.DeadLetterList),
                400: BAD_PARAMETERS,
            },
            query=dead_letter_queries.listing,
        ),
        ("post", "/api/dead-letters/{tube}/{dead_letter_id}/requeue"): Operation(
            "requeueDeadLetter",
            "Put a dead letter back into its tube, as a new job, and see what comes of it",
            _dead_letter_responses("The event was put back into its tube.", dead_letters.DeadLetterRequeued),
            path=dead_letter_path,
        ),
        ("post", "/api/dead-letters/requeue"): Operation(
            "requeueDeadLetters",
            "Put all dead letters of a tube back into it",
            {
                200: ResponseSpec("The number of those that are back.", dead_letters.DeadLettersRequeued),
                400: BAD_PARAMETERS,
                403: CROSS_SITE,
            },
            query=dead_letter_queries.requeue,
        ),
        ("delete", "/api/dead-letters/{tube}/{dead_letter_id}"): Operation(
            "deleteDeadLetter",
            "Delete a dead letter permanently",
            _dead_letter_responses("The dead letter is deleted.", dead_letters.DeadLetterConfirmation),
            path=dead_letter_path,
        ),
        ("get", "/api/audit"): Operation(
            "listAuditRecords",
            "List who did what, newest first",
            {
                200: ResponseSpec("The records.", audit.AuditPage),
                400: BAD_PARAMETERS,
            },
            description=(
                "The records of this host's audit trail. A page reads a bounded part of the file, so it may have fewer"
                " records than the limit, and still a `next`. The API checks the chain in the background, and says in"
                " `chain` what it has found. An intruder can rewrite a chain; only a count and a head that were noted"
                " elsewhere show that."
            ),
            query=audit.AuditQuery,
        ),
        **SESSION,
        ("get", "/api/openapi.json"): Operation(
            "getOpenApi",
            "Get this document",
            {
                200: ResponseSpec("The OpenAPI document.", dict[str, Any], headers=_TAG),
                304: _NOT_MODIFIED,
                400: BAD_PARAMETERS,
            },
        ),
        ("get", "/healthz"): Operation("getHealth", "Check that the API runs", {200: ResponseSpec("It runs.", Health)}),
        ("get", "/readyz"): Operation(
            "getReadiness",
            "Check whether messages are accepted",
            {
                200: ResponseSpec("Messages are accepted.", Readiness),
                503: ResponseSpec("Messages are refused.", Readiness, headers=RETRY),
            },
        ),
        ("get", "/readyz/status"): Operation(
            "getStatus",
            "Check whether messages are accepted, without the health of each component",
            {
                200: ResponseSpec("Messages are accepted.", Status),
                503: ResponseSpec("Messages are refused.", Status, headers=RETRY),
            },
        ),
        ("get", "/metrics"): Operation(
            "getMetrics",
            "Get the metrics",
            {200: ResponseSpec("The metrics of the whole stack, in Prometheus's format.", None, ("text/plain",))},
        ),
    }
