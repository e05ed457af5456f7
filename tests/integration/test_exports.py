"""Exports that are cut off, and too many of them: a file that is not whole is never taken for one that is."""

from __future__ import annotations

import http.client
import socket
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final

import pytest

from api.app import create_app
from api.query import exports
from tests.integration.conftest import UnixConnection, ask, reads
from tests.integration.test_api_reading import codes, fill, made
from tests.support import beanstalkd, wait_until
from tradewire.logging import setup
from tradewire.queue.memory import Broker, MemoryQueue
from tradewire.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MESSAGES: Final = 12_000
"""Several pages, the first of which is more than fits between the API and who reads nothing."""


@pytest.fixture
def filled(home: Path) -> Iterator[Path]:
    """Give the home of an API that runs, and its archive holds many messages."""
    (home / "store").mkdir()
    fill(home, f"sqlite:///{home}/store/tradewire.db", made(MESSAGES))
    with beanstalkd(home), reads(home):
        yield home


@contextmanager
def export(home: Path, form: str) -> Iterator[http.client.HTTPResponse]:
    """Begin an export, and read nothing of it yet."""
    connection = UnixConnection(home / "sock/api-query.sock")
    connection.request("GET", f"/api/messages?format={form}")
    response = connection.getresponse()
    yield response
    response.close()
    connection.close()


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_a_whole_export_ends_as_http_says(filled: Path, form: str) -> None:
    assert ask(filled, f"/api/messages?format={form}").body.count(b"\n") == MESSAGES + (form == "csv")


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_an_export_whose_store_fails_ends_visibly_broken_and_the_log_says_why(filled: Path, form: str) -> None:
    with export(filled, form) as response:
        assert response.status == 200
        (filled / "store/tradewire.db").unlink()
        with pytest.raises(http.client.IncompleteRead) as caught:
            response.read()
    assert 0 < caught.value.partial.count(b"\n") < MESSAGES
    logs = "".join(log.read_text() for log in filled.glob("*.log"))
    assert 'event="export aborted"' in logs
    assert "tradewire.db" in logs


@pytest.mark.parametrize("question", ["", "&q=nothing-has-this"])
def test_an_export_has_an_end_whether_it_finds_anything_or_not(
    home: Path, monkeypatch: pytest.MonkeyPatch, question: str
) -> None:
    (home / "store").mkdir()
    fill(home, f"sqlite:///{home}/store/tradewire.db", made(MESSAGES))
    monkeypatch.setattr(exports, "_MAX_SECONDS", 0)
    app = create_app(Settings(home=home), lambda: MemoryQueue(Broker()), setup("api"))
    with socket.socket() as sock, pytest.raises(TimeoutError, match="the export took more than"):
        environ = {"gunicorn.socket": sock}
        app.test_client().get(f"/api/messages?format=ndjson{question}", environ_overrides=environ).get_data()


def test_there_are_only_so_many_exports_at_a_time_and_questions_are_answered_meanwhile(filled: Path) -> None:
    with ExitStack() as held:
        for _ in range(4):
            assert held.enter_context(export(filled, "csv")).status == 200
        refused = ask(filled, "/api/messages?format=csv")
        assert codes(refused, 503) == {(None, "unavailable")}
        assert refused.headers["Retry-After"] == "1"
        assert ask(filled, "/api/messages?format=csv", method="HEAD").status == 200
        assert len(ask(filled, "/api/messages").json["messages"]) == 100
    wait_until(lambda: ask(filled, "/api/messages?format=csv").status == 200, "an export is possible again")
