"""When the next frame goes out, by what the last one took."""

from __future__ import annotations

import pytest

from wsserver.publisher import TICK_SECONDS, TICK_SECONDS_MAX, pause_after


def test_a_frame_that_took_next_to_nothing_is_followed_by_the_next_at_the_usual_pace() -> None:
    assert pause_after(0.0) == pause_after(TICK_SECONDS / 10) == TICK_SECONDS


@pytest.mark.parametrize("cost_seconds", [0.006, 0.01, 0.04])
def test_the_longer_a_frame_took_the_longer_the_next_one_waits_and_half_of_the_time_is_left_to_others(
    cost_seconds: float,
) -> None:
    assert pause_after(cost_seconds) > pause_after(cost_seconds * 0.9)
    assert pause_after(cost_seconds) >= cost_seconds


@pytest.mark.parametrize("cost_seconds", [0.06, 0.1, 60.0])
def test_no_frame_makes_the_next_wait_longer_than_is_felt(cost_seconds: float) -> None:
    assert pause_after(cost_seconds) == TICK_SECONDS_MAX < 0.1
