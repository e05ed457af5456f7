"""Comparisons: the order of their rounds, medians, ratios and tables; and the reading of a profile."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.bench import peer, profile
from tests.bench.comparison import Ratio, alternate, side_median
from tests.bench.figures import Report, Result, Sample
from tests.bench.scenarios.soak import MemorySample, growth
from tests.bench.tables import markdown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.bench.comparison import Values


def replay(rates: list[float], order: list[str], side: str) -> Callable[[], Values]:
    """Return a measurement that gives one rate after the other, and notes its side."""
    remaining: Iterator[float] = iter(rates)

    def measure() -> Values:
        order.append(side)
        return {"shown /s": next(remaining)}, {"nginx": 50.0}

    return measure


def compare(ours: list[float], peers: list[float], rounds: int) -> tuple[Result, list[str]]:
    """Compare two sides with given rates; return the result, and the order in which they were measured."""
    order: list[str] = []
    sides = {"ours": replay(ours, order, "ours"), "peer": replay(peers, order, "peer")}
    ratios = [Ratio(("ours", "shown /s"), ("peer", "shown /s"), at_least=1.5)]
    return alternate("posts", sides, ratios, rounds), order


def test_the_sides_of_a_comparison_take_turns_at_being_the_first() -> None:
    result, order = compare([1, 2, 3], [4, 5, 6], rounds=3)
    assert order == ["ours", "peer", "peer", "ours", "ours", "peer"]
    assert [sample.values["shown /s"] for sample in result.samples] == [1, 4, 5, 2, 3, 6]


def test_a_ratio_is_the_median_of_the_ratios_of_all_rounds() -> None:
    result, _ = compare([30, 10, 3000], [20, 1, 1000], rounds=3)
    assert [side_median(result.samples, side, "shown /s") for side in ("ours", "peer")] == [30, 20]
    (figure,) = result.figures
    assert (figure.value, figure.met) == (3, "yes")


def test_a_ratio_below_its_target_is_not_met() -> None:
    result, _ = compare([149], [100], rounds=1)
    assert (result.figures[0].value, result.figures[0].met) == (1.49, "**no**")


def test_a_ratio_to_nothing_is_infinite() -> None:
    result, _ = compare([1], [0], rounds=1)
    assert result.figures[0].value == float("inf")


def test_a_failed_round_keeps_the_rounds_before_it() -> None:
    def fail() -> Values:
        pytest.fail("lost a message")

    result = alternate("posts", {"ours": replay([7], [], "ours"), "peer": fail}, [], rounds=2)
    assert [sample.side for sample in result.samples] == ["ours"]
    assert "round 1, peer" in result.fault
    assert "lost a message" in result.fault


def test_the_table_of_a_comparison_shows_the_medians_and_every_round() -> None:
    samples = [
        Sample("ours", 0.5, {"shown /s": 2000.0, "archived /s": 1900.0}, {"nginx": 40.0, "live": 30.0}),
        Sample("peer", 0.7, {"shown /s": 1000.0}, {"nginx": 50.0}),
        Sample("ours", 0.9, {"shown /s": 3000.0, "archived /s": 2900.0}, {"nginx": 60.0, "live": 20.0}),
        Sample("peer", 1.1, {"shown /s": 1500.0}, {"nginx": 70.0}),
    ]
    lines = markdown(Report("2026-01-01", "comparing", {}, [Result("posts", samples=samples)])).splitlines()
    assert lines[lines.index("posts:") + 2 :] == [
        "| stack | round | load | shown /s | archived /s | CPU by program, µs/message |",
        "| --- | --- | --- | --- | --- | --- |",
        "| ours | median of 2 |  | 2,500 | 2,400 | nginx 50, live 25 |",
        "| peer | median of 2 |  | 1,250 | – | nginx 60 |",
        "| ours | round 1 | 0.5 | 2,000 | 1,900 | nginx 40, live 30 |",
        "| peer | round 1 | 0.7 | 1,000 | – | nginx 50 |",
        "| ours | round 2 | 0.9 | 3,000 | 2,900 | nginx 60, live 20 |",
        "| peer | round 2 | 1.1 | 1,500 | – | nginx 70 |",
    ]


def test_memory_grows_from_the_time_at_which_it_should_have_settled() -> None:
    megabytes = [10.0, 100.0, *[100.0] * 7, 110.0]
    samples = [MemorySample({"wsserver 1": size}, log=size / 2) for size in megabytes]
    process, log = growth(samples, seconds=1200)
    assert process.name == "wsserver 1, 100.0 MB after 120 s, 110.0 MB at the end"
    assert (process.value, process.met) == (1.1, "**no**")
    assert (log.value, log.met) == (55, "yes")


def test_a_missing_peer_is_named_with_the_variable_that_says_where_peers_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(peer.FOLDER_VARIABLE, str(tmp_path))
    assert peer.absence("redis") == (
        f"there is no peer redis: {tmp_path}/redis/run.sh is missing. Set BENCH_PEERS to the folder of peers."
    )
    (tmp_path / "redis").mkdir()
    shutil.copy("/bin/true", tmp_path / "redis/run.sh")
    assert not peer.absence("redis")


def test_a_profile_reads_the_calls_from_the_summary_of_strace() -> None:
    summary = """\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 71.43    0.000005           5      1200         3 recvfrom
 28.57    0.000002           2        19           write
------ ----------- ----------- --------- --------- ----------------
100.00    0.000007           7      1219         3 total
"""
    assert profile.counts(summary) == {"recvfrom": 1200, "write": 19}
