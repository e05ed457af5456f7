"""The body and headers of a posted message or batch, read within limits."""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING, Final

from gunicorn.http.errors import ParseException
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from tradewire.errors import Fault, InvalidTrade

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_IDEMPOTENCY_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")
_GZIP: Final = frozenset({"gzip", "x-gzip"})
"""The names of gzip in Content-Encoding (RFC 9110, section 8.4.1.3)."""
_NO_CODING: Final = frozenset({"", "identity"})
"""What Content-Encoding may name for a body that is not encoded."""


class UnsupportedEncoding(UnsupportedMediaType):
    """A 415 that names the supported Content-Encoding (RFC 9110, section 15.5.16)."""

    description = "The only supported Content-Encoding is gzip."

    def get_headers(
        self, environ: WSGIEnvironment | None = None, scope: dict[str, object] | None = None
    ) -> list[tuple[str, str]]:
        """Return the headers."""
        return [*super().get_headers(environ, scope), ("Accept-Encoding", "gzip")]


def idempotency_key(environ: WSGIEnvironment) -> str | None:
    """Return the Idempotency-Key, if the request has one. Raises InvalidTrade if it is malformed."""
    key: str | None = environ.get("HTTP_IDEMPOTENCY_KEY")
    if key is None or _IDEMPOTENCY_KEY.fullmatch(key):
        return key
    detail = "The header Idempotency-Key is not 1 to 255 visible ASCII characters."
    raise InvalidTrade([Fault(None, "bad-idempotency-key", detail)])


def read_body(environ: WSGIEnvironment, max_bytes: int) -> bytes:
    """Read the body, once, and decompress it if necessary.

    It is read straight from the server, which knows where the body ends.

    Args:
        environ: The request.
        max_bytes: The limit, both before and after decompression.

    Returns:
        The decompressed body.

    Raises:
        InvalidTrade: The body is incomplete or can't be decompressed.
        RequestEntityTooLarge: It exceeds the limit.
        UnsupportedEncoding: It is compressed with something other than gzip.
    """
    try:
        body: bytes = environ["wsgi.input"].read(max_bytes + 1)
    except (ParseException, OSError) as error:
        raise InvalidTrade([Fault(None, "bad-body", f"The body could not be read: {error}.")]) from error
    if len(body) > max_bytes:
        raise _too_large(max_bytes)
    encoding = environ.get("HTTP_CONTENT_ENCODING")
    if encoding is None:
        return body
    codings = [coding for part in encoding.split(",") if (coding := part.strip().lower()) not in _NO_CODING]
    if not codings:
        return body
    if len(codings) > 1 or codings[0] not in _GZIP:
        raise UnsupportedEncoding
    return _decompress(body, max_bytes)


def _decompress(compressed: bytes, max_bytes: int) -> bytes:
    """Decompress gzip up to the limit only: a few bytes can expand to gigabytes."""
    decompressor = zlib.decompressobj(zlib.MAX_WBITS | 16)  # 16: with gzip's header and checksum
    try:
        body = decompressor.decompress(compressed, max_bytes + 1)
    except zlib.error as error:
        raise InvalidTrade([Fault(None, "bad-gzip", f"The body can't be decompressed with gzip: {error}.")]) from None
    if len(body) > max_bytes:
        raise _too_large(max_bytes)
    if not decompressor.eof or decompressor.unused_data:
        raise InvalidTrade([Fault(None, "bad-gzip", "The body is not exactly one complete gzip stream.")])
    return body


def _too_large(max_bytes: int) -> RequestEntityTooLarge:
    return RequestEntityTooLarge(f"The body is larger than {max_bytes} bytes.")
