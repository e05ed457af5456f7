"""The current health of the stack, as gauges for `/metrics`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import UNSET, structs
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from api.operations.readiness import UNAVAILABLE, Component
from tradewire.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from api.operations.monitor import Monitor


_UP_STATES: Final = ("running", "damaged")


class Gauges(Collector):
    """Collects gauges from the monitor's current report. Unknown values are omitted."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the gauges."""
        yield _labeled_gauge("build_info", "1, with the version that answers.", "version", {VERSION: 1})
        components = self._monitor.report().components
        yield _labeled_gauge(
            "component_up",
            "1 if the component is ok, else 0.",
            "component",
            {name: bool(components[name]) for name in components},
        )
        yield from _queue(components["queue"])
        is_up = components["store"].status != UNAVAILABLE
        yield _gauge("store_up", "1 if the archive can be read and takes writes, else 0.", is_up)
        yield from _ledger(components["ledger"])
        browsers = components["wsserver"].facts
        if browsers:
            yield _gauge("browsers", "Connected browsers.", browsers["browsers"])
            yield _gauge("lagging_browsers", "Connected browsers that don't keep up.", browsers["lagging"])
        free = components["disk"].facts.get("freeBytes", {})
        yield _labeled_gauge("disk_free_bytes", "Free disk space where the stack writes.", "folder", free)
        yield from _retention(components["retention"])
        expiry = components.get("certificate", Component()).facts.get("expiresAt")
        if expiry is not None:
            yield _gauge(
                "certificate_expiry_timestamp_seconds", "When nginx's certificate expires.", expiry.timestamp()
            )
        yield from _backup(components.get("backup", Component()))
        yield from audit_gauges(components["audit"])
        states = components["programs"].facts.get("states", {})
        running = {name: state in _UP_STATES for name, state in states.items() if state != "stopped"}
        yield _labeled_gauge(
            "program_up", "1 if the program runs, else 0. Stopped programs are omitted.", "program", running
        )


def audit_gauges(audit: Component) -> Iterator[GaugeMetricFamily]:
    """Yield the gauges of the audit trail, if it can be read."""
    if audit.facts:
        yield _gauge("audit_records", "Records of the audit trail.", audit.facts["records"])
        help_text = "The first 13 hexadecimal digits of the audit trail's head, as a number."
        yield _gauge("audit_head", help_text, audit.facts["headNumber"])


def _queue(queue: Component) -> Iterator[GaugeMetricFamily]:
    yield _gauge("queue_durable", "1 if a job put now would be kept, else 0.", queue.status != UNAVAILABLE)
    if not queue.facts:
        return
    yield _gauge("queue_fill_ratio", "The size of the queue as a share of its limit.", queue.facts["fill"])
    tubes = queue.facts["tubes"]
    for name, help_text, field in (
        ("waiting_jobs", "Jobs waiting in the tube.", "ready"),
        ("reserved_jobs", "Jobs reserved by processors.", "reserved"),
        ("dead_letters", "Dead letters waiting for an operator.", "dead_letters"),
        ("consumers", "Processors that take jobs from the tube.", "consumers"),
        ("oldest_job_age_seconds", "Age of the next waiting job.", "oldest_job_age_seconds"),
        ("tube_bytes", "Size of the tube's jobs.", "bytes"),
        ("dead_letter_bytes", "Size of the tube's dead letters.", "dead_letter_bytes"),
    ):
        yield _labeled_gauge(name, help_text, "tube", {tube: getattr(counts, field) for tube, counts in tubes.items()})


def _ledger(ledger: Component) -> Iterator[GaugeMetricFamily]:
    if not ledger.facts:
        return
    missing = ledger.facts["missing"]
    yield _labeled_gauge("ledger_missing", "Accepted messages that are lost.", "tube", missing)
    family = GaugeMetricFamily(
        "tradewire_ledger_messages", "Messages by outcome, as in /api/ledger.", labels=["tube", "state"]
    )
    for tube, account in ledger.facts["tubes"].items():
        for state, messages in structs.asdict(account).items():
            if messages is not UNSET:
                family.add_metric([tube, state.replace("_", "-")], float(messages))
    yield family


def _retention(retention: Component) -> Iterator[GaugeMetricFamily]:
    if not retention.facts:
        return
    yield _gauge("archive_bytes", "Size of the archive's database, without its log.", retention.facts["bytes"])
    for name, help_text, fact in (
        ("archive_kept_since", "The archive keeps messages received since this time.", "keptSince"),
        ("archive_full", "When the disk will be full, at the rate of the last day.", "fullAt"),
        ("retention_checked", "When the archive was last found to be within its limits.", "checkedAt"),
    ):
        at = retention.facts[fact]
        if at is not None:
            yield _gauge(f"{name}_timestamp_seconds", help_text, at.timestamp())


def _backup(backup: Component) -> Iterator[GaugeMetricFamily]:
    for name, help_text, fact in (
        ("backup", "When the newest backup of the schedule was begun.", "newestAt"),
        ("backup_drill", "When a backup was restored for a trial last.", "drilledAt"),
    ):
        at = backup.facts.get(fact)
        if at is not None:
            yield _gauge(f"{name}_timestamp_seconds", help_text, at.timestamp())
    succeeded = backup.facts.get("drillSucceeded")
    if succeeded is not None:
        yield _gauge("backup_drill_succeeded", "1 if the last trial of a backup succeeded, else 0.", bool(succeeded))


def _gauge(name: str, help_text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"tradewire_{name}", help_text, value=float(value))


def _labeled_gauge(name: str, help_text: str, label: str, values: Mapping[str, Any]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"tradewire_{name}", help_text, labels=[label])
    for key, value in values.items():
        family.add_metric([key], float(value))
    return family
