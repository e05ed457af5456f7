"""What a process counts, and that a full disk costs it that and nothing more."""

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

print(metrics.start(os.environ["PROMETHEUS_MULTIPROC_DIR"]), flush=True)
metrics.accepted(1)
sys.stdin.readline()
for number in range(100):
    metrics.refused(f"a reason that nobody has given before, number {number}")
metrics.shown([0.001, 1, 10_000])
print("alive", flush=True)
"""


def counting_process(folder: Path, enter: Sequence[str] = ()) -> subprocess.Popen[str]:
    """Start a process that counts a little, waits for a line, and counts a lot."""
    environ = {"PYTHONPATH": str(ROOT), metrics.FOLDER_VARIABLE: str(folder)}
    command = [*enter, sys.executable, "-c", PROGRAM]
    return subprocess.Popen(command, env=environ, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def started(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def finish(process: subprocess.Popen[str]) -> None:
    said, _ = process.communicate("\n", timeout=20)
    assert (said.strip(), process.returncode) == ("alive", 0)


def page(folder: Path) -> dict[str, float]:
    families = text_string_to_metric_families(metrics.page(folder, CollectorRegistry()).decode())
    return {sample.name: sample.value for family in families for sample in family.samples if not sample.labels}


def test_the_page_adds_up_what_all_processes_have_counted_those_that_have_ended_too(home: Path) -> None:
    first, second = counting_process(home), counting_process(home)
    assert (started(first), started(second)) == ("True", "True")
    finish(first)
    assert page(home)["tradewire_messages_accepted_total"] == 2
    assert page(home)["tradewire_show_latency_seconds_count"] == 3
    finish(second)
    assert page(home)["tradewire_show_latency_seconds_count"] == 6


def test_many_that_are_counted_at_once_are_each_in_the_first_bucket_that_it_fits_in(home: Path) -> None:
    process = counting_process(home)
    assert started(process) == "True"
    finish(process)
    families = text_string_to_metric_families(metrics.page(home, CollectorRegistry()).decode())
    [shown] = [family for family in families if family.name == "tradewire_show_latency_seconds"]
    found = {sample.labels.get("le"): sample.value for sample in shown.samples}
    assert [found[bound] for bound in ("0.001", "0.5", "1.0", "3600.0", "+Inf")] == [1, 1, 2, 2, 3]
    assert page(home)["tradewire_show_latency_seconds_sum"] == 10_001.001


def fill(disk: Disk) -> None:
    disk.fill()
    assert disk.ballast.stat().st_size > 0


def test_a_disk_that_fills_up_under_a_process_that_counts_does_it_no_harm(home: Path) -> None:
    with small_disk(home / "metrics", "1m") as disk:
        process = counting_process(home / "metrics", disk.enter)
        assert started(process) == "True"
        fill(disk)
        finish(process)


def test_a_process_that_finds_a_full_disk_counts_in_memory_alone_and_leaves_nothing_behind(home: Path) -> None:
    with small_disk(home / "metrics", "1m") as disk:
        fill(disk)
        process = counting_process(home / "metrics", disk.enter)
        assert started(process) == "False"
        assert [path.name for path in disk.ballast.parent.glob("*.*")] == []
        finish(process)
