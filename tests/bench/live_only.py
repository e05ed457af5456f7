"""A baseline without an archive: the real API and live processor, but with the live tube alone and without receipts.

`gunicorn tests.bench.live_only:app` runs the API, `python -m tests.bench.live_only live` the processor.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tradewire.queue import LIVE
from tradewire.queue.beanstalk.queue import BeanstalkQueue
from tradewire.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


def _put_no_receipt(_queue: BeanstalkQueue, _receipt: bytes) -> None:
    """Do nothing: without an archive, nothing reads receipts."""


def _separate_counters(settings: Settings) -> Path:
    """Keep these messages out of the stack's own counters: the ledger would report them as lost from the archive."""
    return settings.home / "ledger/live_only"


Settings.tubes = property(lambda _: (LIVE,))  # type: ignore[method-assign, assignment]
BeanstalkQueue.put_receipt = _put_no_receipt  # type: ignore[method-assign, assignment]
Settings.counters = property(_separate_counters)  # type: ignore[method-assign, assignment]

if __name__ == "__main__":
    from processor.__main__ import main

    sys.exit(main())

from api.wsgi import app  # noqa: E402, F401 - gunicorn serves it
