"""Takes the README's moving picture: trades arrive, a pair is picked, and one trade is opened."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page

SIZE: Final = (1100, 720)
MAX_BYTES: Final = 1_000_000
_FRAME_MS: Final = 350
_SCENE_FRAMES: Final = 7


def film(page: Page, path: Path) -> None:
    """Save an animated WebP of a live page.

    Raises:
        RuntimeError: The file is larger than `MAX_BYTES`.
    """
    width, height = SIZE
    page.set_viewport_size({"width": width, "height": height})
    scenes: tuple[Callable[[], object], ...] = (
        lambda: page.mouse.move(0, 0),
        page.get_by_test_id("pairs").get_by_role("button", name="→").first.click,
        page.get_by_test_id("row").nth(2).click,
        lambda: page.keyboard.press("Escape"),
        page.get_by_test_id("clear").click,
    )
    frames = []
    for begin in scenes:
        begin()
        page.mouse.move(0, 0)
        for _ in range(_SCENE_FRAMES):
            page.wait_for_timeout(_FRAME_MS)
            frames.append(Image.open(io.BytesIO(page.screenshot())).convert("RGB"))
    first, *others = frames
    first.save(path, save_all=True, append_images=others, duration=_FRAME_MS, loop=0, quality=50, method=4)
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise RuntimeError(f"{path} has {size:,} bytes, more than {MAX_BYTES:,}: film fewer frames.")
