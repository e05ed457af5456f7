"""Logs: one line per event, in logfmt, on standard error. supervisord stores and rotates them."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def setup(name: str, context: Callable[[], Mapping[str, str]] = dict) -> structlog.stdlib.BoundLogger:
    """Set up this process's log, including the records of libraries, and return its logger.

    Args:
        name: The value of `logger=` in every line.
        context: Called for every line. Returns further keys for it, such as the id of the current request.
    """

    def add_origin(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        return {"logger": name, **context(), **event}

    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        add_origin,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "logger", "event"]),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    logging.getLogger("alembic.runtime.plugins").setLevel(logging.WARNING)  # it logs each plugin at import
    logging.getLogger("websockets").setLevel(logging.WARNING)  # it logs every connection
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    logger: structlog.stdlib.BoundLogger = structlog.get_logger(name)
    return logger
