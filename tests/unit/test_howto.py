"""The how-to pages: their examples are valid, and the index lists them all."""

from __future__ import annotations

import ast
import re
import textwrap
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import ROOT

if TYPE_CHECKING:
    from tradewire.queue.engine import Engine

FOLDER = ROOT / "docs/howto"
PAGES = {path.name: path.read_text() for path in sorted(FOLDER.glob("add-*.md"))}


def examples(page: str, language: str) -> list[str]:
    """Return the code blocks of a page in one language, without their indentation."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```", PAGES[page], re.MULTILINE | re.DOTALL)
    return [textwrap.dedent(code) for code in blocks]


def test_the_index_lists_each_page() -> None:
    listed = re.findall(r"\]\(([\w-]+\.md)\)", (FOLDER / "README.md").read_text())
    assert sorted(listed) == sorted(PAGES)


@pytest.mark.parametrize("page", PAGES)
def test_each_example_in_python_is_valid_syntax(page: str) -> None:
    for code in examples(page, "python"):
        ast.parse(code, page)


def test_the_example_of_an_engine_is_complete() -> None:
    names: dict[str, Any] = {"__name__": "example"}
    exec(examples("add-a-queue-engine.md", "python")[0], names)  # noqa: S102 - our own example
    engine: Engine = names["RedisEngine"]()
    engine.check_url("redis://queue:6379")
    with pytest.raises(ValueError, match=engine.url_forms):
        engine.check_url("redis://queue")
    assert {"storage", "faults"} <= set(vars(type(engine)))
