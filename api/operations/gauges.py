"""What is the case now, as gauges for `/metrics`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import structs
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from api.operations.monitor import Component, Monitor


class Gauges(Collector):
    """Takes the monitor's report for each page. What can't be told now is left out."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Give the gauges."""
        components = self._monitor.report().components
        yield _by(
            "component_up",
            "Whether a component is as it should be.",
            "component",
            {name: bool(components[name]) for name in components},
        )
        yield from _queue(components["queue"])
        yield _one("store_up", "Whether the archive can be read.", bool(components["store"]))
        yield from _ledger(components["ledger"])
        browsers = components["wsserver"].facts
        if browsers:
            yield _one("browsers", "Browsers that are connected.", browsers["browsers"])
            yield _one("lagging_browsers", "Browsers that don't keep up.", browsers["lagging"])
        free = components["disk"].facts.get("freeBytes", {})
        yield _by("disk_free_bytes", "Room where the stack writes.", "folder", free)
        states = components["programs"].facts.get("states", {})
        running = {name: state == "running" for name, state in states.items() if state != "stopped"}
        yield _by("program_up", "Whether a program runs that was not stopped by an operator.", "program", running)


def _queue(queue: Component) -> Iterator[GaugeMetricFamily]:
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
        ("dead_letters", "Dead letters that wait for an operator.", "dead_letters"),
        ("consumers", "Processors that take from a tube.", "consumers"),
        ("oldest_job_age_seconds", "Age of the job that is next.", "oldest_job_age_seconds"),
    ):
        yield _by(name, text, "tube", {tube: getattr(counts, field) for tube, counts in tubes.items()})


def _ledger(ledger: Component) -> Iterator[GaugeMetricFamily]:
    if not ledger.facts:
        return
    missing = ledger.facts["missing"]
    yield _by("ledger_missing", "Messages that were accepted and are nowhere: lost.", "tube", missing)
    family = GaugeMetricFamily("tradewire_ledger_messages", "What became of messages.", labels=["tube", "state"])
    for tube, account in structs.asdict(ledger.facts["tubes"]).items():
        for state, messages in structs.asdict(account).items():
            family.add_metric([tube, state.replace("_", "-")], float(messages))
    yield family


def _one(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"tradewire_{name}", text, value=float(value))


def _by(name: str, text: str, label: str, values: Mapping[str, Any]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"tradewire_{name}", text, labels=[label])
    for key, value in values.items():
        family.add_metric([key], float(value))
    return family
