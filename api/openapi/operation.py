"""How an operation of the API is described, and the responses that many operations share."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from api.http.parameters import Query
from api.http.responses import Failure

if TYPE_CHECKING:
    from collections.abc import Mapping

_NONE: Final[Mapping[str, Any]] = MappingProxyType({})


class ResponseSpec(NamedTuple):
    """One response: the type of its JSON, the media types of its other formats, and its required headers."""

    description: str
    body: Any = None
    text_types: tuple[str, ...] = ()
    headers: Mapping[str, str] = _NONE


class Operation(NamedTuple):
    """One method of one path."""

    operation_id: str
    summary: str
    responses: dict[int, ResponseSpec]
    description: str = ""
    query: type[Query] = Query
    path: Mapping[str, dict[str, Any]] = _NONE
    headers: tuple[dict[str, Any], ...] = ()
    body: dict[str, Any] | None = None


RETRY: Final = {"Retry-After": "Seconds to wait before a retry."}
BAD_PARAMETERS: Final = ResponseSpec("The parameters have faults; the body lists them.", Failure)
CROSS_SITE: Final = ResponseSpec(
    "By Origin or Sec-Fetch-Site, a page of another site sent the request; or the key or the user lacks the role.",
    Failure,
)
COMMON_RESPONSES: Final = {
    421: ResponseSpec("The request names a host that is not the stack's own. Sent by nginx.", Failure),
    429: ResponseSpec(
        "Too many requests or connections, from this address or all, or by this key.", Failure, headers=RETRY
    ),
    503: ResponseSpec("A required service is unavailable; the body names it.", Failure, headers=RETRY),
}
"""The responses that every operation may have."""
SCHEME: Final = {"WWW-Authenticate": "The scheme, Bearer."}
GUARDED_RESPONSES: Final = {
    401: ResponseSpec("The credentials are missing or not valid.", Failure, headers=SCHEME),
    403: ResponseSpec("The key or the user has no role that this needs.", Failure),
}
"""The responses that every operation may have that is not public."""
