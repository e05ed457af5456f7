"""The walls between packages: which may import which, which may read the environment, and that imports do nothing."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

SERVICES = ("api", "processor", "wsserver")
PACKAGES = ("tradewire", *SERVICES)
SOURCES = sorted(
    path.relative_to(ROOT) for folder in (*PACKAGES, "deploy", "tests") for path in (ROOT / folder).rglob("*.py")
)
OUR_CODE = [path for path in SOURCES if path.parts[0] in PACKAGES]
API_CODE = [path for path in OUR_CODE if path.parts[0] == "api"]


def module_name(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


FILES = {module_name(path): path for path in SOURCES}
MODULES = [module_name(path) for path in OUR_CODE if "migrations" not in path.parts]  # only Alembic loads those
PAGE_CODE = [path.relative_to(ROOT) for path in sorted((ROOT / "web/src").rglob("*.ts"))]
MAX_LINES = 300
FACTORY = Path("tradewire/queue/factory.py")
QUEUE_MODULES = {"dead_letter", "engine", "factory", "tube_bytes"}
"""The modules of tradewire.queue that belong to no engine."""

API_ROOMS: dict[str, set[str]] = {
    "__init__": set(),
    "http": set(),
    "access": {"http"},
    "ingest": {"http"},
    "query": {"http"},
    "operations": {"http"},
    "openapi": {"http", "access", "ingest", "query", "operations"},
    "app": {"http", "access", "ingest", "query", "operations", "openapi"},
    "wsgi": {"app", "http"},
}
"""The API's folders and top-level files, and the rooms that each may import besides itself."""


def api_room(parts: Sequence[str]) -> str:
    """Return the room of a file or module of the API, given the parts of its path or name."""
    return parts[1].removesuffix(".py") if len(parts) > 1 else "__init__"


def imports(path: Path) -> set[str]:
    """Return the modules that a file imports anywhere, including those for type checking only."""
    modules: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / path).read_bytes())):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} has a relative import"
            package = node.module or ""
            names = [f"{package}.{alias.name}" for alias in node.names]
            modules |= {name if name in FILES else package for name in names}
    return modules


def importers(*libraries: str) -> set[str]:
    """Return our files that import one of the libraries."""
    return {path.as_posix() for path in OUR_CODE if any(module.split(".")[0] in libraries for module in imports(path))}


def reads_environment(path: Path) -> bool:
    """Return True if a file uses os.environ, os.getenv or the like."""
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


def test_these_tests_find_the_source_files() -> None:
    assert {path.parts[0] for path in SOURCES} >= {*PACKAGES, "deploy", "tests"}
    assert "tradewire/trade.py" in {path.as_posix() for path in OUR_CODE}
    assert "wsserver.__main__" in MODULES


@pytest.mark.parametrize("path", OUR_CODE, ids=str)
def test_a_service_imports_no_other_service_and_tradewire_imports_none(path: Path) -> None:
    forbidden = {*SERVICES, "tests", "deploy"} - {path.parts[0]}
    assert {module for module in imports(path) if module.split(".")[0] in forbidden} == set()


def test_every_file_of_the_api_belongs_to_a_room() -> None:
    assert {api_room(path.parts) for path in API_CODE} == API_ROOMS.keys()


@pytest.mark.parametrize("path", API_CODE, ids=str)
def test_a_room_of_the_api_imports_only_itself_and_the_rooms_that_it_may(path: Path) -> None:
    room = api_room(path.parts)
    imported = {api_room(module.split(".")) for module in imports(path) if module.split(".")[0] == "api"}
    assert imported <= {room, *API_ROOMS[room]}


def test_no_modules_import_each_other_in_a_cycle() -> None:
    try:
        TopologicalSorter({module: imports(path) for module, path in FILES.items()}).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


def test_only_the_api_imports_http_frameworks() -> None:
    assert {Path(file).parts[0] for file in importers("flask", "werkzeug")} == {"api"}


def engine_of(module: str) -> str:
    """Return the name of the queue's engine that a module belongs to. Empty if it belongs to none."""
    name = module.removeprefix("tradewire.queue.").partition(".")[0]
    return "" if name == module.partition(".")[0] or name in QUEUE_MODULES else name


@pytest.mark.parametrize("path", OUR_CODE, ids=str)
def test_only_the_factory_imports_an_engine_of_the_queue(path: Path) -> None:
    imported = {engine for module in imports(path) if (engine := engine_of(module))}
    if path != FACTORY:
        assert imported <= {engine_of(module_name(path))}


def test_the_factory_imports_engines() -> None:
    assert "beanstalk" in {engine_of(module) for module in imports(FACTORY)}


def test_only_the_beanstalk_engine_imports_greenstalk() -> None:
    assert {Path(file).parent.as_posix() for file in importers("greenstalk")} == {"tradewire/queue/beanstalk"}


@pytest.mark.parametrize("path", [*OUR_CODE, *PAGE_CODE], ids=str)
def test_only_the_beanstalk_engine_speaks_of_beanstalkd_its_log_and_its_bury(path: Path) -> None:
    text = (ROOT / path).read_text()
    if path.parts[:3] != ("tradewire", "queue", "beanstalk"):
        words = r"beanstalkd|greenstalk|\bbur(?:y|ied)\b|\bbinlog\b|\bqueue's log\b"
        assert re.findall(words, text, re.IGNORECASE) == []


def test_only_the_rabbit_engine_imports_amqp() -> None:
    assert {Path(file).parent.as_posix() for file in importers("amqp", "vine")} == {"tradewire/queue/rabbit"}


def test_only_one_module_connects_to_unix_sockets() -> None:
    assert [path.as_posix() for path in OUR_CODE if "AF_UNIX" in (ROOT / path).read_text()] == [
        "tradewire/unix_socket.py"
    ]


def test_only_the_store_imports_database_libraries() -> None:
    assert {Path(file).parts[:2] for file in importers("sqlalchemy", "alembic", "psycopg", "sqlite3")} == {
        ("tradewire", "store")
    }


def test_only_entry_points_read_the_environment() -> None:
    readers = {path.as_posix() for path in OUR_CODE if reads_environment(path)}
    assert readers == {
        "api/wsgi.py",
        "processor/__main__.py",
        "processor/keeper.py",
        "processor/leftover.py",
        "processor/reconciler.py",
        "tradewire/backup/__main__.py",
        "tradewire/store/migrate.py",
        "wsserver/__main__.py",
    }


def test_no_file_is_longer_than_300_lines() -> None:
    pages = [path.relative_to(ROOT) for folder in ("src", "test") for path in (ROOT / "web" / folder).rglob("*.ts")]
    ours = [path for path in SOURCES if path.parts[0] != "tests"]  # test files are lists of facts, and may be longer
    lengths = {path.as_posix(): len((ROOT / path).read_text().splitlines()) for path in [*ours, *pages]}
    assert {path: length for path, length in lengths.items() if length > MAX_LINES} == {}


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
    completed = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert (completed.returncode, completed.stdout, completed.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []
