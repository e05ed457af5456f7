"""A WSGI application that tests run in the worker of api-ingest. It answers with the environment of the request."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer with the environment; at /fail, fail; at /break, send a header with a line break."""
    path = environ["PATH_INFO"]
    if path == "/fail":
        raise RuntimeError(path)
    body = environ["wsgi.input"].read()
    texts = {name: value for name, value in environ.items() if isinstance(value, str)}
    start_response("200 OK", [("X", "a\r\nSet-Cookie: b" if path == "/break" else "a")])
    yield msgspec.json.encode(texts | {"body": body.decode("latin-1")})


app.extensions = {"refusals": SimpleNamespace()}  # type: ignore[attr-defined] # gunicorn's configuration sets its thread
