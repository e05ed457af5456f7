"""Metrics of several processes, and processes that keep running on a full disk."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from tests.integration.test_monitor import Disk, small_disk
from tests.support import ROOT
from tradewire import metrics

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PROGRAM = """
import os, sys
from tradewire import metrics

print(metrics.start(os.environ["PROMETHEUS_MULTIPROC_DIR"], ["live", "archive"]), flush=True)
metrics.accepted(1)
sys.stdin.readline()
for number in range(100):
    metrics.refused(f"a new reason, number {number}")
metrics.shown([0.001, 1, 10_000])
print("alive", flush=True)
"""


def counting_process(folder: Path, enter: Sequence[str] = ()) -> subprocess.Popen[str]:
    """Start a process that counts one message, waits for a line of input, and then counts many more."""
    environ = {"PYTHONPATH": str(ROOT), metrics.FOLDER_VARIABLE: str(folder)}
    command = [*enter, sys.executable, "-c", PROGRAM]
    return subprocess.Popen(command, env=environ, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def finish(process: subprocess.Popen[str]) -> None:
    output, _ = process.communicate("\n", timeout=20)
    assert (output.strip(), process.returncode) == ("alive", 0)


def read_metrics(folder: Path) -> dict[str, float]:
    families = text_string_to_metric_families(metrics.page(folder, CollectorRegistry()).decode())
    return {sample.name: sample.value for family in families for sample in family.samples if not sample.labels}


def test_metrics_are_summed_over_running_and_ended_processes(home: Path) -> None:
    first, second = counting_process(home), counting_process(home)
    assert (first_line(first), first_line(second)) == ("True", "True")
    finish(first)
    assert read_metrics(home)["tradewire_messages_accepted_total"] == 2
    assert read_metrics(home)["tradewire_show_latency_seconds_count"] == 3
    finish(second)
    assert read_metrics(home)["tradewire_show_latency_seconds_count"] == 6


def test_each_latency_is_counted_in_the_first_bucket_that_fits(home: Path) -> None:
    process = counting_process(home)
    assert first_line(process) == "True"
    finish(process)
    families = text_string_to_metric_families(metrics.page(home, CollectorRegistry()).decode())
    [shown] = [family for family in families if family.name == "tradewire_show_latency_seconds"]
    buckets = {sample.labels.get("le"): sample.value for sample in shown.samples}
    assert [buckets[bound] for bound in ("0.001", "0.5", "1.0", "3600.0", "+Inf")] == [1, 1, 2, 2, 3]
    assert read_metrics(home)["tradewire_show_latency_seconds_sum"] == 10_001.001


def fill_disk(disk: Disk) -> None:
    disk.fill()
    assert disk.ballast.stat().st_size > 0


def test_a_process_survives_a_disk_that_fills_up_while_it_counts(home: Path) -> None:
    with small_disk(home / "metrics", "1m") as disk:
        process = counting_process(home / "metrics", disk.enter)
        assert first_line(process) == "True"
        fill_disk(disk)
        finish(process)


def test_a_process_started_on_a_full_disk_counts_in_memory_and_leaves_no_files(home: Path) -> None:
    with small_disk(home / "metrics", "1m") as disk:
        fill_disk(disk)
        process = counting_process(home / "metrics", disk.enter)
        assert first_line(process) == "False"
        assert [path.name for path in disk.ballast.parent.glob("*.*")] == []
        finish(process)
