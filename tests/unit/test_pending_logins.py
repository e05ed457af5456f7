"""Logins under way: each is finished once, by its own browser, in time, and there are never too many."""

from __future__ import annotations

import time

import pytest

from api.access.pending_logins import IN_ALL_MAX, LIFETIME_SECONDS, PER_CLIENT_MAX, PendingLogins


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Give the clock."""
    clock = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    return clock


def test_a_login_is_finished_once() -> None:
    pending = PendingLogins()
    secret, login = pending.begin("a", "/x")
    assert pending.take(secret, login.state) == login
    assert pending.take(secret, login.state) is None


@pytest.mark.parametrize("state", ["", "x", "é", "x" * 10_000])
def test_a_wrong_state_uses_a_login_up(state: str) -> None:
    pending = PendingLogins()
    secret, login = pending.begin("a", "/")
    assert pending.take(secret, state) is None
    assert pending.take(secret, login.state) is None


def test_another_browser_uses_no_login_up() -> None:
    pending = PendingLogins()
    secret, login = pending.begin("a", "/")
    assert pending.take("", login.state) is None
    assert pending.take("x", login.state) is None
    assert pending.take(secret, login.state) == login


def test_a_login_that_takes_too_long_is_forgotten(now: list[float]) -> None:
    pending = PendingLogins()
    secret, login = pending.begin("a", "/")
    now[0] += LIFETIME_SECONDS
    assert pending.take(secret, login.state) is None


def test_the_oldest_login_of_a_client_makes_room_and_those_of_others_stay() -> None:
    pending = PendingLogins()
    other, of_other = pending.begin("b", "/")
    first, *others = [pending.begin("a", "/") for _ in range(PER_CLIENT_MAX + 1)]
    assert pending.take(first[0], first[1].state) is None
    assert all(pending.take(secret, login.state) for secret, login in [*others, (other, of_other)])


def test_the_oldest_login_of_the_client_with_the_most_makes_room() -> None:
    pending = PendingLogins()
    own = pending.begin("own", "/")
    clients = [f"{number % (IN_ALL_MAX // PER_CLIENT_MAX)}" for number in range(IN_ALL_MAX)]
    greedy = [pending.begin(client, "/") for client in clients]
    assert len(pending._by_secret) == IN_ALL_MAX  # noqa: SLF001 - nothing else tells
    assert pending.take(own[0], own[1].state)
    assert sum(bool(pending.take(secret, login.state)) for secret, login in greedy) == IN_ALL_MAX - 1
    assert pending._by_client == {}  # noqa: SLF001 - it must not grow


def test_a_browser_that_begins_anew_takes_no_more_room() -> None:
    pending = PendingLogins()
    other, of_other = pending.begin("a", "/")
    secret, login = pending.begin("a", "/")
    for _ in range(2 * PER_CLIENT_MAX):
        before, (secret, login) = (secret, login), pending.begin("a", "/", secret)
        assert pending.take(before[0], before[1].state) is None
    assert pending.take(secret, login.state)
    assert pending.take(other, of_other.state)


def test_forgotten_logins_take_no_room(now: list[float]) -> None:
    pending = PendingLogins()
    for number in range(IN_ALL_MAX):
        pending.begin(str(number), "/")
    now[0] += LIFETIME_SECONDS
    pending.begin("a", "/")
    assert len(pending._by_secret) == len(pending._by_client) == 1  # noqa: SLF001 - as above
