"""A copy of the store is of one moment, while the store is written, and becomes a store again."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.recount import count_rows, read_table
from tests.support import require_program
from tests.unit.helpers import MESSAGE, decode_trade
from tradewire import event
from tradewire.errors import StoreUnavailable
from tradewire.store import copying, dumps
from tradewire.store.schema import events, stats
from tradewire.store.writing import StoreWriter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.postgres import Postgres
    from tradewire.event import TradeEvent

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


def messages(first: int, count: int) -> Sequence[TradeEvent]:
    trade = decode_trade(MESSAGE)
    return [
        event.decode(event.encode(trade, f"00000000-0000-7000-8000-{number:012}", NOW + timedelta(seconds=number)))
        for number in range(first, first + count)
    ]


@pytest.fixture
def another_url(request: pytest.FixtureRequest, home: Path, store_url: str) -> str:
    """Return the URL of a store of the same kind that is to be."""
    if store_url.startswith("sqlite"):
        return f"sqlite:///{home}/restored/store.db"
    for program in ("pg_dump", "pg_restore"):
        require_program(program)
    server: Postgres = request.getfixturevalue("postgresql")
    return server.create_database()


def test_a_copy_has_what_was_saved_before_it_and_nothing_later(
    home: Path, store_url: str, another_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = home / "copy"
    folder.mkdir()
    with closing(StoreWriter(store_url, "stack")) as store:
        store.migrate()
        store.save(messages(0, 100), [])
        facts = copying._facts  # noqa: SLF001 - the moment at which the snapshot exists

        def save_later(connection: object) -> copying.Copied:
            found = facts(connection)  # type: ignore[arg-type]
            store.save(messages(100, 50), [])
            return found

        monkeypatch.setattr(copying, "_facts", save_later)
        copied = copying.copy(store_url, folder)
    kind = copying.kind_of(store_url)
    assert copied.messages == 100
    assert [path.name for path in folder.iterdir()] == [copying.FILES[kind]]
    copying.check_target(another_url, kind, copied.schema)
    copying.restore(another_url, folder)
    assert count_rows(store_url, events) == copying.count(store_url) == 150
    assert count_rows(another_url, events) == copying.count(another_url) == 100
    assert read_table(another_url, stats)
    with closing(StoreWriter(another_url, "stack")) as store:
        store.migrate()
        store.save(messages(50, 100), [])
    assert min(read_table(another_url, events)) == min(read_table(store_url, events))
    assert count_rows(another_url, events) == 150
    with pytest.raises(StoreUnavailable, match=r"exists already|is not empty: it has the table"):
        copying.check_target(another_url, kind, copied.schema)


def test_a_copy_of_another_kind_or_of_a_newer_version_is_refused(store_url: str) -> None:
    kind = copying.kind_of(store_url)
    other = "postgresql" if kind == "sqlite" else "sqlite"
    with pytest.raises(StoreUnavailable, match=f"the archive is of {other}"):
        copying.check_target(store_url, other, "0001")
    with pytest.raises(StoreUnavailable, match="a newer version of Tradewire made it: its schema is 9999"):
        copying.check_target(store_url, kind, "9999")


def test_a_missing_program_and_its_refusal_are_told_without_the_password(
    home: Path, postgresql: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_program("pg_restore")
    (home / "store.pgdump").write_bytes(b"no dump")
    url = postgresql.create_database()
    with pytest.raises(StoreUnavailable, match="archive"):
        copying.restore(url, home)
    monkeypatch.setenv("PATH", str(home))
    with pytest.raises(StoreUnavailable, match="pg_restore is not installed"):
        copying.restore(url, home)


def test_another_database_on_the_same_server_exists_for_a_block(postgresql: Postgres) -> None:
    with dumps.another_database(postgresql.create_database()) as url:
        dumps.check_empty(url)
        with closing(StoreWriter(url, "stack")) as store:
            store.migrate()
    with pytest.raises(Exception, match="does not exist"):
        dumps.check_empty(url)
