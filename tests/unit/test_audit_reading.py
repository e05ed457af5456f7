"""A request reads a bounded part of a long audit trail, wherever its records are."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tradewire.audit import reading
from tradewire.audit.reading import SCANNED_BYTES_MAX, Search
from tradewire.event import format_time

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tradewire.audit.reading import Page

COUNT = 1_000_000
"""Records of the long trail, one a second."""
START = datetime(2026, 1, 1, tzinfo=UTC)
SOME_BLOCKS = 4 * 64 * 1024
LINE = (
    '{"n":%d,"at":"%s","action":"test","actor":"%s","role":"","from":"local","requestId":"","result":"done","details":{}'
    ',"mac":"0"}\n'
)


def at(second: float) -> str:
    """Return a time so many seconds after the first record."""
    return format_time(START + timedelta(seconds=second))


def write(path: Path, times: Sequence[float]) -> Path:
    """Write a trail of which each thousandth record is by `rare`."""
    with path.open("w") as file:
        for n, second in enumerate(times, 1):
            file.write(LINE % (n, at(second), "rare" if n % 1000 == 0 else "often"))
    return path


@pytest.fixture(scope="module")
def long_trail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = write(tmp_path_factory.mktemp("audit") / "trail.jsonl", range(COUNT))
    yield path
    path.unlink()


def bytes_read() -> int:
    """Return how many bytes this thread has read so far."""
    [count] = re.findall(r"rchar: (\d+)", Path("/proc/thread-self/io").read_text())
    return int(count)


def page(path: Path, actor: str = "", end: int | None = None, **bounds: Any) -> Page:
    """Return a page of the records of an actor, or of all."""
    search = Search(**{"limit": 100, "matches": lambda record: actor in {"", record.actor}, **bounds})
    found = reading.page(path, end, search)
    assert found
    return found


@pytest.mark.parametrize(
    ("arguments", "first", "bytes_max"),
    [
        ({}, COUNT, SOME_BLOCKS),
        ({"after": COUNT - 3}, COUNT, SOME_BLOCKS),
        ({"after": COUNT}, None, SOME_BLOCKS),
        ({"since": at(COUNT + 9)}, None, SCANNED_BYTES_MAX),
        ({"until": at(COUNT / 2)}, COUNT // 2, SCANNED_BYTES_MAX),
        ({"until": at(10)}, 10, SCANNED_BYTES_MAX),
        ({"until": at(0)}, None, SCANNED_BYTES_MAX),
        ({"until": at(2 * COUNT)}, COUNT, SOME_BLOCKS),
        ({"since": at(400_000), "until": at(400_005)}, 400_005, SCANNED_BYTES_MAX),
        ({"actor": "rare", "limit": 1}, COUNT, SOME_BLOCKS),
        ({"actor": "nobody"}, None, SCANNED_BYTES_MAX + SOME_BLOCKS),
    ],
    ids=str,
)
def test_of_a_million_records_a_page_reads_a_small_part(
    long_trail: Path, arguments: dict[str, Any], first: int | None, bytes_max: int
) -> None:
    before = bytes_read()
    found = page(long_trail, **arguments)
    assert bytes_read() - before <= bytes_max
    assert [record.n for record in found.records[:1]] == ([] if first is None else [first])


def test_pages_that_find_nothing_say_how_far_they_have_looked_and_reach_the_start(long_trail: Path) -> None:
    reached, end, pages = at(COUNT), None, 0
    while True:
        found = page(long_trail, "nobody", end=end)
        assert found.reached < reached
        reached, end, pages = found.reached, found.next, pages + 1
        if end is None:
            break
    assert reached == at(0)
    assert pages == long_trail.stat().st_size // SCANNED_BYTES_MAX + 1


def test_the_end_of_the_time_range_is_the_end_of_the_search(long_trail: Path) -> None:
    found = page(long_trail, since=at(COUNT - 50))
    assert ([found.records[0].n, found.records[-1].n], found.next) == ([COUNT, COUNT - 49], None)


def test_records_are_found_though_the_clock_was_set_back(tmp_path: Path) -> None:
    times = [*range(3000), *range(1000, 4000)]  # set back by half an hour
    path = write(tmp_path / "trail.jsonl", times)
    expected = [n for n, second in enumerate(times, 1) if 1500 <= second < 2500]
    found = page(path, since=at(1500), until=at(2500), limit=10_000)
    assert [record.n for record in found.records] == expected[::-1]


def test_times_at_the_ends_of_the_calendar_are_bounds_like_others(tmp_path: Path) -> None:
    path = write(tmp_path / "trail.jsonl", range(10))
    for since, until in (("1970-01-01T00:00:00.000000Z", ""), ("", "9998-01-01T00:00:00.000000Z")):
        assert len(page(path, since=since, until=until).records) == 10
