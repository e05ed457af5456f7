"""Example answers of refused requests, with the words of the API and of nginx."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from api.http.responses import Failure, FaultItem

if TYPE_CHECKING:
    from collections.abc import Mapping


def failure(field: str | None, code: str, detail: str) -> Failure:
    """Return an answer with a single fault."""
    return Failure("FAILED", [FaultItem(field, code, detail)])


UNCONFIRMED: Final = failure(
    None,
    "unavailable",
    "The request was not confirmed: the queue is full. Retry with the same Idempotency-Key to avoid duplicates.",
)
"""A posted message or batch that may or may not be kept."""

FAILURES: Final[Mapping[int, Failure]] = {
    400: failure("window", "unknown-parameter", "There is no parameter window here. Known parameters: none."),
    401: failure(
        None,
        "unauthorized",
        "The operator token is required: send Authorization: Bearer with the token in operator-token, in the stack's"
        " TRADEWIRE_HOME.",
    ),
    403: failure(
        None,
        "forbidden",
        "A page of another site sent this. TRADEWIRE_PUBLIC_URL names the page's own address.",
    ),
    404: failure(None, "not-found", "Dead letter 7 is not among the 100 oldest of the tube live."),
    406: failure(
        None,
        "not-acceptable",
        "The available media types are application/json, text/csv, application/x-ndjson.",
    ),
    413: failure(None, "too-large", "The body is larger than 64 KiB."),
    415: failure(None, "unsupported-media-type", "The only supported Content-Encoding is gzip."),
    421: failure(
        None,
        "unknown-host",
        "Tradewire does not know this host. TRADEWIRE_HOSTS names the hosts that it answers for.",
    ),
    429: failure(
        None,
        "too-many-requests",
        "Too many requests or connections from this address. Try again after the seconds in Retry-After.",
    ),
    503: failure(None, "unavailable", "The request can't be answered now: the archive does not answer."),
}
"""By status, for every operation without an example of its own."""
