"""The budget of replays: each client earns its bytes in time, and clients make no difference to each other."""

from __future__ import annotations

import pytest

from tradewire.client import client_at
from wsserver import replay_budget
from wsserver.replay_budget import BYTES_PER_SECOND, SECONDS_AHEAD, ReplayBudget

AHEAD = int(BYTES_PER_SECOND * SECONDS_AHEAD)
"""The bytes that a client of one browser may have at once."""


def test_a_client_gets_replays_until_its_budget_is_used_up_and_then_as_it_earns_them() -> None:
    budget = ReplayBudget(1)
    assert budget.take("a", AHEAD, now=1000.0)
    assert budget.take("a", BYTES_PER_SECOND, now=1000.0)
    assert not budget.take("a", 1, now=1000.0)
    assert not budget.take("a", 1, now=1000.5)
    assert budget.take("a", BYTES_PER_SECOND, now=1001.0)
    assert not budget.take("a", 1, now=1001.5)


def test_a_refused_replay_costs_nothing() -> None:
    budget = ReplayBudget(1)
    assert budget.take("a", AHEAD + BYTES_PER_SECOND, now=0.0)
    assert not any(budget.take("a", AHEAD, now=0.5) for _ in range(100))
    assert budget.take("a", 1, now=1.0)


def test_a_client_saves_up_no_more_than_the_bytes_that_it_may_have_at_once() -> None:
    budget = ReplayBudget(1)
    assert budget.take("a", 1, now=0.0)
    assert budget.take("a", AHEAD + 1, now=10**9)
    assert not budget.take("a", 1, now=10**9)


def test_the_budget_grows_with_the_browsers_that_a_client_may_have() -> None:
    budget = ReplayBudget(50)
    assert budget.take("a", 50 * AHEAD, now=0.0)
    assert budget.take("a", 1, now=0.0)
    assert not budget.take("a", 1, now=0.0)


def test_one_replay_of_any_size_is_granted_to_a_client_with_a_budget() -> None:
    assert ReplayBudget(1).take("a", 100 * AHEAD, now=0.0)


def test_a_browser_that_missed_nothing_may_always_resume() -> None:
    budget = ReplayBudget(1)
    assert budget.take("a", 100 * AHEAD, now=0.0)
    assert budget.take("a", 0, now=0.0)


def test_clients_make_no_difference_to_each_other() -> None:
    budget = ReplayBudget(1)
    assert budget.take("a", 100 * AHEAD, now=0.0)
    assert budget.take("b", AHEAD, now=0.0)


def test_no_more_clients_are_remembered_than_allowed_and_first_those_are_forgotten_that_have_earned_their_replays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(replay_budget, "CLIENTS_MAX", 3)
    budget = ReplayBudget(1)
    assert budget.take("a", 2 * AHEAD, now=0.0)
    assert budget.take("b", BYTES_PER_SECOND, now=0.0)
    assert budget.take("c", 2 * AHEAD, now=0.0)
    assert budget.take("d", 2 * AHEAD, now=1.0)
    assert [budget.take(client, 1, now=1.0) for client in "acd"] == [False, False, False]
    assert budget.take("e", 2 * AHEAD, now=1.0)
    assert [budget.take(client, 1, now=1.0) for client in "cde"] == [False, False, False]
    assert budget.take("a", 1, now=1.0)


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("::1", "::/64"),
        ("", ""),
        ("unix:", "unix:"),
    ],
)
def test_a_client_is_an_ipv4_address_or_the_64_network_of_an_ipv6_address(address: str, client: str) -> None:
    assert client_at(address) == client
