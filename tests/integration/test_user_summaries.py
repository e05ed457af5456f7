"""Summaries of busy users, on real databases: statistics made with them are equal to a recount of the events."""

from __future__ import annotations

import random
from contextlib import closing, suppress
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event as sqlalchemy_event

from tests.integration.test_store_reading import (
    ALL_THE_TIME,
    EVENTS,
    FIRST,
    LAST,
    SECOND,
    USERS,
    assert_matches_recount,
    make_event,
    position,
    save,
)
from tests.recount import count_rows, read_table
from tradewire.store import conditions, summaries, sums
from tradewire.store.reading import StoreReader
from tradewire.store.rows import user_group
from tradewire.store.schema import outdated_summaries, summarized, user_summaries
from tradewire.store.views import Filter
from tradewire.store.writing import StoreWriter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.postgres import Postgres

HOUR, DAY = 3600, 86_400
BUSY = "134259"
OF_BUSY = [event for event in EVENTS if event.user_id == BUSY]
IDLE = next(user for user in map(str, range(100_000)) if user_group(user) == user_group(BUSY))
"""Another user of the same group."""


@pytest.fixture(autouse=True, scope="module")
def small_windows() -> Iterator[None]:
    """Make summaries of a few events."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(summaries, "WINDOW", 8)
        patch.setattr(summaries, "BUSY_MIN", 3)
        patch.setattr(summaries, "FOLD", 4)
        yield


def summarize(url: str, steps: int = 10_000) -> None:
    """Make the summaries that are due, as the archive's processor does."""
    with closing(StoreWriter(url, "one")) as store:
        store.migrate()
        while steps and store.summarize():
            steps -= 1


def levels(url: str) -> list[int]:
    """Return the level of each summary."""
    return sorted(row.level for row in read_table(url, user_summaries))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def summarized_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the URL of a store with all events and their summaries, some of which late events have made obsolete."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('store')}/store.db"
    else:
        server: Postgres = request.getfixturevalue("postgresql")
        url = server.create_database()
    shuffled = random.Random(6).sample(EVENTS, len(EVENTS))  # noqa: S311 - the same order each time
    save(url, shuffled[:-30])
    summarize(url)
    assert {*levels(url)} == {0, 1, 2}
    before = count_rows(url, user_summaries)
    save(url, shuffled[-30:])
    assert 0 < count_rows(url, user_summaries) < before
    return url


@pytest.fixture
def reader(summarized_url: str) -> Iterator[StoreReader]:
    with closing(StoreReader(summarized_url)) as reader:
        yield reader


TIMES = st.one_of(
    st.sampled_from([position(event).received_at for event in EVENTS]),
    st.integers(FIRST // HOUR - 2, LAST // HOUR + 3).map(lambda hour: hour * HOUR * SECOND),
    st.integers((FIRST - DAY) * SECOND, (LAST + DAY) * SECOND),
)


@pytest.mark.timeout(600)
@given(user=st.sampled_from((*USERS, "other")), ends=st.tuples(TIMES, TIMES), weeks=st.sampled_from((0, 0, 3, 10)))
@settings(max_examples=100, deadline=None)
def test_statistics_of_a_user_match_a_recount(
    summarized_url: str, user: str, ends: tuple[int, int], weeks: int
) -> None:
    since, until = min(ends) - weeks * 7 * DAY * SECOND, max(ends) + 1
    filters = Filter({"user_id": user}, since=since, until=until)
    with closing(StoreReader(summarized_url)) as reader:
        stats = reader.stats(filters)
    assert (stats.since, stats.until, stats.basis) == (since, until, None)
    assert_matches_recount(stats, filters)


@pytest.mark.timeout(600)
@given(st.lists(st.integers(1, 150), max_size=12), st.randoms(use_true_random=False))
@settings(max_examples=20, deadline=None)
def test_statistics_match_a_recount_at_any_time(
    tmp_path_factory: pytest.TempPathFactory, batches: list[int], chance: random.Random
) -> None:
    url = f"sqlite:///{tmp_path_factory.mktemp('store')}/store.db"
    remaining = list(EVENTS)
    if chance.random() < 0.5:
        chance.shuffle(remaining)
    remaining = sorted(remaining[:900], key=lambda event: (position(event).received_at // HOUR // SECOND, event.id))
    saved: list[str] = []
    with closing(StoreWriter(url, "one")) as store:
        store.migrate()
        for size in batches:
            batch, remaining = remaining[:size], remaining[size:]
            store.save(batch, [])
            saved += [event.id for event in batch]
            for _ in range(chance.randrange(40)):
                store.summarize()
            user = chance.choice(USERS)
            with closing(StoreReader(url)) as reader:
                total = reader.stats(ALL_THE_TIME._replace(equal={"user_id": user})).total
            assert total.messages == len([event for event in EVENTS if event.id in saved and event.user_id == user])


def test_events_in_summaries_are_not_read(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    save(store_url, EVENTS)
    filters = ALL_THE_TIME._replace(equal={"user_id": BUSY})
    monkeypatch.setattr(conditions, "ROWS_MAX", 40)
    with closing(StoreReader(store_url)) as reader:
        assert reader.stats(filters).basis
        monkeypatch.setattr(conditions, "ROWS_MAX", 200_000)
        summarize(store_url)
        monkeypatch.setattr(conditions, "ROWS_MAX", 40)
        stats = reader.stats(filters)
    assert stats.basis is None
    assert stats.total.messages > 40
    assert_matches_recount(stats, filters)


def test_statistics_of_too_many_events_outside_of_summaries_count_the_newest(
    reader: StoreReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conditions, "ROWS_MAX", 1)
    counts = []
    for until in range(LAST, LAST - DAY, -HOUR):
        filters = Filter({"user_id": BUSY}, since=FIRST * SECOND, until=until * SECOND)
        stats = reader.stats(filters)
        assert stats.basis
        assert stats.basis.newest == stats.total.messages
        assert_matches_recount(stats, filters)
        counts.append(stats.basis.newest)
    assert max(counts) > 1, "those of summaries are counted, too"


def test_a_window_is_summarized_once_as_many_events_came_after_it(store_url: str) -> None:
    with closing(StoreWriter(store_url, "one")) as store:
        store.migrate()
        for number, event in enumerate(OF_BUSY[:24], 1):
            store.save([event], [])
            while store.summarize():
                pass
            assert count_rows(store_url, user_summaries) == max(0, number // 8 - 1)


def test_no_transaction_begins_if_nothing_is_to_summarize(store_url: str) -> None:
    save(store_url, EVENTS)
    begun: list[object] = []
    with closing(StoreWriter(store_url, "one")) as store:
        store.migrate()
        while store.summarize():
            pass
        sqlalchemy_event.listen(store._engine, "begin", begun.append)  # noqa: SLF001
        assert not store.summarize()
        assert begun == []
        store.save([make_event(90_001, LAST - FIRST + DAY)], [])
        assert len(begun) == 1
        assert not store.summarize()
        assert len(begun) == 1


def test_a_step_summarizes_a_single_window(store_url: str) -> None:
    save(store_url, OF_BUSY)
    summarize(store_url, steps=user_group(BUSY) + 1)
    assert [(row.windows, row.user_group) for row in read_table(store_url, summarized)] == [(1, user_group(BUSY))]
    assert levels(store_url) == [0]


def test_steps_are_taken_up_by_the_next_process(store_url: str) -> None:
    save(store_url, EVENTS)
    for _ in range(3):
        summarize(store_url, steps=150)
    assert count_rows(store_url, user_summaries) > 0
    summarize(store_url)
    in_turn = levels(store_url)
    summarize(store_url)
    assert levels(store_url) == in_turn, "each summary is made once"
    filters = ALL_THE_TIME._replace(equal={"user_id": BUSY})
    with closing(StoreReader(store_url)) as reader:
        assert_matches_recount(reader.stats(filters), filters)


def test_a_group_that_fails_does_not_keep_others_from_being_summarized(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(store_url, EVENTS)
    real = summaries._summarize_user  # noqa: SLF001

    def fail_for_one(connection: object, user: str, *others: object) -> None:
        if user == BUSY:
            raise ValueError("cannot be summarized")
        real(connection, user, *others)  # type: ignore[arg-type]

    monkeypatch.setattr(summaries, "_summarize_user", fail_for_one)
    failures = 0
    with closing(StoreWriter(store_url, "one")) as store:
        store.migrate()
        for _ in range(1000):
            try:
                store.summarize()
            except ValueError:
                failures += 1
    assert failures > 1, "it is tried again"
    users = {row.user_id for row in read_table(store_url, user_summaries)}
    assert users == {user for user in USERS if user_group(user) != user_group(BUSY)}


def test_users_with_few_events_of_a_window_are_not_summarized(store_url: str) -> None:
    of_another = [
        make_event(number, position(event).received_at / SECOND - FIRST, user_id=IDLE)
        for number, event in enumerate(OF_BUSY[::5])
    ]
    save(store_url, [*OF_BUSY, *of_another])
    summarize(store_url)
    assert {row.user_id for row in read_table(store_url, user_summaries)} == {BUSY}


def test_a_late_event_deletes_no_summaries_but_those_that_lack_it(store_url: str) -> None:
    save(store_url, OF_BUSY)
    summarize(store_url)
    before = {(row.level, row.since, row.until) for row in read_table(store_url, user_summaries)}
    at = position(OF_BUSY[len(OF_BUSY) // 3]).received_at
    save(store_url, [make_event(1, at / SECOND - FIRST, user_id=IDLE)])
    assert count_rows(store_url, user_summaries) == len(before), "an event of another user"
    save(store_url, [make_event(2, at / SECOND - FIRST, user_id=BUSY)])
    after = {(row.level, row.since, row.until) for row in read_table(store_url, user_summaries)}
    assert before - after == {each for each in before if each[1] <= at < each[2]}
    assert {level for level, _, _ in before - after} == {0, 1, 2}


def test_summaries_that_lack_a_late_event_are_made_again_one_in_each_step(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    middle = len(OF_BUSY) // 3
    late = OF_BUSY[middle : middle + 1]
    save(store_url, [event for event in OF_BUSY if event not in late])
    summarize(store_url)
    before = {(row.level, row.since, row.until) for row in read_table(store_url, user_summaries)}
    with closing(StoreWriter(store_url, "one")) as store:
        store.migrate()
        while store.summarize():
            pass
        store.save(late, [])
        counts = [count_rows(store_url, user_summaries)]
        while store.summarize():
            counts.append(count_rows(store_url, user_summaries))
    assert [after - earlier for earlier, after in pairwise(counts)] == [1, 1, 1, 0, 0]
    assert {(row.level, row.since, row.until) for row in read_table(store_url, user_summaries)} == before
    assert read_table(store_url, outdated_summaries) == []
    filters = ALL_THE_TIME._replace(equal={"user_id": BUSY})
    with closing(StoreReader(store_url)) as reader:
        monkeypatch.setattr(conditions, "ROWS_MAX", 40)
        stats = reader.stats(filters)
        assert stats.basis is None
        assert_matches_recount(stats, filters)


def test_a_summary_that_can_not_be_made_again_does_not_keep_others_from_it(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(store_url, OF_BUSY)
    summarize(store_url)
    at = position(OF_BUSY[len(OF_BUSY) // 3]).received_at / SECOND - FIRST
    save(store_url, [make_event(1, at, user_id=BUSY)])
    real = summaries._summarize_user  # noqa: SLF001

    def fail_in_windows(connection: object, user: str, since: int, until: int, place: Any) -> None:
        if place.level == 0:
            raise ValueError("cannot be summarized")
        real(connection, user, since, until, place)  # type: ignore[arg-type]

    monkeypatch.setattr(summaries, "_summarize_user", fail_in_windows)
    with closing(StoreWriter(store_url, "one")) as store:
        store.migrate()
        for _ in range(300):
            with suppress(ValueError):
                store.summarize()
    assert [row.level for row in read_table(store_url, outdated_summaries)] == [0]
    monkeypatch.undo()
    monkeypatch.setattr(summaries, "WINDOW", 8)
    summarize(store_url)
    assert read_table(store_url, outdated_summaries) == []


def test_events_of_the_same_time_are_in_one_window(store_url: str) -> None:
    save(store_url, [make_event(number, user_id=BUSY) for number in range(20)])
    save(store_url, [make_event(number, 1, user_id=BUSY) for number in range(20, 30)])
    summarize(store_url)
    [(since, until)] = [(row.since, row.until) for row in read_table(store_url, user_summaries)]
    assert until - since == 1
    filters = ALL_THE_TIME._replace(equal={"user_id": BUSY})
    with closing(StoreReader(store_url)) as reader:
        assert reader.stats(filters).total.messages == 30


def test_a_user_with_more_pairs_than_statistics_list_has_no_summary(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sums, "PAIRS_MAX", 1)
    save(store_url, EVENTS)
    summarize(store_url)
    monkeypatch.undo()
    filters = ALL_THE_TIME._replace(equal={"user_id": BUSY})
    assert 1 not in levels(store_url)
    with closing(StoreReader(store_url)) as reader:
        assert_matches_recount(reader.stats(filters), filters)
