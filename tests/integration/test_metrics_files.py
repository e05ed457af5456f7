"""The files of counts: damaged ones are left out, those of ended processes are merged, and no sum ever falls."""

from __future__ import annotations

import random
import shutil
import struct
from typing import TYPE_CHECKING, Final

import pytest
from prometheus_client import CollectorRegistry

from api.operations import file_checks
from tests.integration.conftest import call_query, query_api
from tests.integration.test_metrics import counting_process, fill_disk, finish, first_line, read_metrics
from tests.integration.test_monitor import expect_fault, expect_ok, expect_recovery, small_disk
from tests.support import beanstalkd
from tradewire import metrics, metrics_files

if TYPE_CHECKING:
    from pathlib import Path


ACCEPTED: Final = "tradewire_messages_accepted_total"
DAMAGED: Final = "tradewire_damaged_metrics_files"


@pytest.fixture
def folder(home: Path) -> Path:
    """Return an empty folder for the files of counts."""
    folder = home / "metrics"
    folder.mkdir()
    return folder


def count_and_end(folder: Path) -> None:
    """Let a process count one accepted message, three shown ones and a hundred refused ones, and end."""
    process = counting_process(folder)
    assert first_line(process) == "True"
    finish(process)


def process_files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.db"))


def set_length(counts: bytes, length: int) -> bytes:
    """Change the length of the first key."""
    return counts[:8] + struct.pack("i", length) + counts[12:]


damages = pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda _: b"\x07\xf1",
        lambda _: b"\xff" * 65536,
        lambda counts: counts[:100],
        lambda counts: counts[:20] + b"\x00\xfe}" + counts[23:],
        lambda counts: counts.replace(b"tradewire_", b"tradewi e_", 1),
        lambda counts: struct.pack("i", 2**31 - 1) + counts[4:],
        lambda counts: struct.pack("i", 300) + counts[4:],
        lambda counts: set_length(counts, 2**31 - 1),
        lambda counts: set_length(counts, -28),  # with this one, prometheus-client's reader would never end
        lambda counts: set_length(counts, -1),
        lambda counts: set_length(counts, 0),
        lambda counts: counts[: counts.index(b"}") + 30].ljust(len(counts), b"\xff"),
    ],
)


@damages
def test_a_damaged_file_is_left_out_and_counted(folder: Path, damage: object) -> None:
    count_and_end(folder)
    whole = next(folder.glob("counter_*.db")).read_bytes()
    assert callable(damage)
    (folder / "counter_999991.db").write_bytes(damage(whole))
    for _ in range(2):
        values = read_metrics(folder)
        assert (values[ACCEPTED], values[DAMAGED]) == (1, 1)
        assert values["tradewire_show_latency_seconds_count"] == 3
    assert process_files(folder) == ["counter_999991.db"]


def test_a_process_starts_beside_damaged_files(folder: Path) -> None:
    for name in ("counter_1.db", "histogram_1.db", "ended_1.json", "gauge_1.db"):
        (folder / name).write_bytes(b"\x00")
    count_and_end(folder)
    values = read_metrics(folder)
    assert (values[ACCEPTED], values[DAMAGED]) == (1, 4)


def test_random_bytes_anywhere_never_stop_the_metrics(folder: Path) -> None:
    count_and_end(folder)
    whole = next(folder.glob("counter_*.db")).read_bytes()
    used = struct.unpack_from("i", whole)[0]
    randomly = random.Random(7)  # noqa: S311 - the same bytes each time
    for number in range(300):
        torn = bytearray(whole)
        at = randomly.randrange(used)
        torn[at : at + 8] = randomly.randbytes(8)
        (folder / f"counter_{number}.db").write_bytes(torn)
    assert metrics.page(folder, CollectorRegistry())


def test_a_folder_that_vanished_leaves_the_metrics_empty(folder: Path) -> None:
    assert read_metrics(folder / "gone")[DAMAGED] == 0


def test_the_files_of_ended_processes_are_merged_and_no_sum_falls(folder: Path) -> None:
    running = counting_process(folder)
    assert first_line(running) == "True"
    for ended in range(1, 4):
        count_and_end(folder)
        values = read_metrics(folder)
        assert (values[ACCEPTED], values["tradewire_show_latency_seconds_count"]) == (ended + 1, 3 * ended)
        assert values["tradewire_show_latency_seconds_sum"] == pytest.approx(ended * 10_001.001)
        assert len(process_files(folder)) == 2  # those of the process that runs
        assert len(list(folder.iterdir())) == 3
    finish(running)
    assert read_metrics(folder)[ACCEPTED] == 4
    assert process_files(folder) == []


def test_a_starting_process_merges_the_files_of_those_before_it(folder: Path) -> None:
    for _ in range(3):
        count_and_end(folder)
    assert len(list(folder.iterdir())) == 3  # the merged file and those of the last process
    assert read_metrics(folder)[ACCEPTED] == 3


def test_thousands_of_files_are_merged_at_once(folder: Path) -> None:
    count_and_end(folder)
    for path in list(folder.glob("*.db")):
        for number in range(500):
            shutil.copy(path, folder / f"{path.name.partition('_')[0]}_{number}.db")
    assert read_metrics(folder)[ACCEPTED] == 501
    assert len(list(folder.iterdir())) == 1
    assert read_metrics(folder)[ACCEPTED] == 501


def test_a_merge_that_was_killed_before_it_deleted_counts_nothing_twice(folder: Path) -> None:
    count_and_end(folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    metrics_files.merge_ended(folder)
    for name, content in before.items():
        (folder / name).write_bytes(content)
    assert metrics_files.read(folder).sums["counter"]  # read without another merge
    assert read_metrics(folder)[ACCEPTED] == 1
    count_and_end(folder)
    assert read_metrics(folder)[ACCEPTED] == 2
    assert len(list(folder.iterdir())) == 1


def test_on_a_full_disk_the_files_stay_unmerged_and_the_sums_right(home: Path) -> None:
    with small_disk(home / "metrics", "1m") as disk:
        folder = disk.ballast.parent
        process = counting_process(home / "metrics", disk.enter)
        assert first_line(process) == "True"
        finish(process)
        fill_disk(disk)
        assert read_metrics(folder)[ACCEPTED] == 1
        assert len(process_files(folder)) == 2
        disk.ballast.unlink()
        assert read_metrics(folder)[ACCEPTED] == 1
        assert process_files(folder) == []


def test_readiness_and_the_log_name_a_damaged_file_until_it_is_deleted_and_metrics_count_it(
    home: Path, folder: Path
) -> None:
    damaged = folder / "counter_999991.db"
    with beanstalkd(home), query_api(home, **{metrics.FOLDER_VARIABLE: str(folder)}):
        expect_ok(home, "metrics")
        damaged.touch()
        expect_fault(home, "metrics", f"damaged .*{damaged} .it has only 0 bytes.; delete them", "not-ready")
        response = call_query(home, "/metrics")
        assert response.status == 200
        assert f"{DAMAGED} 1.0\n" in response.body.decode()
        damaged.unlink()
        expect_recovery(home, "metrics")
    log = "".join(log.read_text() for log in home.glob("python*.log"))
    assert log.count("counter_999991.db") == 1


def test_a_file_that_is_damaged_in_its_place_is_found_when_the_files_are_read_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count_and_end(folder)
    check = file_checks.MetricsCheck(folder)
    assert check()["metrics"]
    next(folder.glob("counter*.db")).write_bytes(b"\x07\xf1")
    assert check()["metrics"]
    monkeypatch.setattr(file_checks, "_REREAD_SECONDS", 0.0)
    assert not check()["metrics"]
