"""Places are shared fairly: a client that takes them all, and wants more, keeps no other client out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import TYPE_CHECKING

import pytest

from api.access.fair_places import FairPlaces
from tests.support import TIMEOUT_SECONDS, wait_until
from tradewire.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future

NUMBER = 4
WAIT_SECONDS = 60.0


class Guests:
    """Requests, each in a thread of its own, that hold their places until they are told to leave."""

    def __init__(self, pool: ThreadPoolExecutor, places: FairPlaces) -> None:
        self._pool = pool
        self._places = places
        self.leaving: dict[Future[None], Event] = {}
        self.inside: list[str] = []
        """The clients in the order in which they got places."""

    def come(self, client: str, *, is_settled: bool = True) -> Future[None]:
        """Let a client ask for a place. Wait until it has one, waits for one, or is refused."""
        leaves = Event()
        before = self._known()
        future = self._pool.submit(self._visit, client, leaves)
        self.leaving[future] = leaves
        if is_settled:
            wait_until(lambda: future.done() or self._known() > before, "the request has a turn")
        return future

    def leave(self, *guests: Future[None]) -> None:
        for guest in guests:
            self.leaving[guest].set()
            guest.result(TIMEOUT_SECONDS)

    def _known(self) -> int:
        with self._places._changed:  # noqa: SLF001 - nothing else tells
            return len(self.inside) + len(self._places._waiting)  # noqa: SLF001

    def _visit(self, client: str, leaves: Event) -> None:
        with self._places.place(client):
            self.inside.append(client)
            assert leaves.wait(TIMEOUT_SECONDS)


@contextmanager
def hosting(wait_seconds: float = WAIT_SECONDS) -> Iterator[Guests]:
    with ThreadPoolExecutor(32) as pool:
        guests = Guests(pool, FairPlaces(NUMBER, wait_seconds))
        try:
            yield guests
        finally:
            for leaves in guests.leaving.values():
                leaves.set()


@pytest.fixture
def guests() -> Iterator[Guests]:
    with hosting() as found:
        yield found


def is_refused(guest: Future[None]) -> bool:
    return isinstance(guest.exception(TIMEOUT_SECONDS), Unavailable)


def test_a_client_that_wants_all_places_has_half_of_them_and_waits_while_the_queue_has_room(guests: Guests) -> None:
    greedy = [guests.come("greedy") for _ in range(10)]
    assert guests.inside == ["greedy"] * 2
    assert [is_refused(each) for each in greedy[6:]] == [True] * 4
    others = [guests.come("other"), guests.come("third")]
    wait_until(lambda: {"other", "third"} <= {*guests.inside}, "the others have places")
    assert not any(each.done() for each in greedy[:6])  # no turn was taken for a place that was free
    newcomer = guests.come("newcomer", is_settled=False)
    assert is_refused(greedy[5])
    guests.leave(*others, newcomer)
    guests.leave(*greedy[:5])
    assert guests.inside.count("greedy") == 5


def test_one_more_client_gets_the_next_place_while_two_others_take_all_and_wait_for_more(guests: Guests) -> None:
    first = [guests.come("a") for _ in range(4)]
    second = [guests.come("b") for _ in range(4)]
    assert sorted(guests.inside) == ["a", "a", "b", "b"]
    newcomer = guests.come("newcomer", is_settled=False)
    assert is_refused(second[3])  # it gives up its turn
    guests.leave(first[0])
    wait_until(lambda: "newcomer" in guests.inside, "the newcomer has a place")
    assert len(guests.inside) == 5
    guests.leave(newcomer)


def test_a_client_that_takes_no_more_than_the_newcomer_keeps_its_turn(guests: Guests) -> None:
    for name in "abcdefgh":
        guests.come(name)
    assert guests.inside == list("abcd")
    assert is_refused(guests.come("newcomer"))


def test_a_request_waits_no_longer_than_it_may() -> None:
    with hosting(0.1) as guests:
        held = [guests.come(name) for name in "abcd"]
        assert is_refused(guests.come("e", is_settled=False))
        guests.leave(held[0])
        guests.leave(guests.come("f"))


def test_an_error_in_the_block_gives_the_place_back() -> None:
    places = FairPlaces(2, WAIT_SECONDS)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), places.place("a"):
            _ = 1 / 0
    with places.place("a"):
        pass
