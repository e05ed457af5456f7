"""The engine for RabbitMQ, with py-amqp as its client: quorum queues on a cluster of several nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tradewire.errors import QueueUnavailable
from tradewire.queue.engine import Engine
from tradewire.queue.rabbit import address, faults

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tradewire.queue import Queue


class RabbitEngine(Engine):
    """RabbitMQ 4.0 or newer: a virtual host of its own for each stack."""

    url_forms = address.URL_FORMS
    storage = "the jobs in RabbitMQ"
    faults = faults.ALL

    def check_url(self, url: str) -> None:
        address.parse(url)

    def open(self, url: str, max_bytes: int, folder: Path) -> Queue:
        from tradewire.queue.rabbit.queue import RabbitQueue  # noqa: PLC0415 - it imports amqp

        return RabbitQueue(address.parse(url), max_bytes, folder)

    def declare(self, url: str, tubes: Sequence[str]) -> list[str]:
        from tradewire.queue.rabbit.reasons import ERRORS, reason  # noqa: PLC0415 - the same
        from tradewire.queue.rabbit.topology import declare  # noqa: PLC0415 - it imports amqp

        parts = address.parse(url)
        try:
            return declare(parts, tubes)
        except ERRORS as error:
            raise QueueUnavailable(reason(error, ", ".join(parts.hosts), parts.answer_seconds)) from error
