"""What a page does while answers are on their way: they are held, and what moves is recorded."""

from __future__ import annotations

import re
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page, Route

ALL_ANSWERS = re.compile(r"/api/|/readyz")
SIZES = ((1440, 900), (1024, 768), (390, 844))
SHIFTS = """() => {
    window.shifts = [];
    new PerformanceObserver(list => {
        for (const { sources } of list.getEntries()) {
            for (const { node, previousRect, currentRect } of sources) {
                const [before, now] = [previousRect, currentRect].map(({ x, y, width, height }) =>
                    [x, y, width, height].join());
                const element = node?.nodeType === Node.TEXT_NODE ? node.parentElement : node;
                window.shifts.push(`${element?.outerHTML.slice(0, 80)}: ${before} -> ${now}`);
            }
        }
    }).observe({ type: "layout-shift" });
}"""
"""From now on, Chromium reports every visible element that moves without the user's doing. Before
that, a slow machine paints the first part of a page."""


@contextmanager
def held_answers(page: Page, pattern: re.Pattern[str] = ALL_ANSWERS) -> Iterator[None]:
    """Hold the API's answers within the block."""
    held: list[Route] = []
    is_open = threading.Event()

    def intercept(route: Route) -> None:
        if is_open.is_set():
            route.continue_()
        else:
            held.append(route)

    page.route(pattern, intercept)
    yield
    is_open.set()
    for route in held:
        route.continue_()
