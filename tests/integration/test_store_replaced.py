"""SQLite's log and its index replaced by older copies while they are in use: the copies hide and destroy nothing."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing, suppress
from typing import TYPE_CHECKING

import pytest

from tests.integration.conftest import call_query, event_json, id_of, processor, query_api
from tests.integration.test_processor_archive import archived_ids, put, unsettled_count, wait_archived
from tests.support import beanstalkd, wait_until

if TYPE_CHECKING:
    from pathlib import Path


def can_be_queried(home: Path) -> bool:
    with suppress(OSError):
        return call_query(home, "/api/messages").status == 200
    return False


@pytest.mark.parametrize("suffixes", [("-wal",), ("-shm",), ("-wal", "-shm")], ids="".join)
def test_the_stack_keeps_what_was_saved_after_the_copies_were_made(home: Path, suffixes: tuple[str, ...]) -> None:
    url = f"sqlite:///{home}/store.db"
    env = {"TRADEWIRE_STORE_URL": url}
    events = [event_json() for _ in range(300)]
    with beanstalkd(home), query_api(home, **env), processor(home, "archive", **env):
        put(home, *events[:100])
        wait_archived(home, url, events[:100])
        assert can_be_queried(home)
        for suffix in suffixes:
            shutil.copy(home / f"store.db{suffix}", home / f"copy{suffix}")
        put(home, *events[100:200])
        wait_archived(home, url, events[:200])
        for suffix in suffixes:
            (home / f"copy{suffix}").replace(home / f"store.db{suffix}")
        can_be_queried(home)  # the API notices first, and opens the copies
        put(home, *events[200:])
        wait_until(lambda: unsettled_count(home) == 0, "all are archived")
        wait_until(lambda: can_be_queried(home), "queries are answered")
    assert archived_ids(url) == sorted(map(id_of, events))
    with closing(sqlite3.connect(home / "store.db")) as outsider:
        assert outsider.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert outsider.execute("SELECT value FROM counters WHERE name = 'archived'").fetchone() == (300,)
