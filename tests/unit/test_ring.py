"""The ring keeps as many of the newest events as its limits allow, and no more."""

from __future__ import annotations

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
