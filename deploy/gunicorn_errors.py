"""Answers to requests that gunicorn refuses itself, in the API's format instead of HTML."""

from http import HTTPStatus
from typing import Any, Final

import msgspec
from gunicorn.http.errors import ParseException
from gunicorn.util import write_nonblock
from gunicorn.workers.base import Worker

_LOGGED_CHARS_MAX: Final = 200


class JsonErrors(Worker):  # type: ignore[misc] # gunicorn has no types
    """A worker without its protocol: put it before the class of the worker."""

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:  # noqa: ARG002 - gunicorn's names
        """Refuse a request that nginx takes for valid HTTP and gunicorn does not. Other errors are this program's."""
        if isinstance(exc, ParseException):
            self.log.warning("invalid request: %s", str(exc)[:_LOGGED_CHARS_MAX])
            status, code, detail = HTTPStatus.BAD_REQUEST, "bad-request", "The request is not valid HTTP."
        else:
            self.log.error("the request could not be handled", exc_info=exc)
            status, code, detail = HTTPStatus.INTERNAL_SERVER_ERROR, "internal", "The request could not be handled."
        fault = {"field": None, "code": code, "detail": detail}
        body = msgspec.json.encode({"status": "FAILED", "errors": [fault]})
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\nConnection: close\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        write_nonblock(client, head.encode() + body)
