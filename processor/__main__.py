"""Runs a processor of one consumer: `python -m processor NAME`, such as `live`, `archive`, or an installed one."""

from __future__ import annotations

import argparse
import os
import pkgutil
import sys
from typing import TYPE_CHECKING

from processor import program
from processor.loop import Processor
from processor.turns import Turns

if TYPE_CHECKING:
    from processor.sinks import SinkFactory


def main() -> int:
    """Run until SIGTERM or SIGINT. Return the exit status: 0, or 2 if settings or the consumer's name are invalid."""
    parser = argparse.ArgumentParser(prog="processor", description="Delivers the events of a tube to its sink.")
    parser.add_argument("consumer", help="one of TRADEWIRE_CONSUMERS")
    parser.add_argument("--until-empty", action="store_true", help="end when the tube is empty")
    arguments = parser.parse_args()
    name = arguments.consumer
    settings, queue, stop, log = program.start(f"processor-{name}", os.environ)
    consumer = next((consumer for consumer in settings.consumers if consumer.name == name), None)
    if consumer is None:
        log.critical("unknown consumer", consumer=name, enabled=list(settings.tubes))
        return program.INVALID
    make_sink: SinkFactory = pkgutil.resolve_name(consumer.sink)
    turns = Turns(settings.counters, name)
    processor = Processor(queue, consumer, make_sink(consumer, settings, queue), turns, stop, log)
    if arguments.until_empty:
        processor.drain()
    else:
        processor.run()
    log.info("stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
