"""The bytes in each tube are the sum of what all connections counted, and outlive kill -9."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.support import ROOT
from tradewire.queue.tube_bytes import TubeBytes

if TYPE_CHECKING:
    from pathlib import Path

COUNT_AND_WAIT = """
import sys
from pathlib import Path
from tradewire.queue.tube_bytes import TubeBytes
tube_bytes = TubeBytes(Path(sys.argv[1]))
tube_bytes.claim("live")
tube_bytes.add("live", 700)
print(flush=True)
sys.stdin.read()
"""


def counting(folder: Path, tube: str, size: int) -> TubeBytes:
    """Return a new connection's counts, to which a size has been added."""
    tube_bytes = TubeBytes(folder)
    tube_bytes.claim(tube)
    tube_bytes.add(tube, size)
    return tube_bytes


def test_the_total_is_the_sum_over_all_connections(tmp_path: Path) -> None:
    connections = [counting(tmp_path, "live", size) for size in (500, 20, -120)]
    counting(tmp_path, "archive", 3)
    assert [each.total("live") for each in connections] == [400] * 3
    assert connections[0].total("archive") == 3


def test_a_tube_without_counts_holds_nothing(tmp_path: Path) -> None:
    assert TubeBytes(tmp_path).total("live") == 0


def test_counts_stay_when_a_connection_is_closed_and_the_next_one_continues_them(tmp_path: Path) -> None:
    for _ in range(3):
        counting(tmp_path, "live", 10).close()
    assert TubeBytes(tmp_path).total("live") == 30
    assert len(list((tmp_path / "bytes/live").iterdir())) == 1


def test_counts_outlive_kill_9(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", COUNT_AND_WAIT, str(tmp_path)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with process:
        assert process.stdout
        process.stdout.readline()
        process.kill()
    assert counting(tmp_path, "live", 7).total("live") == 707
    assert len(list((tmp_path / "bytes/live").iterdir())) == 1


@pytest.mark.parametrize("error", [1000, -1000])
def test_an_error_is_corrected_once_however_many_connections_do_it(tmp_path: Path, error: int) -> None:
    counting(tmp_path, "live", error)
    connections = [TubeBytes(tmp_path) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda connection: connection.correct("live"), connections))
    assert connections[0].total("live") == 0


def test_a_folder_in_which_nothing_can_be_created_is_an_error_before_anything_is_counted(tmp_path: Path) -> None:
    (tmp_path / "bytes").write_text("in the way")
    with pytest.raises(OSError, match="bytes"):
        TubeBytes(tmp_path).claim("live")
