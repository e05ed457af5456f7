"""What is the case now, as gauges for `/metrics`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from api.monitor import Monitor, Part


class Gauges(Collector):
    """Takes the monitor's picture for each page. What can't be told now is left out."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Give the gauges."""
        parts = self._monitor.picture().parts
        yield _by("part_up", "Whether a part is as it should be.", "part", {name: bool(parts[name]) for name in parts})
        yield from _queue(parts["queue"])
        yield _one("store_up", "Whether the archive can be read.", bool(parts["store"]))
        yield from _ledger(parts["ledger"])
        browsers = parts["wsserver"].facts
        if browsers:
            yield _one("browsers", "Browsers that are connected.", browsers["browsers"])
            yield _one("lagging_browsers", "Browsers that don't keep up.", browsers["lagging"])
        free = parts["disk"].facts.get("free_bytes", {})
        yield _by("disk_free_bytes", "Room where the stack writes.", "folder", free)
        states = parts["programs"].facts.get("states", {})
        running = {name: state == "running" for name, state in states.items() if state != "stopped"}
        yield _by("program_up", "Whether a program runs that was not stopped by an operator.", "program", running)


def _queue(queue: Part) -> Iterator[GaugeMetricFamily]:
    yield _one(
        "queue_log_healthy", "Whether what is put into the queue now would be kept.", queue.status != "unavailable"
    )
    if not queue.facts:
        return
    yield _one("queue_fill_ratio", "The queue's size, as a share of its bound.", queue.facts["fill"])
    tubes = queue.facts["tubes"]
    for name, text, field in (
        ("waiting_jobs", "Jobs that wait.", "ready"),
        ("reserved_jobs", "Jobs in hand.", "reserved"),
        ("buried_messages", "Messages that lie buried.", "buried"),
        ("processors", "Processors that take from a tube.", "consumers"),
        ("oldest_seconds", "Age of the job that is next.", "oldest_seconds"),
    ):
        yield _by(name, text, "tube", {tube: counts[field] for tube, counts in tubes.items()})


def _ledger(ledger: Part) -> Iterator[GaugeMetricFamily]:
    if not ledger.facts:
        return
    missing = ledger.facts["missing"]
    yield _by("ledger_missing", "Messages that were accepted and are nowhere: lost.", "tube", missing)
    family = GaugeMetricFamily("tradewire_ledger_messages", "What became of messages.", labels=["tube", "state"])
    for tube, account in ledger.facts["tubes"].items():
        for state, messages in account.items():
            family.add_metric([tube, state], float(messages))
    yield family


def _one(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"tradewire_{name}", text, value=float(value))


def _by(name: str, text: str, label: str, values: Mapping[str, Any]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"tradewire_{name}", text, labels=[label])
    for key, value in values.items():
        family.add_metric([key], float(value))
    return family
