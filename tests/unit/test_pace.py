"""A pace keeps steps short, however fast the machine is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewire.store.pace import STEP_SECONDS, Pace, next_rows


@pytest.mark.parametrize(
    ("rows", "taken", "times", "following"),
    [
        (400, 400, 0.2, 800),
        (400, 400, 0.3, 400),
        (400, 400, 1, 400),
        (400, 400, 1.01, 200),
        (400, 400, 2, 200),
        (400, 400, 4, 100),
        (400, 3, 4, 100),
        (400, 400, 1000, 50),
        (50, 50, 2, 50),
        (2000, 2000, 0, 2000),
        (1500, 1500, 0, 2000),
    ],
)
def test_a_slow_step_is_followed_by_half_the_rows_or_fewer_and_a_quick_one_by_twice_as_many(
    rows: int, taken: int, times: float, following: int
) -> None:
    assert next_rows(rows, taken, times * STEP_SECONDS) == following


@pytest.mark.parametrize("taken", [0, 1, 99])
def test_a_step_that_found_fewer_rows_does_not_tell_that_more_would_be_quick(taken: int) -> None:
    assert next_rows(100, taken, 0) == 100


@given(st.floats(1e-7, 0.1), st.integers(50, 2000))
def test_a_steady_machine_soon_gets_steps_of_at_most_the_time_allowed(row_seconds: float, first: int) -> None:
    learned = Pace()
    learned.rows = first
    for _ in range(12):
        learned.rest(learned.rows, learned.rows * row_seconds)
    assert learned.rows * row_seconds <= STEP_SECONDS or learned.rows == 50
    assert learned.rows * row_seconds >= STEP_SECONDS / 4 or learned.rows == 2000 or learned.rows < 100


def test_others_have_the_store_for_three_quarters_of_the_time() -> None:
    assert Pace().rest(1, 0.1) == pytest.approx(0.3)


def test_a_rest_is_long_enough_for_a_writer_to_see_it() -> None:
    assert Pace().rest(1, 0.0001) == 0.02
