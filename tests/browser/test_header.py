"""The line at the top: whatever it says, everything below it stays where it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.browser.conftest import wait_live

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.stack import Stack

STATES = [
    ("Live", "", "0 lost · checked 3 s ago"),
    ("Live", "catching up, 123,456 so far", "Checking…"),
    ("Stalled: 1,234,567 trades wait", "", "1,234 lost · checked 3 s ago"),
    ("Offline", "too many connections, retrying in 30 s", "0 lost · not checked for 59 min"),
    ("Offline", "server is restarting, retrying in 30 s", "1,234 lost · not checked for 59 min"),
    ("Address not allowed", "see TRADEWIRE_PUBLIC_URL", "Not checked: no answer"),
]
PAINT = """([phase, detail, verdict]) => {
  for (const [id, text] of Object.entries({ phase, detail, verdict })) {
    document.getElementById(id).textContent = text;
  }
  const box = (selector) => document.querySelector(selector).getBoundingClientRect();
  const right = Math.max(...["#phase", "#detail", "#verdict"].map((selector) => box(selector).right));
  const isCut = document.getElementById("detail").scrollWidth > document.getElementById("detail").clientWidth;
  return [box("main").top, right <= Math.max(box(".meters").left, box("nav").left), isCut];
}"""


def test_each_state_and_verdict_fits_and_moves_nothing(running: Stack, chromium: Browser) -> None:
    for width in (1920, 1440, 1280, 1024, 768):
        page = chromium.new_context(viewport={"width": width, "height": 900}).new_page()
        page.goto(running.url)
        wait_live(page)
        page.evaluate(  # a copy, which the page does not paint
            "() => { const header = document.querySelector('header'); header.replaceWith(header.cloneNode(true)); }"
        )
        top = page.evaluate(PAINT, STATES[0])[0]
        for state in STATES:
            assert page.evaluate(PAINT, state) == [top, True, False], (width, state)
        page.close()
