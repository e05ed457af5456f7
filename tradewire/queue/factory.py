"""Opens the queue that TRADEWIRE_QUEUE_URL names. The URL's scheme selects the engine.

Example:
    queue = open_queue(settings.queue, settings.queue_max_bytes, settings.counters)
    queue.put(line, settings.tubes)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tradewire.queue.beanstalk import BeanstalkEngine
from tradewire.queue.rabbit import RabbitEngine
from tradewire.setting import BadUrl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from tradewire.queue import Queue
    from tradewire.queue.engine import Engine

ENGINES: Final[Mapping[str, Engine]] = {
    "beanstalk": BeanstalkEngine(),
    "amqp": RabbitEngine(),
}
"""Every engine by the scheme of its URLs."""


def open_queue(url: str, max_bytes: int, folder: Path) -> Queue:
    """Return a queue. It connects when it is first used.

    Args:
        url: A URL that `check_url` accepts.
        max_bytes: See TRADEWIRE_QUEUE_MAX_BYTES.
        folder: The folder of this stack's counters.
    """
    return engine_of(url).open(url, max_bytes, folder)


def check_url(url: str) -> str:
    """Return a queue's URL unchanged if it is valid.

    Raises:
        ValueError: There is no engine for its scheme, or the engine does not accept it. See `Engine.check_url`.
    """
    engine_of(url).check_url(url)
    return url


def engine_of(url: str) -> Engine:
    """Return the engine for a URL. Raise BadUrl without an engine."""
    scheme = url.partition(":")[0]
    if scheme not in ENGINES:
        raise BadUrl(f"expected {' or '.join(dict.fromkeys(engine.url_forms for engine in ENGINES.values()))}")
    return ENGINES[scheme]


def declare(url: str, tubes: Sequence[str]) -> list[str]:
    """Make what tubes need in the queue's server. See `Engine.declare`."""
    return engine_of(url).declare(url, tubes)


def own_url(home: Path) -> str:
    """Return the URL of the queue that the stack runs itself in its home."""
    return next(url for engine in ENGINES.values() if (url := engine.own_url(home)))


def own_log(home: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the files of the log of the queue that the stack runs itself. See `Engine.own_log`."""
    return engine_of(own_url(home)).own_log(home)
