"""The helper that runs stacks for tests tells what it has seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.stack import Stack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest


def test_the_process_id_of_a_program_is_that_of_the_look_that_found_it_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def looks() -> Iterator[tuple[str, int | None]]:
        yield "STARTING", None
        yield "RUNNING", 7
        while True:
            yield "EXITED", None

    seen = looks()
    monkeypatch.setattr(Stack, "states", lambda _: {"nginx": next(seen)})
    assert Stack(tmp_path, 1).pid("nginx") == 7
