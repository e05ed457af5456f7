"""The faults for which RabbitMQ or this engine refuses messages."""

from __future__ import annotations

from typing import Final

AWAY: Final = "RabbitMQ may still hold dead letters for a connection that broke"
BLOCKED: Final = "RabbitMQ accepts no messages: it has an alarm for memory or for disk space"
BUSY: Final = "other programs take too long with the dead letters"
FULL: Final = "the queue is full"
MISSING: Final = "a tube has no queue in RabbitMQ"
NO_MAJORITY: Final = "RabbitMQ did not confirm a message"
TOO_OLD: Final = "RabbitMQ is older than 4.0"
ALL: Final = (AWAY, BLOCKED, BUSY, FULL, MISSING, NO_MAJORITY, TOO_OLD)
