"""Pictures of the page for the README: a stack with an hour of the demo's trades behind it, and the demo going on."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
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
"""As long as the line of the rate is."""
_PICTURES: Final[dict[Literal["light", "dark"], Path]] = {
    "light": ROOT / "docs/page.png",
    "dark": ROOT / "docs/page-dark.png",
}


def main() -> None:
    """Take them."""
    home = Path(tempfile.mkdtemp(prefix="tw-pictures-", dir="/tmp"))
    home.chmod(0o755)
    (home / "sock/workers").mkdir(parents=True)
    with (
        stack(home, RATE_LIMIT="off", DEMO_RATE=str(RATE), DEMO_SEED=str(SEED)) as running,
        sync_playwright() as playwright,
    ):
        _as_the_parts_user(running)
        browser = playwright.chromium.launch(**launch_options())
        _take(running, browser)
        browser.close()
    shutil.rmtree(home)


def _take(running: Stack, browser: Browser) -> None:
    width, height = SIZE
    pages = {}
    for scheme in _PICTURES:
        # Still: a pulse that is half over tells nothing in a report.
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


def _as_the_parts_user(running: Stack) -> None:
    """Fill the archive in a process of the user that the database belongs to."""
    owner = (running.home / "sock").stat()
    as_root = os.geteuid() == 0
    subprocess.run(
        [sys.executable, "-m", "tests.browser.pictures", "fill", str(running.home)],
        cwd=running.home,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        check=True,
        user=owner.st_uid if as_root else None,
        group=owner.st_gid if as_root else None,
        extra_groups=[] if as_root else None,
    )


def _fill(home: Path) -> None:
    """Save what the demo would have posted so far, busier at some times than at others, as markets are."""
    with closing(StoreWriter(Settings(home=home).store, "pictures")) as store:
        store.migrate()
        store.save(list(_events(datetime.now(UTC))), [])


def _events(now: datetime) -> Iterator[event.TradeEvent]:
    moments = list(_moments(now))
    chance = Random(SEED)  # noqa: S311 - to be the same each time
    for moment, one in zip(moments, islice(demo.trades(SEED), len(moments)), strict=True):
        checked, _ = trade.decode(one.body(moment), moment)
        milliseconds = int(moment.timestamp() * 1000)
        event_id = f"{milliseconds >> 16:08x}-{milliseconds & 0xFFFF:04x}-7{chance.getrandbits(12):03x}"
        event_id += f"-8{chance.getrandbits(12):03x}-{chance.getrandbits(48):012x}"
        yield event.decode(event.encode(checked, event_id, moment))


def _moments(now: datetime) -> Iterator[datetime]:
    chance = Random(SEED)  # noqa: S311 - to be the same each time
    ago = MINUTES * 60.0
    while (ago := ago - chance.expovariate(RATE * (1 + 0.4 * math.sin(ago / 500) + 0.15 * math.sin(ago / 90)))) > 0:
        yield now - timedelta(seconds=ago)


if __name__ == "__main__":
    if sys.argv[1:2] == ["fill"]:
        _fill(Path(sys.argv[2]))
    else:
        main()
