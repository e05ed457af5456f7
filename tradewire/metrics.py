"""The counters and histograms of this process for `/metrics`.

Each process counts in its own files in the folder PROMETHEUS_MULTIPROC_DIR (`tradewire.metrics_files`), and `/metrics`
adds up all of them. If the variable is not set, the process counts in memory.
"""

from __future__ import annotations

import collections
from bisect import bisect_left
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Histogram, Metric, exposition, values
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from tradewire import metrics_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

FOLDER_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
"""prometheus-client itself reads this environment variable, when it is imported."""
CONTENT_TYPE: Final = exposition.CONTENT_TYPE_LATEST

_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)
"""Upper bounds of the histograms' buckets, in seconds."""


def start(folder: str | None, tubes: Iterable[str]) -> bool:
    """Reserve disk space for this process's files. Call this once at the entry point, before anything is counted.

    The kernel kills a process that writes to a mapped file for which the disk has no room. Every program must run on
    a full disk, since its work may free space.

    Args:
        folder: The value of PROMETHEUS_MULTIPROC_DIR; None if it is not set.
        tubes: The stack's tubes. Their counts begin at 0, so that an alarm sees the first increase.

    Returns:
        False if the disk has no room. The process then counts in memory, and `/metrics` lacks it.
    """
    if folder is None:
        return True
    metrics_files.merge_ended(Path(folder))  # a program that ends again and again must not fill the disk
    has_room = True
    try:
        metrics_files.reserve(Path(folder))
    except OSError:
        values.ValueClass = values.MutexValue
        has_room = False
    for tube in tubes:
        _counts().add_tube(tube)
    return has_room


def accepted(messages: int) -> None:
    """Count messages that were accepted, with 201 or as part of a batch with 207."""
    _counts().accepted.inc(messages)


def refused(reason: str, messages: int = 1) -> None:
    """Count messages that were refused. `reason` is the code of the first fault."""
    _counts().refused.labels(reason).inc(messages)


def put(tubes: Iterable[str], jobs: int) -> None:
    """Count jobs that the API has put into the queue, once for each tube."""
    for tube in tubes:
        _counts().put[tube].inc(jobs)


def reserved(tube: str, jobs: int) -> None:
    """Count jobs that a processor has reserved. A job that was released and reserved again counts again."""
    _counts().reserved[tube].inc(jobs)


def shown(ages_seconds: Sequence[float]) -> None:
    """Count messages that were sent to browsers, with each one's age in seconds at that time."""
    _counts().shown.inc(len(ages_seconds))
    _observe(_counts().show_latency_seconds, ages_seconds)


def delivered(tube: str, messages: int) -> None:
    """Count messages that a consumer other than live and archive has delivered."""
    _counts().delivered[tube].inc(messages)


def archived(ages_seconds: Sequence[float]) -> None:
    """Count messages that the store saved for the first time, with each one's age in seconds at that time."""
    _counts().archived.inc(len(ages_seconds))
    _observe(_counts().archive_latency_seconds, ages_seconds)


def duplicates(messages: int) -> None:
    """Count messages that the store already had: retries with an Idempotency-Key."""
    _counts().duplicates.inc(messages)


def outdated(messages: int) -> None:
    """Count messages that the store refused, because retention has deleted those of their time."""
    _counts().outdated.inc(messages)


def deleted(messages: int) -> None:
    """Count messages that retention has deleted."""
    _counts().deleted.inc(messages)


def retention_step(seconds: float) -> None:
    """Count one step of retention, and how long it kept the store's other writers waiting."""
    _counts().retention_step_seconds.observe(seconds)


def dead_lettered(tube: str, messages: int) -> None:
    """Count messages that became dead letters."""
    _counts().dead_letters[tube].inc(messages)


def expired(tube: str, reason: str, messages: int) -> None:
    """Count messages that expired before they were delivered. `reason` is `age`, `evicted` or `dropped`."""
    _counts().expired.labels(tube, reason).inc(messages)


def saved(seconds: float) -> None:
    """Count one transaction of the archive's processor and its duration."""
    _counts().save_seconds.observe(seconds)


def page(folder: Path, gauges: Collector) -> bytes:
    """Make the content of `/metrics`.

    Args:
        folder: The folder with the files of all processes, those that have ended included.
        gauges: Collects the current values, such as the length of the tubes.
    """
    metrics_files.merge_ended(folder)
    counts = metrics_files.read(folder)
    registry = CollectorRegistry()
    registry.register(_Collected(counts))
    registry.register(gauges)
    return exposition.generate_latest(registry)


class _Collected(Collector):
    """Collects what all processes have counted."""

    def __init__(self, counts: metrics_files.Counts) -> None:
        self._counts = counts

    def collect(self) -> Iterator[Metric]:
        yield from metrics_files.families(self._counts.sums)
        yield GaugeMetricFamily(
            "tradewire_damaged_metrics_files",
            "Files of counts that can't be read. The counts lack them.",
            value=len(self._counts.damaged),
        )


class _Counts:
    """The metrics of this process. Creating them creates their files."""

    def __init__(self) -> None:
        registry = CollectorRegistry()

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"tradewire_{name}", text, labels, registry=registry)

        def by_tube(name: str, text: str) -> _ByTube:
            return _ByTube(counter(name, text, "tube"))

        def seconds(name: str, text: str) -> Histogram:
            return Histogram(f"tradewire_{name}", text, registry=registry, buckets=_BUCKETS)

        self.accepted = counter("messages_accepted_total", "Messages accepted: 201, or 207 for part of a batch.")
        self.refused = counter("messages_refused_total", "Messages refused by the API.", "reason")
        self.put = by_tube("jobs_put_total", "Jobs that the API put into the queue, without receipts.")
        self.reserved = by_tube("jobs_reserved_total", "Jobs that processors have reserved, with receipts.")
        self.shown = counter("messages_shown_total", "Messages sent to browsers.")
        self.delivered = by_tube("messages_delivered_total", "Messages that other consumers have delivered.")
        self.archived = counter("messages_archived_total", "Messages saved in the store.")
        self.duplicates = counter("messages_duplicate_total", "Retries of messages that the store already had.")
        self.outdated = counter("messages_outdated_total", "Messages of a deleted time that the store refused.")
        self.deleted = counter("messages_deleted_total", "Messages that retention has deleted.")
        self.dead_letters = by_tube("messages_dead_lettered_total", "Messages that became dead letters.")
        self.expired = counter(
            "messages_expired_total", "Messages that expired before they were delivered.", "tube", "reason"
        )
        self.show_latency_seconds = seconds(
            "show_latency_seconds", "Time from receiving a message to sending it to browsers."
        )
        self.archive_latency_seconds = seconds(
            "archive_latency_seconds", "Time from receiving a message to saving it in the store."
        )
        self.retention_step_seconds = seconds(
            "retention_step_seconds", "How long a step of retention kept the store's other writers waiting."
        )
        self.save_seconds = seconds("store_save_seconds", "Duration of one transaction of the archive's processor.")

    def add_tube(self, tube: str) -> None:
        """Begin the counts of a tube at 0."""
        for by_tube in (self.put, self.reserved, self.dead_letters):
            by_tube[tube].inc(0)


class _ByTube(dict[str, Counter]):
    """A counter of each tube, made when it is first needed."""

    def __init__(self, family: Counter) -> None:
        super().__init__()
        self._family = family

    def __missing__(self, tube: str) -> Counter:
        counter = self[tube] = self._family.labels(tube)
        return counter


def _observe(histogram: Histogram, values_seconds: Sequence[float]) -> None:
    """Observe many values at once.

    Calling `Histogram.observe` for each value would take as long as computing the message's statistics.
    """
    histogram._sum.inc(sum(values_seconds))  # noqa: SLF001 - as observe() does; it has no form for many values
    for bucket, count in collections.Counter(map(_bucket, values_seconds)).items():
        histogram._buckets[bucket].inc(count)  # noqa: SLF001 - the same


_bucket: Final = partial(bisect_left, _BUCKETS)
"""Returns the index of the first bucket that holds a value. The last bucket holds any value."""


@cache
def _counts() -> _Counts:
    """Return the metrics. The first call creates them, since an import must not write files."""
    return _Counts()
