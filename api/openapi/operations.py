"""What the API can be asked, and what it may answer: the list that its OpenAPI document is made from."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import msgspec

from api.http.parameter_types import COUNTRY, CURRENCY, integer
from api.http.parameters import Query
from api.http.responses import Failure
from api.ingest.routes import Accepted, BatchAccepted, BatchFailure
from api.operations import dead_letters
from api.operations.ledger import Ledger
from api.query import messages, stats
from tradewire.limits import MAX_BATCH_MESSAGES
from tradewire.queue import TUBES
from tradewire.trade import FRACTION_DIGITS, USER_ID_MAX, WHOLE_DIGITS

if TYPE_CHECKING:
    from collections.abc import Mapping

_NONE: Final[Mapping[str, Any]] = MappingProxyType({})


class ResponseSpec(NamedTuple):
    """One answer: its JSON's type, or the kinds of text that it may be, and headers that are always there."""

    description: str
    body: Any = None
    texts: tuple[str, ...] = ()
    headers: Mapping[str, str] = _NONE


class Operation(NamedTuple):
    """One method of one path."""

    name: str
    summary: str
    responses: dict[int, ResponseSpec]
    description: str = ""
    query: type[Query] = Query
    path: Mapping[str, dict[str, Any]] = _NONE
    headers: tuple[dict[str, Any], ...] = ()
    body: dict[str, Any] | None = None
    is_for_operators: bool = False


class Alive(msgspec.Struct):
    """The API responses."""

    status: Literal["ok"]


class Readiness(msgspec.Struct):
    """How each component stands; degraded: messages are kept, and wait until what is missing is back."""

    status: Literal["ready", "degraded", "not-ready"]
    components: dict[str, dict[str, Any]]


_RETRY: Final = {"Retry-After": "Seconds to wait before the next try."}
_TAG: Final = {"ETag": "To be sent back as If-None-Match."}
_SAME: Final = ResponseSpec("What the client has, by its If-None-Match, is still so.", headers=_TAG)
_BAD: Final = ResponseSpec("The question has faults; each is named.", Failure)
_DENIED: Final = ResponseSpec("There is no operators' token with it.", Failure, headers={"WWW-Authenticate": "Bearer."})
_PACKED: Final = ResponseSpec(
    "The body is packed, and not with gzip.", Failure, headers={"Accept-Encoding": "What it may be packed with."}
)
_NOT_THERE: Final = ResponseSpec("There is none.", Failure)
COMMON: Final = {
    429: ResponseSpec("Too many requests or connections from one address; nginx says so.", Failure, headers=_RETRY),
    503: ResponseSpec("Something that it takes is away; what it is, is said.", Failure, headers=_RETRY),
}
"""What any question may be answered with."""

_TUBE: Final = {"type": "string", "enum": list(TUBES)}
_BURIED_ID: Final = integer(1, 2**63 - 1).schema
_MESSAGE_ID: Final = {"type": "string", "format": "uuid"}
_AMOUNT: Final = {
    "anyOf": [
        {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 10**WHOLE_DIGITS},
        {"type": "string", "pattern": rf"^(?=.*[1-9])[0-9]{{1,{WHOLE_DIGITS}}}(\.[0-9]{{1,{FRACTION_DIGITS}}})?$"},
    ],
    "description": f"Kept exactly; up to {WHOLE_DIGITS} digits before the point and {FRACTION_DIGITS} behind it.",
}
MESSAGE: Final = {
    "type": "object",
    "description": "One trade. Unknown fields are ignored, and named in the answer.",
    "required": [
        *("userId", "currencyFrom", "currencyTo", "amountSell", "amountBuy"),
        *("rate", "timePlaced", "originatingCountry"),
    ],
    "properties": {
        "userId": {
            "anyOf": [
                {"type": "string", "minLength": 1, "maxLength": USER_ID_MAX, "pattern": r"^[!-~]+( [!-~]+)*$"},
                {"type": "integer"},
            ]
        },
        "currencyFrom": CURRENCY.schema,
        "currencyTo": CURRENCY.schema,
        "amountSell": _AMOUNT,
        "amountBuy": _AMOUNT,
        "rate": _AMOUNT,
        "timePlaced": {
            "type": "string",
            "description": "DD-MON-YY HH:MM:SS, in UTC, or ISO 8601 with an offset; at most 5 minutes in the future.",
            "examples": ["24-JAN-15 10:27:44", "2015-01-24T10:27:44Z"],
        },
        "originatingCountry": COUNTRY.schema,
    },
    "examples": [
        {
            "userId": "134259",
            "currencyFrom": "EUR",
            "currencyTo": "GBP",
            "amountSell": 1000,
            "amountBuy": 747.10,
            "rate": 0.7471,
            "timePlaced": "24-JAN-15 10:27:44",
            "originatingCountry": "FR",
        }
    ],
}
_IDEMPOTENCY_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Makes a retry the same message.",
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
}

OPERATIONS: Final[dict[tuple[str, str], Operation]] = {
    ("post", "/api/message"): Operation(
        "postMessage",
        "Post one message",
        {
            201: ResponseSpec("Kept.", Accepted, headers={"Location": "Where its trace is."}),
            400: ResponseSpec("The message has faults; each is named.", Failure),
            403: ResponseSpec("A page of another site asks, by its browser's Sec-Fetch-Site.", Failure),
            413: ResponseSpec("The body is larger than 64 KiB.", Failure),
            415: _PACKED,
        },
        description="Answered 201 once it is kept for good. 503 promises nothing. Any Content-Type is taken.",
        headers=(_IDEMPOTENCY_KEY,),
        body=MESSAGE,
    ),
    ("post", "/api/messages"): Operation(
        "postBatch",
        "Post up to 1,000 messages at once",
        {
            201: ResponseSpec("All are kept.", BatchAccepted),
            207: ResponseSpec("Some are kept; the others have faults, and each is named.", BatchAccepted),
            400: ResponseSpec("None is kept.", BatchFailure),
            403: ResponseSpec("A page of another site asks, by its browser's Sec-Fetch-Site.", Failure),
            413: ResponseSpec("The body is larger than 1 MiB, packed or unpacked.", Failure),
            415: _PACKED,
        },
        description=(
            "A JSON array, or NDJSON: one message a line. What is kept is kept together; 503 promises nothing. Under"
            " one Idempotency-Key, a message is known by its place in the batch. Any Content-Type is taken."
        ),
        headers=(_IDEMPOTENCY_KEY,),
        body={
            "type": "array",
            "minItems": 1,
            "maxItems": MAX_BATCH_MESSAGES,
            "items": MESSAGE,
            "examples": [MESSAGE["examples"]],
        },
    ),
    ("get", "/api/messages"): Operation(
        "listMessages",
        "Find messages, newest first",
        {
            200: ResponseSpec(
                "A page; in the other forms all of them.", messages.MessagePage, tuple(messages.FILE_TYPES)
            ),
            400: _BAD,
            406: ResponseSpec("There is no such form of it.", Failure),
        },
        description="CSV and NDJSON are streamed. If the connection breaks off, the file is not whole.",
        query=messages.MessagesQuery,
    ),
    ("get", "/api/message/{message_id}"): Operation(
        "traceMessage",
        "See what became of a message",
        {
            200: ResponseSpec("The message and its trace.", messages.MessageTrace, headers=_TAG),
            304: _SAME,
            400: _BAD,
            404: ResponseSpec("Nothing is archived under this id; that may be yet to come.", Failure, headers=_RETRY),
        },
        path={"message_id": _MESSAGE_ID},
    ),
    ("get", "/api/stats"): Operation(
        "getStats",
        "Sum up any stretch of time",
        {200: ResponseSpec("The sums.", stats.Statistics, headers=_TAG), 304: _SAME, 400: _BAD},
        description="Without parameters: the last 24 hours.",
        query=stats.StatsQuery,
    ),
    ("get", "/api/ledger"): Operation(
        "getLedger", "Hold what was accepted against what became of it", {200: ResponseSpec("The account.", Ledger)}
    ),
    ("get", "/api/dead-letters"): Operation(
        "listDeadLetters",
        "See what could not be handled",
        {200: ResponseSpec("The oldest of them.", dead_letters.DeadLetterList), 400: _BAD, 401: _DENIED},
        query=dead_letters.DeadLettersQuery,
        is_for_operators=True,
    ),
    ("post", "/api/dead-letters/{tube}/{dead_letter_id}/requeue"): Operation(
        "requeueDeadLetter",
        "Put a buried event back into its tube, as new",
        {
            200: ResponseSpec("It is back.", dead_letters.DeadLetterConfirmation),
            400: _BAD,
            401: _DENIED,
            404: _NOT_THERE,
        },
        path={"tube": _TUBE, "dead_letter_id": _BURIED_ID},
        is_for_operators=True,
    ),
    ("delete", "/api/dead-letters/{tube}/{dead_letter_id}"): Operation(
        "deleteDeadLetter",
        "Delete a buried event for good",
        {
            200: ResponseSpec("It is gone.", dead_letters.DeadLetterConfirmation),
            400: _BAD,
            401: _DENIED,
            404: _NOT_THERE,
        },
        path={"tube": _TUBE, "dead_letter_id": _BURIED_ID},
        is_for_operators=True,
    ),
    ("get", "/api/openapi.json"): Operation(
        "getOpenApi",
        "Read this",
        {200: ResponseSpec("This document.", dict[str, Any], headers=_TAG), 304: _SAME, 400: _BAD},
    ),
    ("get", "/healthz"): Operation("getHealth", "Is it alive?", {200: ResponseSpec("It is.", Alive)}),
    ("get", "/readyz"): Operation(
        "getReadiness",
        "Would a message that is posted now be kept?",
        {200: ResponseSpec("It would.", Readiness), 503: ResponseSpec("It would not.", Readiness, headers=_RETRY)},
    ),
    ("get", "/metrics"): Operation(
        "getMetrics", "Read the metrics", {200: ResponseSpec("In Prometheus's form.", None, ("text/plain",))}
    ),
}
