"""The page below a path of another host, through the nginx that docs/proxies.md shows."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import wait_live
from tests.browser.trades import post, row
from tests.stack import Stack, stack
from tests.support import ROOT, free_port, get, require_program, wait_until
from tests.support import running as program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

DOCS: Final = (ROOT / "docs/proxies.md").read_text()


class Proxied(NamedTuple):
    """A stack, and its URL below a path."""

    stack: Stack
    url: str


@pytest.fixture(scope="module")
def proxied() -> Iterator[Proxied]:
    """Run a stack behind the proxy of the docs."""
    home = Path(tempfile.mkdtemp(prefix="tw-", dir="/tmp"))
    home.chmod(0o755)
    (home / "sock/workers").mkdir(parents=True)
    port = free_port()
    url = f"http://127.0.0.1:{port}/tw"
    with stack(home, PUBLIC_URL=url) as started, tempfile.TemporaryDirectory() as folder:
        started.wait_ready()
        with program(proxy(Path(folder), started.port, port), Path(folder)):
            wait_until(lambda: is_served(port), "the proxy serves the page")
            yield Proxied(started, f"{url}/")
    shutil.rmtree(home, ignore_errors=True)


def proxy(folder: Path, stack_port: int, port: int) -> list[str | Path]:
    """Write the configuration of the docs without TLS, and return the command that runs it."""
    whole, locations, *_ = re.findall(r"^```nginx\n(.*?)^```", DOCS, re.MULTILINE | re.DOTALL)
    common = whole.partition("server {\n    listen")[0].replace("127.0.0.1:8080", f"127.0.0.1:{stack_port}")
    locations = locations.replace("$host", "$http_host")  # the page's port is not the scheme's own
    temporary = "".join(f"{kind}_temp_path {folder};" for kind in ("client_body", "proxy", "fastcgi", "scgi", "uwsgi"))
    config = folder / "nginx.conf"
    config.write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/log; events {{}}"
        f"http {{ access_log off; {temporary}\n{common} server {{ listen 127.0.0.1:{port};\n{locations} }} }}"
    )
    return [require_program("nginx"), "-p", folder, "-c", config]


def is_served(port: int) -> bool:
    """Return whether the page is served on a port."""
    try:
        return get(port, "/tw/").status == 200
    except OSError:
        return False


@pytest.fixture
def page(chromium: Browser, proxied: Proxied) -> Iterator[Page]:
    """Open an empty page. Fail the test if a request of the page leads elsewhere."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    yield page
    context.close()
    assert not [url for url in requested if not url.startswith(proxied.url)]


def test_a_trade_is_shown_live_and_its_link_leads_to_it(proxied: Proxied, page: Page) -> None:
    page.goto(proxied.url)
    wait_live(page)
    event_id = post(proxied.stack)
    row(page, event_id).click()
    trade = page.get_by_test_id("trade")
    expect(trade).to_contain_text(event_id)
    expect(page).to_have_url(f"{proxied.url}trade/{event_id}")
    api_link = page.locator("a.api")
    assert api_link.evaluate("link => link.href") == f"{proxied.url}api.html"
    page.reload()
    expect(trade).to_contain_text(event_id)
    expect(trade.get_by_text("archived", exact=False).first).to_be_visible()
    page.go_back()
    expect(trade).to_be_hidden()
    expect(page).to_have_url(proxied.url)
    assert api_link.evaluate("link => link.href") == f"{proxied.url}api.html"


def test_exports_and_the_reference_are_found_below_the_path(proxied: Proxied, page: Page) -> None:
    page.goto(proxied.url)
    wait_live(page)
    export = page.get_by_role("link", name="CSV").first.evaluate("link => link.href")
    assert export.startswith(f"{proxied.url}api/messages?format=csv")
    page.get_by_role("link", name="API").click()
    expect(page).to_have_url(f"{proxied.url}api.html")
    expect(page.get_by_test_id("api")).to_contain_text(f"{proxied.url}api/message")
    page.get_by_role("link", name="Tradewire").click()
    wait_live(page)


def test_the_page_for_unknown_addresses_leads_back_below_the_path(proxied: Proxied, page: Page) -> None:
    page.goto(f"{proxied.url}nowhere/at/all")
    page.get_by_role("link", name="the live page").click()
    expect(page).to_have_url(proxied.url)


def test_an_accepted_message_names_its_trace_relative_to_its_own_url(proxied: Proxied) -> None:
    event_id = post(proxied.stack)
    port = int(proxied.url.split(":")[2].split("/")[0])
    response = get(port, "/tw/api/openapi.json")
    assert response.json["servers"] == [{"url": proxied.url.removesuffix("/")}]
    wait_until(lambda: get(port, f"/tw/api/message/{event_id}").status == 200, "it is archived")
