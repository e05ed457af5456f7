"""What a producer has sent, read from the request in hand, within limits."""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING, Final

from flask import request
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import Forbidden, RequestEntityTooLarge, UnsupportedMediaType

from tradewire.errors import Fault, InvalidTrade

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")
"""What an Idempotency-Key may be: visible ASCII, and short."""
_FOREIGN: Final = frozenset({"cross-site", "same-site"})
"""What a browser says of a request that a page of another site has made: any page that an operator looks at could."""
_GZIP: Final = frozenset({"gzip", "x-gzip"})
"""The names of the one packing there is (RFC 9110, section 8.4.1.3)."""


class UnknownPacking(UnsupportedMediaType):
    """A body that is packed in a way that is not known; the answer says which one is (RFC 9110, section 15.5.16)."""

    description = "The body may be packed with gzip, and in no other way."

    def get_headers(
        self, environ: WSGIEnvironment | None = None, scope: dict[str, object] | None = None
    ) -> list[tuple[str, str]]:
        """Give the headers."""
        return [*super().get_headers(environ, scope), ("Accept-Encoding", "gzip")]


def refuse_foreign() -> None:
    """Refuse what a page of another site has made a browser send. Raises Forbidden."""
    if request.environ.get("HTTP_SEC_FETCH_SITE") in _FOREIGN:
        raise Forbidden("A page of another site may not post here.")


def idempotency_key() -> str | None:
    """Give the Idempotency-Key, if there is one. Raises InvalidTrade where it can't be one."""
    header: str | None = request.environ.get("HTTP_IDEMPOTENCY_KEY")
    if header is None or _KEY.fullmatch(header):
        return header
    detail = "The header Idempotency-Key is not 1 to 255 visible ASCII characters."
    raise InvalidTrade([Fault(None, "bad-idempotency-key", detail)])


def body(max_bytes: int) -> bytes:
    """Read the body, once, straight from the server, which knows where it ends; unpack it where it is packed.

    Raises RequestEntityTooLarge, UnknownPacking, and InvalidTrade where it did not arrive whole.
    """
    try:
        sent: bytes = request.environ["wsgi.input"].read(max_bytes + 1)
    except (ParseException, OSError) as error:
        raise InvalidTrade([Fault(None, "bad-body", f"The body did not arrive as HTTP: {error}.")]) from error
    if len(sent) > max_bytes:
        raise _too_large(max_bytes)
    packing = request.environ.get("HTTP_CONTENT_ENCODING")
    if packing is None:
        return sent
    if packing.strip().lower() not in _GZIP:
        raise UnknownPacking
    return _unpacked(sent, max_bytes)


def _unpacked(packed: bytes, max_bytes: int) -> bytes:
    """Unpack gzip, no further than to the limit: a few bytes can stand for gigabytes."""
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)  # with gzip's header and checksum
    try:
        unpacked = unpacker.decompress(packed, max_bytes + 1)
    except zlib.error as error:
        raise InvalidTrade([Fault(None, "bad-gzip", f"The body can't be unpacked with gzip: {error}.")]) from None
    if len(unpacked) > max_bytes:
        raise _too_large(max_bytes)
    if not unpacker.eof or unpacker.unused_data:
        raise InvalidTrade([Fault(None, "bad-gzip", "The body is not one whole piece of gzip, and nothing else.")])
    return unpacked


def _too_large(max_bytes: int) -> RequestEntityTooLarge:
    return RequestEntityTooLarge(f"The body is larger than {max_bytes} bytes.")
