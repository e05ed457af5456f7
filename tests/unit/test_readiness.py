"""A stack is ready when each of its addresses says so."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from deploy import readiness
from tests.support import free_port
from tradewire.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def answering(status: int) -> Iterator[str]:
    """Answer each request with a status, and give the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every program for running: no supervisord is there to say so."""
    monkeypatch.setattr(readiness, "_not_running", lambda _: {})


@pytest.mark.usefixtures("running")
@pytest.mark.parametrize(
    ("statuses", "is_ready"), [((200,), True), ((200, 200), True), ((200, 503), False), ((503, 200), False)]
)
def test_a_stack_is_ready_when_each_of_its_addresses_says_so(
    home: Path, statuses: tuple[int, ...], *, is_ready: bool
) -> None:
    with ExitStack() as servers:
        listen = tuple(servers.enter_context(answering(status)) for status in statuses)
        assert readiness.is_ready(Settings(home=home, listen=listen)) is is_ready


@pytest.mark.usefixtures("running")
def test_a_stack_is_not_ready_while_one_of_its_addresses_does_not_answer_and_the_report_names_it(home: Path) -> None:
    silent = f"127.0.0.1:{free_port()}"
    with answering(200) as address:
        settings = Settings(home=home, listen=(address, silent))
        assert not readiness.is_ready(settings)
        first, second, *_ = readiness.report(settings)
    assert first == f"GET http://{address}/readyz: 200 "
    assert second.startswith(f"GET http://{silent}/readyz: ")
    assert "refused" in second
