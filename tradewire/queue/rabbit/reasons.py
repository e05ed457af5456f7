"""The reasons for which RabbitMQ can't be used, in words."""

from __future__ import annotations

from typing import Final

import amqp

from tradewire.queue.rabbit import faults
from tradewire.queue.rabbit.link import RefusedError

ERRORS: Final = (OSError, amqp.exceptions.AMQPError, LookupError, ValueError, RefusedError)
"""What a call may raise that uses a link. After any of them, the answers that come later can't be trusted."""


def reason(error: Exception, hosts: str, answer_seconds: int) -> str:
    """Return why RabbitMQ can't be used. The text holds neither the user nor the virtual host.

    Args:
        error: One of ERRORS.
        hosts: The nodes that were asked.
        answer_seconds: How long each answer was waited for.
    """
    if isinstance(error, RefusedError):
        return str(error)
    return f"RabbitMQ at {hosts}: {_reason(error, answer_seconds)}"


def _reason(error: Exception, answer_seconds: int) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {answer_seconds} s"
    for kind, text in _MEANINGS.items():
        if isinstance(error, kind):
            return text
    if isinstance(error, amqp.exceptions.AMQPError):
        return f"it closed the connection ({type(error).__name__})"
    return str(error) or type(error).__name__


_MEANINGS: Final[dict[type[Exception], str]] = {
    amqp.exceptions.AccessRefused: "it refuses the user or the password",
    amqp.exceptions.NotAllowed: "it has no such virtual host, or does not let the user in",
    amqp.exceptions.NotFound: f"{faults.MISSING}; deploy/broker declare makes it",
}
