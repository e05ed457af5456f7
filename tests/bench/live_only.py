"""The baseline without an archive: the API and the live processor as they are, with one tube and no receipts.

`gunicorn tests.bench.live_only:app`, `python -m tests.bench.live_only live`
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tradewire import queue
from tradewire.queue.beanstalk import BeanstalkQueue
from tradewire.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


def _no_receipt(_queue: BeanstalkQueue, _receipt: bytes) -> None:
    """Tell no one."""


def _own_counters(settings: Settings) -> Path:
    """Count apart: what was never meant for the archive must not be missed there."""
    return settings.home / "ledger/live_only"


# Before the parts that take these names from here are imported.
queue.TUBES = (queue.LIVE,)  # type: ignore[misc, assignment]
BeanstalkQueue.put_receipt = _no_receipt  # type: ignore[method-assign, assignment]
Settings.counters = property(_own_counters)  # type: ignore[method-assign, assignment]

if __name__ == "__main__":
    from processor.__main__ import main

    sys.exit(main())

from api.wsgi import app  # noqa: E402, F401 - what gunicorn serves
