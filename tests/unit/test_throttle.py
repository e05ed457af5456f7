"""The delays after failed attempts to log in: they grow, they end, and lock no user out for good."""

from __future__ import annotations

from api.access.throttle import FORGET_SECONDS, REMEMBERED_MAX, Throttle


def waits(throttle: Throttle, attempts: int) -> list[float]:
    """Fail so often, each time as soon as it is allowed. Return the delay after each failure."""
    now, found = 0.0, []
    for _ in range(attempts):
        throttle.count("alice", now)
        found.append(throttle.wait("alice", now))
        now += found[-1]
    return found


def test_the_first_failures_cost_nothing_and_the_delay_then_doubles_up_to_its_limit() -> None:
    assert waits(Throttle(free=3, delay_max=10), 8) == [0, 0, 1, 2, 4, 8, 10, 10]


def test_the_delay_of_one_name_is_not_that_of_another() -> None:
    throttle = Throttle(free=1, delay_max=10)
    throttle.count("alice", 0)
    assert (throttle.wait("alice", 0), throttle.wait("bob", 0)) == (1, 0)


def test_failures_are_forgotten_after_an_hour_and_at_a_success() -> None:
    throttle = Throttle(free=2, delay_max=10)
    throttle.count("alice", 0)
    throttle.count("alice", FORGET_SECONDS)
    assert throttle.wait("alice", FORGET_SECONDS) == 0
    throttle.count("alice", FORGET_SECONDS)
    assert throttle.wait("alice", FORGET_SECONDS) == 1
    throttle.forget("alice")
    assert throttle.wait("alice", FORGET_SECONDS) == 0


def test_a_success_of_a_client_takes_back_its_own_count_and_no_other() -> None:
    throttle = Throttle(free=3, delay_max=10)
    for _ in range(2):
        throttle.count("client", 0)
    for _ in range(5):  # own log-ins between guesses don't reset the guesses
        throttle.count("client", 0)
        throttle.succeeded("client")
    throttle.count("client", 0)
    assert throttle.wait("client", 0) == 1


def test_a_flood_of_names_takes_a_bounded_memory_and_the_oldest_is_forgotten_first() -> None:
    throttle = Throttle(free=1, delay_max=10)
    for number in range(REMEMBERED_MAX + 1):
        throttle.count(number, 0)
    assert (throttle.wait(0, 0), throttle.wait(1, 0), throttle.wait(REMEMBERED_MAX, 0)) == (0, 1, 1)
