"""Exports: a truncated file never looks complete, and the number of concurrent exports is limited."""

from __future__ import annotations

import http.client
import socket
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import msgspec
import pytest

from api.app import create_app
from api.query import exports
from tests.integration.conftest import UnixConnection, call_query, query_api, wait_ok
from tests.integration.test_api_reading import fault_codes, fill_archive, make_events
from tests.support import audited, beanstalkd, wait_until
from tradewire.audit.trail import Trail
from tradewire.logging import setup
from tradewire.queue.memory import Broker, MemoryQueue
from tradewire.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

MESSAGES: Final = 12_000
"""Several pages. The first of them is larger than all buffers between the API and a client that does not read."""


@pytest.fixture
def filled(home: Path) -> Iterator[Path]:
    """Return the home directory of a running api-query whose archive holds many messages."""
    (home / "store").mkdir()
    fill_archive(home, f"sqlite:///{home}/store/tradewire.db", make_events(MESSAGES))
    with beanstalkd(home), query_api(home):
        yield home


@contextmanager
def export(home: Path, form: str) -> Iterator[http.client.HTTPResponse]:
    """Start an export and read only the headers of the response."""
    connection = UnixConnection(home / "sock/api-query.sock")
    connection.request("GET", f"/api/messages?format={form}")
    response = connection.getresponse()
    yield response
    response.close()
    connection.close()


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_a_complete_export_is_a_complete_http_response(filled: Path, form: str) -> None:
    assert call_query(filled, f"/api/messages?format={form}").body.count(b"\n") == MESSAGES + (form == "csv")


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_an_export_is_an_incomplete_response_if_the_store_fails_and_the_log_gives_the_reason(
    filled: Path, form: str
) -> None:
    with export(filled, form) as response:
        assert response.status == 200
        (filled / "store/tradewire.db").unlink()
        with pytest.raises(http.client.IncompleteRead) as caught:
            response.read()
    assert 0 < caught.value.partial.count(b"\n") < MESSAGES
    logs = "".join(log.read_text() for log in filled.glob("*.log"))
    assert 'event="export aborted"' in logs
    assert "tradewire.db" in logs


@pytest.mark.parametrize("query", ["", "&q=nothing-has-this"])
def test_an_export_has_a_time_limit_with_and_without_results(
    home: Path, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    (home / "store").mkdir()
    fill_archive(home, f"sqlite:///{home}/store/tradewire.db", make_events(MESSAGES))
    monkeypatch.setattr(exports, "_MAX_SECONDS", 0)
    app = create_app(Settings(home=home), lambda: MemoryQueue(Broker()), setup("api"))
    store = home / "store/tradewire.db"
    try:
        with socket.socket() as sock, pytest.raises(TimeoutError, match="the export took more than"):
            environ = {"gunicorn.socket": sock}
            app.test_client().get(f"/api/messages?format=ndjson{query}", environ_overrides=environ).get_data()
        assert is_open(store)
    finally:
        app.extensions["store"].close()
    assert not is_open(store)


def is_open(path: Path) -> bool:
    """Return whether this process has a file open."""
    return any(file.exists() and file.samefile(path) for file in Path("/proc/self/fd").iterdir())


def test_api_query_closes_the_archive_when_it_stops(home: Path) -> None:
    (home / "store").mkdir()
    fill_archive(home, f"sqlite:///{home}/store/tradewire.db", make_events(10))
    with query_api(home):
        assert len(call_query(home, "/api/messages").json["messages"]) == 10
        assert (home / "store/tradewire.db-wal").exists()
        wait_ok(home, "store")  # its first checks are over: a check under way could open the archive again
    assert not (home / "store/tradewire.db-wal").exists()


def test_concurrent_exports_are_limited_and_do_not_block_other_queries(filled: Path) -> None:
    with ExitStack() as exports_in_progress:
        for _ in range(4):
            assert exports_in_progress.enter_context(export(filled, "csv")).status == 200
        refused = call_query(filled, "/api/messages?format=csv")
        assert fault_codes(refused, 503) == {(None, "unavailable")}
        assert refused.headers["Retry-After"] == "1"
        assert call_query(filled, "/api/messages?format=csv", method="HEAD").status == 200
        assert len(call_query(filled, "/api/messages").json["messages"]) == 100
    wait_until(lambda: call_query(filled, "/api/messages?format=csv").status == 200, "a new export is accepted")


def test_an_export_is_recorded_with_its_filter_and_its_rows_and_names_no_user(filled: Path) -> None:
    user = msgspec.json.decode(call_query(filled, "/api/messages?limit=1").body)["messages"][0]["userId"]
    assert audited(filled) == []  # a page is no export
    for query in (f"format=ndjson&user={quote(user)}&from=EUR", f"format=csv&limit=3&q={quote(user)}"):
        assert call_query(filled, f"/api/messages?{query}", X_Forwarded_For="10.0.0.7").status == 200
    assert call_query(filled, "/api/messages?format=csv", method="HEAD").status == 200  # it has no rows
    wait_until(lambda: len(audited(filled)) == 4, "the end of each export is recorded")
    first, ended, second, limited = audited(filled, "messages-exported")
    assert (first["result"], ended["result"], ended["role"], ended["from"]) == ("begun", "done", "exporter", "10.0.0.7")
    pseudonym = Trail(filled / "audit/trail.jsonl", filled / "audit-key").pseudonym(user)
    assert first["details"] == {
        "format": "ndjson",
        "parameters": {"format": "ndjson", "user": pseudonym, "from": "EUR"},
    }
    assert ended["details"].keys() == {"format", "parameters", "rows"}
    assert second["details"]["parameters"] == {"format": "csv", "limit": "3", "q": pseudonym}
    assert limited["details"]["rows"] <= 3
    assert user not in (filled / "audit/trail.jsonl").read_text()


def test_an_export_that_the_client_breaks_off_is_recorded_as_failed(filled: Path) -> None:
    with export(filled, "csv") as response:
        response.read(1000)
    wait_until(lambda: len(audited(filled)) == 2, "the end of the export is recorded")
    failed = audited(filled)[1]
    assert failed["result"] == "failed"
    assert 0 < failed["details"]["rows"] < MESSAGES


def test_an_export_that_can_not_be_recorded_is_refused_and_pages_are_shown(filled: Path) -> None:
    (filled / "audit/trail.jsonl").mkdir(parents=True)
    response = call_query(filled, "/api/messages?format=csv")
    assert (response.status, response.json["errors"][0]["code"]) == (503, "unavailable")
    assert call_query(filled, "/api/messages").status == 200
