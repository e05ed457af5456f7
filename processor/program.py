"""The start of a program of this package: settings, log, metrics, stop signal and queue."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NamedTuple

from tradewire import metrics
from tradewire.errors import SettingsError
from tradewire.logging import setup
from tradewire.queue.factory import open_queue
from tradewire.settings import Settings
from tradewire.stop import Stop
from tradewire.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from structlog.stdlib import BoundLogger

    from tradewire.queue import Queue

INVALID: int = 2
"""The exit status if the settings or the arguments are invalid."""


class Program(NamedTuple):
    """What a program works with."""

    settings: Settings
    queue: Queue
    stop: Stop
    log: BoundLogger


def start(name: str, environ: Mapping[str, str]) -> Program:
    """Start a program. It connects to nothing yet.

    Args:
        name: Its name in the log.
        environ: The process's environment.

    Raises:
        SystemExit: The settings are invalid; the log names every fault.
    """
    log = setup(name)
    try:
        settings = Settings.from_env(environ)
    except SettingsError as error:
        log.critical("invalid settings", faults=list(error.faults))
        sys.exit(INVALID)
    if not metrics.start(environ.get(metrics.FOLDER_VARIABLE), settings.tubes):
        log.warning("no disk space for metrics; /metrics lacks this process")
    stop = Stop().install()
    log.info("started", pid=os.getpid(), version=VERSION)
    return Program(settings, open_queue(settings.queue, settings.queue_max_bytes, settings.counters), stop, log)
