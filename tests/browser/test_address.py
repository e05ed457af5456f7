"""The page at an address that the stack does not take for its own, behind a proxy that changes the host."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.support import free_port, get, require_program, wait_until
from tests.support import running as program

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.stack import Stack


def is_served(port: int) -> bool:
    """Return whether the page is served on a port."""
    try:
        return get(port, "/").status == 200
    except OSError:
        return False


def test_the_page_at_an_address_that_is_not_allowed_says_so_and_names_the_setting(
    running: Stack, chromium: Browser
) -> None:
    port = free_port()
    with TemporaryDirectory() as folder:
        config = Path(folder) / "nginx.conf"
        config.write_text(
            f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/log; events {{}}"
            f"http {{ access_log off; server {{ listen 127.0.0.1:{port}; location / {{"
            f"proxy_pass {running.url}; proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade;"
            f"proxy_set_header Connection upgrade; }} }} }}"
        )
        with program([require_program("nginx"), "-p", folder, "-c", config], Path(folder)):
            wait_until(lambda: is_served(port), "the proxy serves the page")
            page = chromium.new_context(viewport={"width": 1440, "height": 900}).new_page()
            page.goto(f"http://127.0.0.1:{port}/")
            expect(page.locator("#phase")).to_have_text("Address not allowed")
            expect(page.locator("#detail")).to_have_text("see TRADEWIRE_PUBLIC_URL")
            page.context.close()
