"""What this process counts for `/metrics`, in prometheus-client's multiprocess mode.

Each process counts in files of its own in the folder that PROMETHEUS_MULTIPROC_DIR names. They outlive it, and the
page adds up all of them, so that no sum goes down when a process ends. Without that variable it counts in memory.
"""

from __future__ import annotations

import collections
import os
from bisect import bisect_left
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Histogram, exposition, multiprocess, values

from tradewire.queue import TUBES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from prometheus_client.registry import Collector

FOLDER_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
"""prometheus-client reads it by itself, when it is imported."""
CONTENT_TYPE: Final = exposition.CONTENT_TYPE_LATEST

_KINDS: Final = ("counter", "histogram")
_FILE_BYTES: Final = 2**16
"""Several times what the counts below need."""
_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)


def start(folder: str | None) -> bool:
    """Take the disk's room for this process's counts, before it counts anything: once, at the entry point.

    `folder` is the value of PROMETHEUS_MULTIPROC_DIR. False where there is no room: then it counts in memory, and the
    page does without it. A part must run on a full disk, which it may be the one to empty, and a process that writes
    to a mapped file for which the disk has no room is killed.
    """
    if folder is None:
        return True
    try:
        for kind in _KINDS:
            _make_room(Path(folder) / f"{kind}_{os.getpid()}.db")
    except OSError:
        values.ValueClass = values.MutexValue
        return False
    return True


def accepted(messages: int) -> None:
    """Count messages that were answered 201."""
    _counts().accepted.inc(messages)


def refused(reason: str, messages: int = 1) -> None:
    """Count messages that were refused; `reason` is the code of the (first) fault."""
    _counts().refused.labels(reason).inc(messages)


def put(tubes: Iterable[str], jobs: int = 1) -> None:
    """Count jobs that the queue has confirmed, in each of the tubes."""
    for tube in tubes:
        _counts().put[tube].inc(jobs)


def reserved(tube: str, jobs: int) -> None:
    """Count jobs that a processor has taken in hand, those that it gives back and takes again included."""
    _counts().reserved[tube].inc(jobs)


def shown(ages_seconds: Sequence[float]) -> None:
    """Count messages that browsers were shown, each with its age at that moment."""
    _counts().shown.inc(len(ages_seconds))
    _observe(_counts().show_latency_seconds, ages_seconds)


def archived(ages_seconds: Sequence[float]) -> None:
    """Count messages that the store has kept for the first time, each with its age at that moment."""
    _counts().archived.inc(len(ages_seconds))
    _observe(_counts().archive_latency_seconds, ages_seconds)


def duplicates(messages: int) -> None:
    """Count messages that the archive knew already: retries under an Idempotency-Key."""
    _counts().duplicates.inc(messages)


def dead_lettered(tube: str, messages: int) -> None:
    """Count messages that were buried."""
    _counts().dead_letters[tube].inc(messages)


def expired(reason: str, messages: int) -> None:
    """Count messages that the live tube has given up unseen; `reason` is `age` or `evicted`."""
    _counts().expired.labels(reason).inc(messages)


def saved(seconds: float) -> None:
    """Count one transaction of the archive, and how long it took."""
    _counts().save_seconds.observe(seconds)


def page(folder: Path, gauges: Collector) -> bytes:
    """Give the page: what all processes have counted in a folder, dead ones too, and what is the case now."""
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry, str(folder))  # type: ignore[no-untyped-call]
    registry.register(gauges)
    return exposition.generate_latest(registry)


class _Counts:
    """The counts of this process. Their files are made with them."""

    def __init__(self) -> None:
        registry = CollectorRegistry()

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"tradewire_{name}", text, labels, registry=registry)

        def by_tube(name: str, text: str) -> dict[str, Counter]:
            family = counter(name, text, "tube")
            return {tube: family.labels(tube) for tube in TUBES}

        def seconds(name: str, text: str) -> Histogram:
            return Histogram(f"tradewire_{name}", text, registry=registry, buckets=_SECONDS)

        self.accepted = counter("messages_accepted_total", "Messages answered 201.")
        self.refused = counter("messages_refused_total", "Messages refused by the API.", "reason")
        self.put = by_tube("jobs_put_total", "Jobs that the queue has confirmed.")
        self.reserved = by_tube("jobs_reserved_total", "Jobs that processors have taken in hand.")
        self.shown = counter("messages_shown_total", "Messages handed to browsers.")
        self.archived = counter("messages_archived_total", "Messages that the store has kept.")
        self.duplicates = counter("messages_duplicate_total", "Retries of messages that the store had already.")
        self.dead_letters = by_tube("messages_dead_lettered_total", "Messages buried.")
        self.expired = counter("messages_expired_total", "Messages given up unseen.", "reason")
        self.show_latency_seconds = seconds(
            "show_latency_seconds", "From receiving a message to handing it to browsers."
        )
        self.archive_latency_seconds = seconds(
            "archive_latency_seconds", "From receiving a message to keeping it in the store."
        )
        self.save_seconds = seconds("store_save_seconds", "One transaction of the archive.")


def _observe(histogram: Histogram, many_seconds: Sequence[float]) -> None:
    """Count many at once: `Histogram.observe`, called for each, takes as long as a message's statistics."""
    histogram._sum.inc(sum(many_seconds))  # noqa: SLF001 - as observe does; there is no other way to count many
    for bucket, count in collections.Counter(map(_bucket, many_seconds)).items():
        histogram._buckets[bucket].inc(count)  # noqa: SLF001 - the same


_bucket: Final = partial(bisect_left, _SECONDS)
"""The first bucket that a value fits in; the last one takes all."""


@cache
def _counts() -> _Counts:
    """Give the counts; made when the first is needed, as no file may be written by an import."""
    return _Counts()


def _make_room(path: Path) -> None:
    """Make a file whose every byte the disk has room for. It gets its name when it is whole, as the page reads all."""
    fresh = path.with_suffix(".new")
    file = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.posix_fallocate(file, 0, _FILE_BYTES)
        if not path.exists():  # a predecessor had the same process id: its counts go on
            fresh.rename(path)
    finally:
        os.close(file)
        fresh.unlink(missing_ok=True)
