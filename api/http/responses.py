"""JSON responses in the API's format."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, NamedTuple, Self

import msgspec
from flask import Response, request

from tradewire.errors import Fault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from werkzeug.datastructures import Headers

RETRY_AFTER_SECONDS: Final = 1
_encoder: Final = msgspec.json.Encoder()


class Answer(NamedTuple):
    """A complete response in plain values."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class ApiResponse(Response):
    """A response that sends its headers exactly as given, so that werkzeug need not process them again."""

    @classmethod
    def of(cls, answer: Answer) -> Self:
        """Make Flask's response from an answer."""
        return cls(answer.body, answer.status, answer.headers)

    def get_wsgi_headers(self, _environ: object) -> Headers:
        """Return the headers unchanged."""
        return self.headers


class FaultItem(msgspec.Struct):
    """One fault. `field` is the message's field or the query parameter, or null for the whole request."""

    field: str | None
    code: str
    detail: str


MoreErrors = Annotated[int, msgspec.Meta(ge=0, description="The number of faults that are not listed, if any.")]


class Failure(msgspec.Struct, omit_defaults=True):
    """An error response with the first faults."""

    status: Literal["FAILED"]
    errors: list[FaultItem]
    moreErrors: MoreErrors = 0  # noqa: N815 - JSON's camelCase


def json_answer(status: int, body: dict[str, Any] | msgspec.Struct, headers: dict[str, str] | None = None) -> Answer:
    """Make an answer with a JSON body."""
    encoded = _encoder.encode(body)
    all_headers = [("Content-Type", "application/json"), ("Content-Length", str(len(encoded)))]
    if headers:
        all_headers += headers.items()
    return Answer(status, all_headers, encoded)


def json_response(
    status: int, body: dict[str, Any] | msgspec.Struct, headers: dict[str, str] | None = None
) -> ApiResponse:
    """Make Flask's response with a JSON body."""
    return ApiResponse.of(json_answer(status, body, headers))


def json_response_with_etag(body: dict[str, Any] | msgspec.Struct) -> ApiResponse:
    """Make a JSON response with an ETag: 200, or 304 if the client already has this body."""
    encoded = _encoder.encode(body)
    tag = blake2b(encoded, digest_size=16).hexdigest()
    headers = [("Content-Type", "application/json"), ("ETag", f'"{tag}"'), ("Cache-Control", "no-cache")]
    if request.if_none_match.contains_weak(tag):
        return ApiResponse(None, 304, headers)
    return ApiResponse(encoded, 200, [*headers, ("Content-Length", str(len(encoded)))])


def error_response(
    status: int, faults: Sequence[Fault], headers: dict[str, str] | None = None, *, more: int = 0
) -> ApiResponse:
    """Make an error response: `{"status":"FAILED","errors":[{"field","code","detail"}…]}`.

    Args:
        status: The HTTP status.
        faults: The faults to list.
        headers: Further headers.
        more: The number of faults that are not listed.
    """
    return json_response(status, Failure("FAILED", fault_items(faults), more), headers)


def fault_items(faults: Sequence[Fault]) -> list[FaultItem]:
    """Convert faults to their JSON form."""
    return [FaultItem(*fault) for fault in faults]


def unavailable_response(code: str, detail: str) -> ApiResponse:
    """Make a 503 with `Retry-After`."""
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
    return error_response(503, [Fault(None, code, detail)], headers)
