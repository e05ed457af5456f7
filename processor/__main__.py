"""Runs a processor: `python -m processor live` or `python -m processor archive`."""

from __future__ import annotations

import argparse
import os
import sys

from processor.expiry import Expiry
from processor.loop import Processor
from processor.sinks.archive import ArchiveSink
from processor.sinks.live import LiveSink
from tradewire import metrics
from tradewire.errors import SettingsError
from tradewire.logging import setup
from tradewire.queue import LIVE, TUBES
from tradewire.queue.factory import open_queue
from tradewire.settings import Settings
from tradewire.stop import Stop


def main() -> int:
    """Run until SIGTERM or SIGINT. Return the exit status: 0, or 2 if settings are invalid."""
    parser = argparse.ArgumentParser(prog="processor", description="Delivers the events of a tube to its sink.")
    parser.add_argument("sink", choices=TUBES)
    name = parser.parse_args().sink
    log = setup(f"processor-{name}")
    try:
        settings = Settings.from_env(os.environ)
    except SettingsError as error:
        log.critical("invalid settings", faults=list(error.faults))
        return 2
    if not metrics.start(os.environ.get(metrics.FOLDER_VARIABLE)):
        log.warning("no disk space for metrics; /metrics lacks this process")
    stop = Stop().install()
    queue = open_queue(settings.queue, settings.queue_max_bytes)
    log.info("started", pid=os.getpid())
    if name == LIVE:
        expiry = Expiry(queue, LIVE, settings.live_max_age_seconds, log)
        processor = Processor(queue, LiveSink(settings.worker_socket, queue), stop, log, expiry)
    else:
        processor = Processor(queue, ArchiveSink(settings.store, settings.counters), stop, log)
    processor.run()
    log.info("stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
