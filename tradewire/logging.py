"""Logs: one line an event, in logfmt, on standard error; supervisord keeps and rotates them."""

from __future__ import annotations

import logging
import sys

import structlog


def setup(part: str) -> structlog.stdlib.BoundLogger:
    """Set up this process's log, the libraries' records included, and give its logger."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "part", "event"]),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    logging.getLogger("alembic.runtime.plugins").setLevel(logging.WARNING)  # names each at import
    logging.getLogger("websockets").setLevel(logging.WARNING)  # it has a word for every connection
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    logger: structlog.stdlib.BoundLogger = structlog.get_logger(part)
    return logger.bind(part=part)
