"""Runs a processor of one consumer: `python -m processor NAME`, such as `live`, `archive`, or an installed one."""

from __future__ import annotations

import argparse
import os
import pkgutil
import sys
from typing import TYPE_CHECKING

from processor.expiry import Expiry
from processor.loop import Processor
from tradewire import metrics
from tradewire.errors import SettingsError
from tradewire.logging import setup
from tradewire.queue.factory import open_queue
from tradewire.settings import Settings
from tradewire.stop import Stop

if TYPE_CHECKING:
    from processor.sinks import SinkFactory


def main() -> int:
    """Run until SIGTERM or SIGINT. Return the exit status: 0, or 2 if settings or the consumer's name are invalid."""
    parser = argparse.ArgumentParser(prog="processor", description="Delivers the events of a tube to its sink.")
    parser.add_argument("consumer", help="one of TRADEWIRE_CONSUMERS")
    name = parser.parse_args().consumer
    log = setup(f"processor-{name}")
    try:
        settings = Settings.from_env(os.environ)
    except SettingsError as error:
        log.critical("invalid settings", faults=list(error.faults))
        return 2
    consumer = next((consumer for consumer in settings.consumers if consumer.name == name), None)
    if consumer is None:
        log.critical("unknown consumer", consumer=name, enabled=list(settings.tubes))
        return 2
    if not metrics.start(os.environ.get(metrics.FOLDER_VARIABLE), settings.tubes):
        log.warning("no disk space for metrics; /metrics lacks this process")
    stop = Stop().install()
    queue = open_queue(settings.queue, settings.queue_max_bytes)
    make_sink: SinkFactory = pkgutil.resolve_name(consumer.sink)
    sink = make_sink(consumer, settings, queue)
    expiry = None
    if consumer.max_age_seconds is not None:
        expiry = Expiry(queue, consumer.name, consumer.max_age_seconds, log)
    log.info("started", pid=os.getpid())
    Processor(queue, consumer, sink, stop, log, expiry).run()
    log.info("stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
