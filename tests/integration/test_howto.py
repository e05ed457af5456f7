"""The how-to pages are right: each step is followed to the letter, in a copy of the sources."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tests.integration.test_store_writing import make_event
from tests.support import EXAMPLE, ROOT
from tradewire.store.writing import StoreWriter

if TYPE_CHECKING:
    from pathlib import Path

ADD_A_FIELD = (ROOT / "docs/howto/add-a-field.md").read_text()
END_OF_DECLARATION = "\n\n\ndef declared_fields("
VERSIONS = "tradewire/store/migrations/versions"
MIGRATIONS = sorted(path.name for path in (ROOT / VERSIONS).glob("[0-9]*.py"))
FIELD_FILES = {
    "tradewire/fields.py",
    f"{VERSIONS}/{len(MIGRATIONS) + 1:04}_add_the_column_channel.py",
    "web/src/trade/fields.ts",
}
MESSAGES = [EXAMPLE | {"channel": " +phone"}, EXAMPLE, EXAMPLE | {"channel": "x" * 17}]
USE_THE_FIELD = """
import socket, sys, msgspec
from datetime import UTC, datetime
from pathlib import Path
from api.app import create_app
from api.ingest import batch
from tradewire import event
from tradewire.logging import setup
from tradewire.queue.memory import Broker, MemoryQueue
from tradewire.settings import Settings
from tradewire.store.writing import StoreWriter

home, url = sys.argv[1:]
checked = batch.check(sys.stdin.buffer.read(), "key", datetime.now(UTC))
writer = StoreWriter(url, "one")
writer.migrate()
writer.save([event.decode(line) for line in checked.events], [])
writer.close()
settings = Settings(home=Path(home), store_url=url)
client = create_app(settings, lambda: MemoryQueue(Broker()), setup("api")).test_client()
with socket.socket() as sock:
    environ = {"gunicorn.socket": sock}
    answers = {
        "faults": [[fault.field, fault.code] for fault in checked.refused[2]],
        "ids": checked.ids,
        "events": checked.events,
        "csv": client.get("/api/messages?format=csv", environ_overrides=environ).text,
        "found": client.get("/api/messages?channel=%2Bphone&format=ndjson", environ_overrides=environ).text,
        "refused": client.get("/api/messages?channel=").json,
        "document": client.get("/api/openapi.json").json,
    }
sys.stdout.buffer.write(msgspec.json.encode(answers))
"""


def code_blocks(page: str, language: str) -> list[str]:
    """Return the blocks of code in a page's steps, without the indentation of the step."""
    blocks = re.findall(rf"^   ```{language}\n(.*?)^   ```", page, re.MULTILINE | re.DOTALL)
    return ["".join(line.removeprefix("   ") for line in block.splitlines(keepends=True)) for block in blocks]


def run(tree: Path, *command: str, stdin: bytes = b"") -> bytes:
    """Run a command of this Python in a copy of the sources, and return its output."""
    result = subprocess.run([sys.executable, *command], cwd=tree, input=stdin, capture_output=True, check=False)
    assert result.returncode == 0, result.stderr.decode()
    return result.stdout


def contents(tree: Path) -> dict[str, bytes]:
    caches = {"__pycache__", ".ruff_cache"}
    files = (path for path in tree.rglob("*") if path.is_file() and not caches & set(path.parts))
    return {path.relative_to(tree).as_posix(): path.read_bytes() for path in files}


@pytest.fixture
def sources(home: Path) -> Path:
    """Return a copy of the sources that declare, generate and use the fields of a trade."""
    tree = home / "sources"
    for folder in ("api", "tradewire", "web/src/trade"):
        shutil.copytree(ROOT / folder, tree / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (tree / "tests").mkdir()
    shutil.copy(ROOT / "tests/generate_fields.py", tree / "tests")
    shutil.copy(ROOT / "pyproject.toml", tree)  # ruff's settings
    return tree


def add_the_field(tree: Path) -> None:
    """Follow the page that says how to add a field."""
    declaration = tree / "tradewire/fields.py"
    (field,) = code_blocks(ADD_A_FIELD, "python")
    assert declaration.read_text().count(END_OF_DECLARATION) == 1
    declaration.write_text(
        declaration.read_text().replace(END_OF_DECLARATION, f"\n{field.rstrip()}{END_OF_DECLARATION}")
    )
    commands, _ = code_blocks(ADD_A_FIELD, "sh")
    for command in commands.splitlines():
        program, *arguments = re.findall(r'"[^"]*"|\S+', command)
        assert program == ".venv/bin/python"
        run(tree, *(argument.strip('"') for argument in arguments))


def use_the_field(tree: Path, home: Path, store_url: str) -> dict[str, Any]:
    """Post messages with and without the field, archive and read them, with the changed sources."""
    output = run(tree, "-c", USE_THE_FIELD, str(home), store_url, stdin=msgspec.json.encode(MESSAGES))
    answers: dict[str, Any] = msgspec.json.decode(output)
    return answers


def test_a_field_is_added_with_three_files(sources: Path) -> None:
    before = contents(sources)
    add_the_field(sources)
    after = contents(sources)
    assert {path for path in after if after[path] != before.get(path)} == FIELD_FILES
    ruff = [sys.executable, "-m", "ruff"]
    for command in (["check", "."], ["format", "--check", "."]):
        assert subprocess.run([*ruff, *command], cwd=sources, check=False).returncode == 0


def test_an_added_field_is_checked_archived_exported_filtered_and_described(
    sources: Path, home: Path, store_url: str
) -> None:
    with closing(StoreWriter(store_url, "one")) as store:
        store.migrate()
        store.save([make_event(1)], [])
    add_the_field(sources)
    answers = use_the_field(sources, home, store_url)
    with_channel, without, refused = answers["ids"]

    assert (answers["faults"], refused) == ([["channel", "too-long"]], None)
    header, *rows = [line.split(",") for line in answers["csv"].removeprefix("\ufeff").splitlines()]
    assert header[-3:] == ["flags", "producer", "channel"]
    assert sorted((row[0], row[-1]) for row in rows) == sorted(
        [(with_channel, "'+phone"), (without, ""), (make_event(1).id, "")]
    )
    (found,) = [msgspec.json.decode(line) for line in answers["found"].splitlines()]
    assert (found["id"], found["channel"]) == (with_channel, "+phone")
    assert answers["refused"]["errors"] == [{"field": "channel", "code": "empty", "detail": "channel is empty."}]
    schemas = answers["document"]["components"]["schemas"]
    assert "channel" in schemas["Trade"]["properties"]
    assert "channel" not in schemas["Trade"]["required"]
    assert "channel" in schemas["TradeEvent"]["properties"]
    assert "channel" not in schemas["TradeEvent"]["required"]


def test_an_absent_field_changes_neither_the_event_nor_its_keyed_id(sources: Path, home: Path) -> None:
    url = f"sqlite:///{home}/store.db"
    add_the_field(sources)
    after = use_the_field(sources, home, url)
    identical = msgspec.json.encode([{}, EXAMPLE])
    script = "import sys; from datetime import UTC, datetime; from api.ingest import batch; "
    script += "print(batch.check(sys.stdin.buffer.read(), 'key', datetime.now(UTC)).ids[1])"
    assert run(ROOT, "-c", script, stdin=identical).decode().strip() == after["ids"][1]
    assert after["ids"][0] != after["ids"][1]
    assert b'"channel"' not in msgspec.json.encode(after["events"][1])
