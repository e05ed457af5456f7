"""The ring keeps as many of the newest events as its limits allow, and no more."""

from __future__ import annotations

import random
import tracemalloc

import pytest

from wsserver.ring import Ring


def make_ring(size: int = 10, max_bytes: int = 1000, lines: int = 0) -> Ring:
    """Return a ring with this number of lines of two bytes each."""
    ring = Ring(size, max_bytes)
    for _ in range(lines):
        ring.extend([b"xx"])
    return ring


def test_the_ring_keeps_events_of_exactly_its_byte_limit() -> None:
    assert make_ring(max_bytes=6, lines=3).holds_all_after(0)
    assert not make_ring(max_bytes=5, lines=3).holds_all_after(0)
    assert make_ring(max_bytes=5, lines=3).holds_all_after(1)


@pytest.mark.parametrize(("max_bytes", "count"), [(0, 1), (3, 1), (5, 1), (6, 2), (8, 2), (9, 3), (100, 3)])
def test_a_slice_takes_as_many_events_as_fit_with_a_byte_for_each(max_bytes: int, count: int) -> None:
    assert make_ring(lines=3).after(0, max_bytes) == [b"xx"] * count


class Line(bytes):
    """An event that counts how often its size is asked for."""

    asked = 0

    def __len__(self) -> int:
        type(self).asked += 1
        return super().__len__()


def test_the_size_of_many_events_is_known_without_a_look_at_each() -> None:
    ring = Ring(1000, 10**6)
    ring.extend([Line(b"xx")] * 1000)
    Line.asked = 0
    assert (ring.bytes_after(0), ring.bytes_after(999), ring.bytes_after(1000)) == (2000, 2, 0)
    assert Line.asked == 0


def test_a_slice_of_few_of_many_events_copies_the_few() -> None:
    ring = Ring(10_000, 10**6)
    ring.extend([b"xx"] * 10_000)
    tracemalloc.start()
    try:
        assert len(ring.after(0, 30)) == 10
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 10_000


def test_any_part_of_the_ring_has_the_size_and_the_slices_of_a_list_of_its_events() -> None:
    numbers = random.Random(7)  # noqa: S311 - no secret
    ring, added = Ring(13, 60), [b""]
    for _ in range(200):
        lines = [b"x" * numbers.randrange(12) for _ in range(numbers.randrange(14))]
        ring.extend(lines)
        added += lines
        for cursor in filter(ring.holds_all_after, range(ring.offset + 1)):
            later = added[cursor + 1 :]
            assert ring.bytes_after(cursor) == sum(map(len, later))
            fitting = [n for n in range(len(later) + 1) if sum(map(len, later[:n])) + n <= 25]
            assert ring.after(cursor, 25) == later[: max(1, *fitting)]
