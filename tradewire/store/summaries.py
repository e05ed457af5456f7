"""Makes summaries of busy users, so that their statistics can be read without reading all of their events.

The events of a user group, in order of time, are divided into windows of WINDOW events. A user with a good share of a
window's events is busy in it: its events are added up, once. Summaries of windows are added up to wider ones in turn.
Nothing depends on a summary: where there is none, statistics are made from the events. A late event deletes the
summaries that lack it, and they are made again, one at a time.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec
from sqlalchemy import delete, func, insert, select, tuple_

from tradewire.store.conditions import OLDEST_FIRST, between, nth, start
from tradewire.store.reading_stats import step_seconds
from tradewire.store.reading_summaries import user_sums
from tradewire.store.rows import USER_GROUPS
from tradewire.store.schema import events, outdated_summaries, summarized, user_summaries
from tradewire.store.sums import Part, Sums, merge
from tradewire.store.views import Filter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Connection

    from tradewire.store.rows import EventRow
    from tradewire.store.sums import Merged

WINDOW: Final = 4096
"""Events of a window. A step reads one window, in some hundredths of a second."""
BUSY_MIN: Final = 1280
"""Events of a busy user in a window. Users with fewer in each window are scanned fast enough."""
FOLD: Final = 16
"""Summaries of one level that are added up to one of the next level."""
_ENOUGH: Final = 2
"""Windows that a group's events must fill before the older one is summarized. Delayed events have arrived by then."""

_encode: Final = msgspec.msgpack.Encoder().encode
_summaries: Final = user_summaries.c
_outdated: Final = outdated_summaries.c
_OUTDATED_KEY: Final = (_outdated.level, _outdated.user_group, _outdated.number, _outdated.user_id)
_RENEWAL: Final = USER_GROUPS
"""The turn after those of all groups: a summary that a late event has made outdated is made again."""


class _Place(NamedTuple):
    """The place of a summary among those of a group."""

    group: int
    level: int
    """0 for a window, and one more for each time that summaries were added up."""
    number: int
    """Counted from 0 in each level."""


class Summarizer:
    """Makes summaries, one window at a time, in turns. The caller must hold the store's writer lock."""

    def __init__(self) -> None:
        self._unsummarized = [math.inf] * USER_GROUPS
        """Events of each group that no window has yet, or more. Infinite as long as the number is unknown."""
        self._turn = -1
        """The last turn: a group, or the renewal."""
        self._has_outdated = True
        """Whether summaries may be outdated."""
        self._renewed: tuple[int, int, int, str] | None = None
        """The key of the outdated summary that was renewed last, or tried. None at the beginning of a round."""

    def add(self, connection: Connection, new: Sequence[EventRow]) -> None:
        """Count new events. Summaries that lack them are outdated.

        Args:
            connection: A connection in the transaction that saves the events.
            new: The events.
        """
        for group, number in Counter([event.user_group for event in new]).items():
            self._unsummarized[group] += number
        ends = {row.user_group: row.until for row in connection.execute(select(summarized))}
        for event in new:
            if event.received_at < ends.get(event.user_group, 0):
                self._outdate(connection, event)

    def next_turn(self) -> int | None:
        """Return the next turn that may have something to do. None if no turn has."""
        due = [group for group, number in enumerate(self._unsummarized) if number >= _ENOUGH * WINDOW]
        if self._has_outdated:
            due.append(_RENEWAL)
        self._turn = next((turn for turn in due if turn > self._turn), due[0] if due else -1)
        return self._turn if due else None

    def take(self, connection: Connection, turn: int) -> None:
        """Take a turn: make the summaries of one window, and those that it completes, or renew one summary.

        Args:
            connection: A connection in a transaction.
            turn: From `next_turn`.
        """
        if turn == _RENEWAL:
            self._renew(connection)
        else:
            self._summarize(connection, turn)

    def _outdate(self, connection: Connection, event: EventRow) -> None:
        """Delete the summaries that lack an event, and note them."""
        lacking = (
            _summaries.user_id == event.user_id,
            _summaries.since <= event.received_at,
            _summaries.until > event.received_at,
        )
        columns = [_summaries[column.name] for column in _outdated]
        found = connection.execute(delete(user_summaries).where(*lacking).returning(*columns)).mappings().all()
        if found:
            connection.execute(insert(outdated_summaries), [{**row} for row in found])
            self._has_outdated = True

    def _renew(self, connection: Connection) -> None:
        """Make the next outdated summary again. Those of a higher level come later, since they add up the others."""
        key = tuple_(*_OUTDATED_KEY)
        rest = select(outdated_summaries).where(*[key > self._renewed] if self._renewed else [])
        row = connection.execute(rest.order_by(*_OUTDATED_KEY).limit(1)).one_or_none()
        if row is None:
            self._has_outdated = self._renewed is not None  # if some were left out, the next round tries them again
            self._renewed = None
            return
        self._renewed = (row.level, row.user_group, row.number, row.user_id)
        connection.execute(delete(outdated_summaries).where(key == self._renewed))
        _summarize_user(connection, row.user_id, row.since, row.until, _Place(row.user_group, row.level, row.number))

    def _summarize(self, connection: Connection, group: int) -> None:
        """Summarize the oldest window of a group that is not summarized yet, if there are events enough."""
        done = connection.execute(select(summarized).where(summarized.c.user_group == group)).one_or_none()
        windows, since = (done.windows, done.until) if done else (0, 0)
        entries = [events.c.user_group == group, *between(start(since), None)]
        some = select(events.c.id).where(*entries).order_by(*OLDEST_FIRST).limit(_ENOUGH * WINDOW)
        found = connection.execute(select(func.count()).select_from(some.subquery())).scalar_one()
        if found < _ENOUGH * WINDOW:
            self._unsummarized[group] = found
            return
        first, last = (
            nth(connection, entries, 1, oldest_first=True),
            nth(connection, entries, WINDOW, oldest_first=True),
        )
        assert first  # noqa: S101 - they were found above
        assert last  # noqa: S101
        # Events of the same time are in the same window.
        until = last.received_at + 1
        for user in _busy_users(connection, [*entries, *between(None, start(until))]):
            _summarize_user(connection, user, since or first.received_at, until, _Place(group, 0, windows))
        windows += 1
        level = 1
        while windows % FOLD**level == 0:
            _add_up(connection, _Place(group, level, windows // FOLD**level - 1))
            level += 1
        connection.execute(delete(summarized).where(summarized.c.user_group == group))
        connection.execute(insert(summarized).values(user_group=group, windows=windows, until=until))
        self._unsummarized[group] -= WINDOW


def _busy_users(connection: Connection, entries: Sequence[ColumnElement[bool]]) -> Sequence[str]:
    statement = select(events.c.user_id).where(*entries).group_by(events.c.user_id).having(func.count() >= BUSY_MIN)
    return connection.execute(statement).scalars().all()


def _add_up(connection: Connection, place: _Place) -> None:
    """Add up the summaries of the level below, for users with most of them."""
    first = place.number * FOLD
    statement = (
        select(_summaries.user_id, func.min(_summaries.since), func.max(_summaries.until))
        .where(
            _summaries.user_group == place.group,
            _summaries.level == place.level - 1,
            _summaries.number.between(first, first + FOLD - 1),
        )
        .group_by(_summaries.user_id)
        .having(func.count() > FOLD // 2)
    )
    for user, since, until in connection.execute(statement).all():
        _summarize_user(connection, user, since, until, place)


def _summarize_user(connection: Connection, user: str, since: int, until: int, place: _Place) -> None:
    """Summarize a user. There is no summary if the user has too many pairs, or too many events between summaries."""
    # A longer range, such as a reader's, never has shorter steps.
    scanned = list(user_sums(connection, Filter({"user_id": user}), since, until, step_seconds(since, until)))
    merged = merge(each.part for each in reversed(scanned))
    if merged.more_pairs or any(each.basis for each in scanned):
        return
    connection.execute(
        insert(user_summaries).values(
            user_group=place.group,
            level=place.level,
            number=place.number,
            user_id=user,
            since=since,
            until=until,
            content=_encode(_part(merged)),
        )
    )


def _part(merged: Merged) -> Part:
    """Return statistics in the form of a scan's result, in which each sum is a single number."""
    return Part(
        [
            (
                currency_from,
                currency_to,
                Sums(*count, *(format(each, "f") for each in (sold, bought, high, low, opened, closed))),
            )
            for currency_from, currency_to, count, (sold, bought, opened, high, low, closed) in merged.pairs
        ],
        [(country, Sums(*count)) for country, count in merged.countries],
        [(step.start, Sums(*step.total)) for step in merged.series],
    )
