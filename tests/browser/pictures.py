"""Takes the README's pictures, one of them moving.

The stack has an hour of demo trades in its archive, and the demo runs.
"""

from __future__ import annotations

import math
import shutil
import sys
import tempfile
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final, Literal

from playwright.sync_api import Browser, sync_playwright

from deploy import demo
from tests.browser.moving_picture import film
from tests.browser.past import run_as_owner
from tests.chromium import launch_options
from tests.stack import stack
from tests.support import ROOT
from tradewire import event, trade
from tradewire.settings import Settings
from tradewire.store.writing import StoreWriter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.stack import Stack

RATE: Final = 10
SEED: Final = 1
MINUTES: Final = 60
SIZE: Final = (1440, 900)
_LIVE_SECONDS: Final = 70
"""Fills the line chart of the rate."""
_PICTURES: Final[dict[Literal["light", "dark"], Path]] = {
    "light": ROOT / "docs/page.png",
    "dark": ROOT / "docs/page-dark.png",
}

_MOVING: Final = ROOT / "docs/page-moving.webp"


def main() -> None:
    """Take the pictures."""
    home = Path(tempfile.mkdtemp(prefix="tw-pictures-", dir="/tmp"))
    home.chmod(0o755)
    (home / "sock/workers").mkdir(parents=True)
    with (
        stack(home, RATE_LIMIT="off", DEMO_RATE=str(RATE), DEMO_SEED=str(SEED)) as running,
        sync_playwright() as playwright,
    ):
        run_as_owner(running, "tests.browser.pictures")
        browser = playwright.chromium.launch(**launch_options())
        _take(running, browser)
        browser.close()
    shutil.rmtree(home)


def _take(running: Stack, browser: Browser) -> None:
    width, height = SIZE
    pages = {}
    for scheme in _PICTURES:
        # Without animations: a half-finished pulse looks odd in a screenshot.
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce", locale="en"
        )
        pages[scheme] = context.new_page()
        pages[scheme].goto(running.url)
        pages[scheme].wait_for_selector('[data-testid="state"][data-state="live"]')
    running.supervisorctl("start", "demo")
    pages["dark"].wait_for_timeout(1000 * _LIVE_SECONDS)
    for scheme, page in pages.items():
        page.bring_to_front()
        page.wait_for_timeout(1000)
        page.screenshot(path=_PICTURES[scheme])
    pages["light"].bring_to_front()
    film(pages["light"], _MOVING)


def _fill(home: Path) -> None:
    """Save an hour of demo trades whose rate varies, as in a market."""
    with closing(StoreWriter(Settings(home=home).store, "pictures")) as store:
        store.migrate()
        store.save(list(_events(datetime.now(UTC))), [])


def _events(now: datetime) -> Iterator[event.TradeEvent]:
    times = list(_times(now))
    chance = Random(SEED)  # noqa: S311 - the same pictures each time
    for time, generated in zip(times, islice(demo.trades(SEED), len(times)), strict=True):
        checked, _ = trade.decode(generated.body(time), time)
        milliseconds = int(time.timestamp() * 1000)
        event_id = f"{milliseconds >> 16:08x}-{milliseconds & 0xFFFF:04x}-7{chance.getrandbits(12):03x}"
        event_id += f"-8{chance.getrandbits(12):03x}-{chance.getrandbits(48):012x}"
        yield event.decode(event.encode(checked, event_id, time))


def _times(now: datetime) -> Iterator[datetime]:
    chance = Random(SEED)  # noqa: S311 - the same pictures each time
    ago = MINUTES * 60.0
    while (ago := ago - chance.expovariate(RATE * (1 + 0.4 * math.sin(ago / 500) + 0.15 * math.sin(ago / 90)))) > 0:
        yield now - timedelta(seconds=ago)


if __name__ == "__main__":
    if sys.argv[1:]:
        _fill(Path(sys.argv[1]))
    else:
        main()
