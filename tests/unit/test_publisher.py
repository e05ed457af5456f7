"""The pause before the next frame depends on the time that the last one took."""

from __future__ import annotations

import pytest

from wsserver.publisher import PAUSE_SECONDS_MAX, PAUSE_SECONDS_MIN, pause_after


def test_a_cheap_frame_is_followed_by_the_shortest_pause() -> None:
    assert pause_after(0.0) == pause_after(PAUSE_SECONDS_MIN / 10) == PAUSE_SECONDS_MIN


@pytest.mark.parametrize("cost_seconds", [0.006, 0.01, 0.04])
def test_the_pause_grows_with_the_cost_and_takes_at_least_half_of_the_time(
    cost_seconds: float,
) -> None:
    assert pause_after(cost_seconds) > pause_after(cost_seconds * 0.9)
    assert pause_after(cost_seconds) >= cost_seconds


@pytest.mark.parametrize("cost_seconds", [0.06, 0.1, 60.0])
def test_the_pause_has_a_maximum_below_100_ms(cost_seconds: float) -> None:
    assert pause_after(cost_seconds) == PAUSE_SECONDS_MAX < 0.1
