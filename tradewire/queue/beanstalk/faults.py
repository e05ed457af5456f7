"""The faults for which beanstalkd can't keep jobs, in the words of `/readyz`."""

from __future__ import annotations

from typing import Final

NO_LOG: Final = "beanstalkd runs without a log (-b)"
LOG_STOPPED: Final = "beanstalkd stopped writing its log after an error"
LOG_VANISHED: Final = "files of beanstalkd's log have vanished"
OUT_OF_SPACE: Final = "out of memory, or of disk for its log"
FULL: Final = "the queue is full"
DRAINING: Final = "beanstalkd is draining"

ALL: Final = (NO_LOG, LOG_STOPPED, LOG_VANISHED, OUT_OF_SPACE, FULL, DRAINING)
