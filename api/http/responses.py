"""Answers in the API's form."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec
from flask import Response, request

from tradewire.errors import Fault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from werkzeug.datastructures import Headers

RETRY_AFTER_SECONDS: Final = 1
_encoder: Final = msgspec.json.Encoder()


class Answer(Response):
    """A response whose headers are final when it is made, so that werkzeug need not go through them again."""

    def get_wsgi_headers(self, _environ: object) -> Headers:
        """Give the headers as they are."""
        return self.headers


class FaultItem(msgspec.Struct):
    """One thing that is wrong; `field` is the message's field or the question's parameter, if it is about one."""

    field: str | None
    code: str
    detail: str


class Failure(msgspec.Struct):
    """A refusal, with every fault at once."""

    status: Literal["FAILED"]
    errors: list[FaultItem]


def answer(status: int, body: dict[str, Any] | msgspec.Struct, headers: dict[str, str] | None = None) -> Answer:
    """Give a JSON answer."""
    encoded = _encoder.encode(body)
    final = [("Content-Type", "application/json"), ("Content-Length", str(len(encoded)))]
    if headers:
        final += headers.items()
    return Answer(encoded, status, final)


def tagged(body: dict[str, Any] | msgspec.Struct) -> Answer:
    """Give a JSON answer with an ETag, or a 304 to who has just this one."""
    encoded = _encoder.encode(body)
    tag = blake2b(encoded, digest_size=16).hexdigest()
    headers = [("Content-Type", "application/json"), ("ETag", f'"{tag}"'), ("Cache-Control", "no-cache")]
    if request.if_none_match.contains_weak(tag):
        return Answer(None, 304, headers)
    return Answer(encoded, 200, [*headers, ("Content-Length", str(len(encoded)))])


def failed(status: int, faults: Sequence[Fault], headers: dict[str, str] | None = None) -> Answer:
    """Give an answer that names every fault: `{"status":"FAILED","errors":[{"field","code","detail"}…]}`."""
    return answer(status, Failure("FAILED", shown(faults)), headers)


def shown(faults: Sequence[Fault]) -> list[FaultItem]:
    """Give faults as they are answered."""
    return [FaultItem(*fault) for fault in faults]


def unavailable(detail: str) -> Answer:
    """Give a 503."""
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
    return failed(503, [Fault(None, "unavailable", detail)], headers)
