"""Declare what the stack needs in the queue's server, once, while all its nodes run."""

from __future__ import annotations

import os
import sys

from deploy import console, environment
from deploy.console import Failure, say
from tradewire.errors import QueueUnavailable
from tradewire.queue import factory
from tradewire.settings import PREFIX


def broker() -> None:
    """Do what the arguments say."""
    if sys.argv[1:] != ["declare"]:
        raise Failure("expected an action", "Usage: deploy/broker declare")
    settings = environment.read(os.environ).settings()
    if settings.own_queue:
        raise Failure("the stack runs its own queue, which needs no declaration", f"Set {PREFIX}QUEUE_URL first.")
    try:
        made = factory.declare(settings.queue, settings.tubes)
    except QueueUnavailable as error:
        raise Failure(str(error), "Some queues may be missing. Start all nodes, and try again.") from error
    say(f"Made the queues {', '.join(made)}." if made else "All queues exist.")


if __name__ == "__main__":
    sys.exit(console.run("deploy/broker", broker))
