"""Start a processor: `python -m processor live`."""

from __future__ import annotations

import argparse
import os
import sys

from processor.loop import Processor
from processor.sinks.live import LiveSink
from tradewire.errors import SettingsError
from tradewire.logging import setup
from tradewire.queue.beanstalk import BeanstalkQueue
from tradewire.settings import Settings
from tradewire.stop import Stop

SINKS = {LiveSink.tube: LiveSink}


def main() -> int:
    """Run until told to stop; give the exit status."""
    parser = argparse.ArgumentParser(prog="processor", description="Feeds a tube's jobs to its sink.")
    parser.add_argument("sink", choices=sorted(SINKS))
    name = parser.parse_args().sink
    log = setup(f"processor-{name}")
    try:
        settings = Settings.from_env(os.environ)
    except SettingsError as error:
        log.critical("settings", faults=list(error.faults))
        return 2
    stop = Stop().install()
    queue = BeanstalkQueue(settings.queue, settings.queue_max_bytes)
    log.info("started", pid=os.getpid())
    Processor(queue, SINKS[name](settings), stop, log).run()
    log.info("stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
