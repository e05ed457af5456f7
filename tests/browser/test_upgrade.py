"""deploy/up upgrades a home of the version before, with jobs waiting and a page open, and the copy leads back."""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import wait_live
from tests.old_home import facts
from tests.old_home.unpack import VERSION as OLD
from tests.old_home.unpack import OldHome, unpack
from tests.stack import Stack, is_settled
from tests.support import ASK_SECONDS, audited, example, free_port, require_program, wait_until
from tradewire.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page, Route, WebSocketRoute

YEAR_SECONDS = str(10**7)
TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
USERS = sorted([*facts.ARCHIVED, *facts.WAITING])


@pytest.fixture
def old() -> Iterator[OldHome]:
    """Unpack an old home."""
    for program in ("nginx", "beanstalkd", "setpriv"):
        require_program(program)
    folder = Path(tempfile.mkdtemp(prefix="tw-", dir="/tmp"))
    folder.chmod(0o755)
    yield unpack(folder)
    shutil.rmtree(folder)


@contextmanager
def ended(home: Path) -> Iterator[Stack]:
    """Give a stack in a home that does not run yet. End it after the block."""
    found = Stack(home, free_port(), {"TRADEWIRE_RATE_LIMIT": "off", "TRADEWIRE_LIVE_MAX_AGE_SECONDS": YEAR_SECONDS})
    try:
        yield found
    finally:
        assert found.deploy("down").returncode == 0
        assert not found.processes()


def digests(home: Path) -> dict[str, tuple[str, int, int]]:
    """Return the SHA-256, the owner and the mode of each file below a home that the next start needs."""
    found = {}
    for path in sorted(home.rglob("*")):
        name = path.relative_to(home)
        if name.parts[0] not in {"log", "run", "tmp", "sock", "metrics", "acme", "copies"} and path.is_file():
            state = path.lstat()
            found[str(name)] = hashlib.sha256(path.read_bytes()).hexdigest(), state.st_uid, state.st_mode
    return found


def open_old_page(chromium: Browser, old: OldHome, stack: Stack) -> tuple[Page, list[str], list[WebSocketRoute]]:
    """Open the page of the old version, as its server served it. Return the page, and the feeds that it connects to.

    The first feed is that of the old version, which has shown the archived trades. The others are the stack's.
    """
    # Chromium takes a page that a test serves for one of the internet, which must ask before it connects to loopback.
    permissions = ["local-network-access"]
    page = chromium.new_context(viewport={"width": 1440, "height": 900}, permissions=permissions).new_page()
    urls: list[str] = []
    feeds: list[WebSocketRoute] = []

    def serve(route: Route) -> None:
        path = old.page / (route.request.url.removeprefix(stack.url).partition("?")[0] or "index.html")
        if path.is_file():
            route.fulfill(path=path, content_type=TYPES[path.suffix])
        else:
            route.continue_()

    def feed(socket: WebSocketRoute) -> None:
        urls.append(socket.url)
        feeds.append(socket)
        if len(urls) == 1:
            for frame in old.frames:
                socket.send(frame)
        else:
            socket.connect_to_server()

    page.route(f"{stack.url}**", serve)
    page.route_web_socket(re.compile("/ws"), feed)
    page.goto(f"{stack.url}?window=all")
    wait_live(page)
    return page, urls, feeds


def listed(stack: Stack) -> list[str]:
    """Return the user of each archived message, sorted."""
    return sorted(message["userId"] for message in stack.get("/api/messages?limit=500").json["messages"])


def ledger(stack: Stack) -> dict[str, object]:
    """Wait until nothing is on its way. Return what the ledger says."""

    def settled() -> dict[str, object] | None:
        found: dict[str, object] = stack.get("/api/ledger").json
        return found if is_settled(found) else None

    return wait_until(settled, stack.logs, pause_seconds=ASK_SECONDS)


def test_a_home_of_the_version_before_is_upgraded_with_jobs_waiting_and_a_page_open_and_the_copy_leads_back(
    old: OldHome, chromium: Browser
) -> None:
    before = digests(old.home)
    with ended(old.home) as stack:
        page, urls, [feed] = open_old_page(chromium, old, stack)
        count, table = page.get_by_test_id("count"), page.get_by_test_id("table")
        expect(count).to_have_attribute("data-value", str(len(facts.ARCHIVED)))

        # The upgrade: the old server goes away, and the new one comes.
        feed.close(code=1012)
        up = stack.begin("up")
        while up.poll() is None:
            page.wait_for_timeout(100)  # so that the page's requests go on
        said, warned = up.communicate()
        assert up.returncode == 0, said + warned + stack.logs()
        assert f"Upgrading {old.home} from Tradewire {OLD} to {VERSION} …" in said
        [copy] = (old.home / "copies").iterdir()
        assert re.fullmatch(rf"{OLD}-\d{{8}}T\d{{6}}Z", copy.name)
        assert digests(copy) == before
        assert (old.home / "version").read_text() == f"{VERSION}\n"

        # What waited is shown and archived, each once, and nothing that was there is lost.
        wait_live(page)
        epoch = re.search('"epoch":"([^"]+)"', old.frames[0])
        assert epoch
        assert urls[1].endswith(f"/ws?epoch={epoch[1]}&offset={len(facts.ARCHIVED)}")
        expect(count).to_have_attribute("data-value", str(len(USERS)))
        found = ledger(stack)
        assert listed(stack) == USERS
        assert (found["status"], found["accepted"], found["losses"]) == ("balanced", len(USERS), [])
        tubes = found["tubes"]
        assert isinstance(tubes, dict)
        assert (tubes["live"]["shown"], tubes["archive"]["archived"]) == (len(USERS), len(USERS))
        assert tubes["archive"]["deadLetters"] == 1
        retry = stack.post(example(userId=facts.WAITING[0]), Idempotency_Key=facts.WAITING[0])
        assert retry.status == 201
        assert stack.post(example(userId="new")).status == 201
        expect(count).to_have_attribute("data-value", str(len(USERS) + 1))
        ledger(stack)
        assert listed(stack) == sorted([*USERS, "new"])
        expect(table).to_have_attribute("aria-rowcount", str(len(USERS) + 3))  # with header and footer
        assert facts.KEY in stack.deploy("key", "list").stdout
        assert facts.USER in stack.deploy("user", "list").stdout
        assert [record["result"] for record in audited(old.home, "upgraded")] == ["begun", "done"]

    # The way back, as docs/operations.md says.
    newer = old.home.with_name("newer")
    old.home.rename(newer)
    (newer / "copies" / copy.name).rename(old.home)
    assert digests(old.home) == before
    with ended(old.home) as stack:
        stack.up()
        wait_until(lambda: listed(stack) == USERS, stack.logs, pause_seconds=ASK_SECONDS)  # no page is open
