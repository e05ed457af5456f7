"""The fast lane: a WSGI layer in front of Flask that answers ordinary requests to one path.

Flask's routing, request and response objects cost more than all other work on a message. Flask still owns every route:
the fast lane and Flask's view call the same function. Whatever the fast lane does not take, and every error, is handed
on to Flask, the slow lane. So no behaviour is written twice.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from werkzeug.http import HTTP_STATUS_CODES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from api.http.responses import Answer

_PLAIN_HOST: Final = re.compile(r"(([\w-]{1,63}\.)*[\w-]{1,63}|\[[\da-f:.]+\])(:\d+)?", re.ASCII | re.IGNORECASE)
"""Flask refuses some other hosts."""
_ERROR: Final = "tradewire.error"
"""The environment's key of an error that Flask is to answer."""


class FastLane:
    """Answers the ordinary POSTs to one path, and hands every other request on.

    A request is ordinary if Flask, too, would do no more than call the view.

    Args:
        slow_lane: Flask's application.
        path: The path.
        view: Answers a request from its environment. If it raises an exception, Flask answers.
    """

    def __init__(self, slow_lane: WSGIApplication, path: str, view: Callable[[WSGIEnvironment], Answer]) -> None:
        self.slow_lane = slow_lane
        self._path = path
        self._view = view

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request, as WSGI defines it."""
        if self._takes(environ):
            try:
                status, headers, body = self._view(environ)
            except Exception as error:  # noqa: BLE001 - Flask's error handlers answer it
                environ[_ERROR] = error
            else:
                start_response(f"{status} {HTTP_STATUS_CODES[status].upper()}", headers)
                return [body]
        return self.slow_lane(environ, start_response)

    def _takes(self, environ: WSGIEnvironment) -> bool:
        return (
            environ["PATH_INFO"] == self._path
            and environ["REQUEST_METHOD"] == "POST"
            and "HTTP_UPGRADE" not in environ  # Flask refuses a WebSocket
            and _PLAIN_HOST.fullmatch(environ.get("HTTP_HOST", "")) is not None
        )


def raise_handed_on(environ: WSGIEnvironment) -> None:
    """Raise the error with which the fast lane handed a request on. Without one, do nothing.

    Flask's view of the path has to call this first: the body was read, and the message may be in the queue.
    """
    error: Exception | None = environ.pop(_ERROR, None)
    if error:
        raise error
