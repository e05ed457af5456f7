"""Answers in the API's form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from flask import Response

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


def answer(status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> Answer:
    """Give a JSON answer."""
    encoded = _encoder.encode(body)
    final = [("Content-Type", "application/json"), ("Content-Length", str(len(encoded)))]
    if headers:
        final += headers.items()
    return Answer(encoded, status, final)


def failed(status: int, faults: Sequence[Fault], headers: dict[str, str] | None = None) -> Answer:
    """Give an answer that names every fault: `{"status":"FAILED","errors":[{"field","code","detail"}…]}`."""
    return answer(status, {"status": "FAILED", "errors": [fault._asdict() for fault in faults]}, headers)


def unavailable(reason: str) -> Answer:
    """Give a 503, which promises nothing."""
    detail = f"Not promised: {reason}. Retry, with an Idempotency-Key to be free of doubles."
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
    return failed(503, [Fault(None, "unavailable", detail)], headers)
