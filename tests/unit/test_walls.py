"""The walls between the parts: who imports whom, who reads the environment, and that imports do nothing."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import ROOT

SERVICES = ("api", "processor", "wsserver")
PACKAGES = ("tradewire", *SERVICES)
SOURCES = sorted(
    path.relative_to(ROOT) for folder in (*PACKAGES, "deploy", "tests") for path in (ROOT / folder).rglob("*.py")
)
OUR_CODE = [path for path in SOURCES if path.parts[0] in PACKAGES]
MODULES = [
    ".".join(path.with_suffix("").parts).removesuffix(".__init__")
    for path in OUR_CODE
    if "migrations" not in path.parts  # loaded by Alembic, and by nobody else
]
LINES_MAX = 300


def imports(path: Path) -> set[str]:
    """Give the names of all modules that a file imports anywhere in it, those for types alone too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / path).read_bytes())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} imports by a relative name"
            found.add(node.module or "")
    return found


def importers(*libraries: str) -> set[str]:
    """Give the files of ours that import one of the libraries."""
    return {path.as_posix() for path in OUR_CODE if any(module.split(".")[0] in libraries for module in imports(path))}


def reads_environment(path: Path) -> bool:
    """Tell whether a file names os.environ, os.getenv or the like."""
    for node in ast.walk(ast.parse((ROOT / path).read_bytes())):
        if isinstance(node, ast.Attribute) and node.attr in {
            "environ",
            "environb",
            "getenv",
            "getenvb",
            "putenv",
        }:
            if isinstance(node.value, ast.Name) and node.value.id == "os":
                return True
        elif isinstance(node, ast.ImportFrom) and node.module == "os":
            return True
    return False


def test_the_files_that_these_tests_look_at_are_found() -> None:
    assert {path.parts[0] for path in SOURCES} >= {*PACKAGES, "deploy", "tests"}
    assert "tradewire/trade.py" in {path.as_posix() for path in OUR_CODE}
    assert "wsserver.__main__" in MODULES


@pytest.mark.parametrize("path", OUR_CODE, ids=str)
def test_a_service_imports_no_other_and_what_is_shared_imports_none(path: Path) -> None:
    strangers = {*SERVICES, "tests", "deploy"} - {path.parts[0]}
    assert {module for module in imports(path) if module.split(".")[0] in strangers} == set()


def test_only_the_api_knows_of_http_frameworks() -> None:
    assert {Path(file).parts[0] for file in importers("flask", "werkzeug")} == {"api"}


def test_only_the_beanstalk_engine_knows_of_greenstalk() -> None:
    engine = "tradewire/queue/beanstalk"
    assert {file for file in importers("greenstalk") if not file.startswith((f"{engine}.py", f"{engine}/"))} == set()
    assert importers("greenstalk")


def test_only_the_store_knows_of_databases() -> None:
    assert {Path(file).parts[:2] for file in importers("sqlalchemy", "alembic", "psycopg", "sqlite3")} == {
        ("tradewire", "store")
    }


def test_only_entry_points_read_the_environment() -> None:
    readers = {path.as_posix() for path in OUR_CODE if reads_environment(path)}
    assert readers == {"api/wsgi.py", "processor/__main__.py", "wsserver/__main__.py"}


def test_no_file_is_longer_than_300_lines() -> None:
    pages = [path.relative_to(ROOT) for folder in ("src", "test") for path in (ROOT / "web" / folder).rglob("*.ts")]
    ours = [path for path in SOURCES if path.parts[0] != "tests"]  # a test file is a list, not one idea
    lengths = {path.as_posix(): len((ROOT / path).read_text().splitlines()) for path in [*ours, *pages]}
    assert {path: length for path, length in lengths.items() if length > LINES_MAX} == {}


def test_importing_every_module_touches_no_socket_writes_no_file_and_starts_nothing(tmp_path: Path) -> None:
    program = f"""
import os, sys

def forbid(event, arguments):
    if event.startswith(("socket.", "subprocess.", "os.system", "os.exec", "os.fork", "os.posix_spawn")):
        raise AssertionError(f"{{event}} at import: {{arguments}}")
    writes = os.O_WRONLY | os.O_RDWR | os.O_CREAT
    if event == "open" and isinstance(arguments[2], int) and arguments[2] & writes:
        raise AssertionError(f"{{event}} to write at import: {{arguments}}")

sys.addaudithook(forbid)
for name in {MODULES!r}:
    __import__(name)
"""
    environ = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "TRADEWIRE_HOME": str(tmp_path)}
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []
