"""A stack with the consumer of the package `user-files`, which the tests install beside it."""

from __future__ import annotations

import shutil
import tomllib
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.integration.conftest import Browser, ingest_api, post, processor, query_api, reconciler
from tests.integration.test_ledger import settled_ledger
from tests.support import ROOT, beanstalkd, example, wsserver
from tradewire import metrics

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(__file__).parent / "consumers/user-files"
NAME = "user-files"


def install(home: Path) -> dict[str, str]:
    """Install the package beside a stack, and return the environment that enables its consumer.

    `pip install` would do the same, but needs a network to build the package.
    """
    site, project = home / "site", tomllib.loads((PACKAGE / "pyproject.toml").read_text())
    shutil.copytree(PACKAGE, site, ignore=shutil.ignore_patterns("*.toml", "__pycache__"))
    [(group, entries)] = project["project"]["entry-points"].items()
    info = site / "tradewire_user_files-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tradewire-user-files\nVersion: 1.0\n")
    lines = [f"{name} = {value}\n" for name, value in entries.items()]
    (info / "entry_points.txt").write_text(f"[{group}]\n{''.join(lines)}")
    for folder in ("users", "store", "metrics"):
        (home / folder).mkdir()
    (home / "operator-token").write_text("secret")
    return {
        "PYTHONPATH": f"{ROOT}:{site}",
        "TRADEWIRE_CONSUMERS": f"live,archive,{NAME}",
        "TRADEWIRE_USER_FILES_FOLDER": str(home / "users"),
        metrics.FOLDER_VARIABLE: str(home / "metrics"),
    }


@contextmanager
def stack(home: Path, env: dict[str, str]) -> Iterator[Browser]:
    """Run all programs but the new consumer's processor, with a browser."""
    with ExitStack() as programs:
        for program in (
            beanstalkd(home),
            wsserver(home, **env),
            ingest_api(home, **env),
            query_api(home, **env),
            processor(home, "live", **env),
            processor(home, "archive", **env),
            reconciler(home, **env),
        ):
            programs.enter_context(program)
        yield programs.enter_context(Browser(home))


def post_for(home: Path, user: str) -> str:
    """Post a message of a user and return its id."""
    response = post(home, example(userId=user))
    assert response.status == 201
    return str(response.json["id"])


def files(home: Path) -> set[str]:
    """Return the names of all delivered files."""
    return {str(path.relative_to(home / "users")) for path in (home / "users").glob("*/*.json")}


def account(home: Path) -> dict[str, Any]:
    """Return the consumer's account once the ledger has settled."""
    ledger = settled_ledger(home)
    assert ledger["status"] == "balanced"
    counts: dict[str, Any] = ledger["tubes"][NAME]
    return counts
