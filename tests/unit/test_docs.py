"""The docs are bound to the code: each setting, metric, component, error code and program is in both, or in neither."""

from __future__ import annotations

import re
import runpy
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import structlog
from prometheus_client import CollectorRegistry
from werkzeug import exceptions

from api.app import create_app
from api.operations.gauges import Gauges
from tests.support import ROOT
from tests.unit.code_facts import component_statuses, error_codes, imported_from
from tradewire import metrics, metrics_files
from tradewire.queue import factory
from tradewire.queue.memory import Broker, MemoryQueue
from tradewire.settings import PREFIX, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

TEXTS = {
    path.relative_to(ROOT).as_posix(): path.read_text()
    for path in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
}
FOLDERS = ("api", "deploy", "docs", "processor", "tests", "tradewire", "web", "wsserver")
DEFAULTS = Settings(home=ROOT)
SETTINGS = DEFAULTS.variables()
EXAMPLE = ROOT / "tests/integration/consumers/user-files"
"""The consumer of docs/howto/add-a-consumer.md."""
DECISIONS = [page for page in TEXTS if re.fullmatch(r"docs/decisions/\d{3}-.*\.md", page)]


def rows(page: str, heading: str) -> list[list[str]]:
    """Give the cells of each row of the page's tables whose first column has this heading."""
    found: list[list[str]] = []
    is_inside = False
    for line in TEXTS[page].splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if cells and not is_inside:
            is_inside = cells[0] == heading
        elif not cells:
            is_inside = False
        elif not set("".join(cells)) <= set("-:"):
            found.append(cells)
    assert found, f"{page} has no table of the column {heading}"
    return found


def words(cell: str) -> list[str]:
    """Give the words in code marks, a metric without its labels."""
    return [word.partition("{")[0] for word in re.findall(r"`([^`]+)`", cell)]


def listed(page: str, heading: str) -> list[str]:
    """Give all words in code marks in the first column of the page's tables with this heading, sorted."""
    return sorted(word for first, *_ in rows(page, heading) for word in words(first))


def outside_of_code(page: str) -> str:
    """Give the page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", TEXTS[page], flags=re.MULTILINE | re.DOTALL)


def anchors(page: str) -> set[str]:
    """Give the anchors of the page's headings."""
    headings = re.findall(r"^#+ (.*)$", outside_of_code(page), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


# ---- Settings.


def test_the_readme_lists_each_setting_once_and_nothing_else() -> None:
    assert listed("README.md", "variable") == sorted(SETTINGS)


def test_the_readme_gives_the_default_of_each_setting() -> None:
    for first, shown, *_ in rows("README.md", "variable"):
        default = SETTINGS[words(first)[0]]
        if isinstance(default, int | float | str) and default != "":
            text = default if isinstance(default, str) else f"{default:.10g}"
            assert words(shown)[0].removesuffix("r/s") == text, first


@pytest.mark.parametrize("page", TEXTS)
def test_each_setting_that_a_page_names_exists(page: str) -> None:
    example = runpy.run_path(str(EXAMPLE / "tradewire_user_files/__init__.py"))["CONSUMER"]
    known = {*SETTINGS, *(f"{PREFIX}{name}" for name in example.variables())}
    assert set(re.findall(rf"{PREFIX}\w+", TEXTS[page])) <= known


# ---- Metrics.


class AnyReport(msgspec.Struct):
    """What the gauges ask the monitor for, whatever it is: a number, or something that has one."""

    one: Any = None

    def __getattr__(self, _: str) -> AnyReport:
        return self

    def __call__(self, *_: object) -> AnyReport:
        return self

    def __getitem__(self, _: object) -> AnyReport:
        return self

    def __iter__(self) -> Iterator[str]:
        return iter(["one"])

    def __float__(self) -> float:
        return 1.0

    def items(self) -> list[tuple[str, AnyReport]]:
        return [("one", self)]


def test_the_operations_page_lists_each_metric_once_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = CollectorRegistry()
    monkeypatch.setattr(metrics, "CollectorRegistry", lambda: registry)
    metrics._Counts()  # noqa: SLF001 - those of this process may have been made before
    report = AnyReport()
    report.one = report
    registry.register(Gauges(report))  # type: ignore[arg-type]
    registry.register(metrics._Collected(metrics_files.Counts({}, {})))  # noqa: SLF001 - as above
    names = [family.name + ("_total" if family.type == "counter" else "") for family in registry.collect()]
    assert listed("docs/operations.md", "metric") == sorted(name.removeprefix("tradewire_") for name in names)


# ---- Components and programs.


def test_the_operations_page_lists_each_status_of_each_component_and_nothing_else() -> None:
    documented = [(first.strip("`"), *words(second)) for first, second, *_ in rows("docs/operations.md", "component")]
    assert sorted(documented) == sorted(component_statuses())


def test_the_operations_page_lists_the_urls_of_each_engine_of_the_queue_and_nothing_else() -> None:
    forms = [form for engine in factory.ENGINES.values() for form in engine.url_forms.split(" or ")]
    assert listed("docs/operations.md", "URL") == sorted(forms)


def test_the_operations_page_explains_each_fault_of_each_engine_of_the_queue_and_nothing_else() -> None:
    assert set(listed("docs/operations.md", "detail")) == {
        fault for engine in factory.ENGINES.values() for fault in engine.faults
    }


def programs() -> set[str]:
    """Give the names of all programs, as supervisorctl knows them; `N` stands for a live processor's number."""
    text = (ROOT / "deploy/supervisord.conf").read_text()
    names = set(re.findall(r'program\("([\w-]+)"|\[(?:program|eventlistener):([\w-]+)\]', text))
    processors = {numbered(f"processors:{name}") for consumer in DEFAULTS.consumers for name in consumer.programs}
    return {first or second for first, second in names} | processors


def numbered(name: str) -> str:
    """Write `N` for a live processor's number, or for a range of them."""
    return re.sub(r"live-(\d|{[\d,]+})$", "live-N", name)


def test_the_operations_page_lists_each_program_and_nothing_else() -> None:
    assert set(map(numbered, listed("docs/operations.md", "program"))) == programs()


@pytest.mark.parametrize("page", TEXTS)
def test_each_program_that_a_page_commands_exists(page: str) -> None:
    command = r"(?:\btw|supervisord\.conf) (?:start|stop|restart|tail)(?: -f)? ([\w:{},'*-]+)"
    named = {numbered(name.strip("'")) for name in re.findall(command, TEXTS[page])}
    assert named <= programs() | {"processors:*"}


# ---- Error codes.


def http_codes(home: Path) -> Iterator[str]:
    """Give the code that the API answers with for each HTTP error that it raises itself, or that its routing does."""
    raised = imported_from("werkzeug.exceptions", "api") - {"HTTPException"} | {"NotFound", "MethodNotAllowed"}
    app = create_app(Settings(home=home), lambda: MemoryQueue(Broker()), structlog.get_logger())

    app.before_request_funcs.clear()  # the routes below name no role

    def fail(error: type[exceptions.HTTPException]) -> str:
        raise error

    for name in raised:
        app.add_url_rule(f"/{name}", name, partial(fail, getattr(exceptions, name)))
    with app.test_client() as client:
        yield from (client.get(f"/{name}").json["errors"][0]["code"] for name in raised)  # type: ignore[index]


def test_the_errors_page_lists_each_code_and_nothing_else(home: Path) -> None:
    nginx = re.findall(r'"code":"([a-z-]+)"', (ROOT / "deploy/nginx.conf").read_text())
    known = {*error_codes(), *http_codes(home), *nginx}
    assert set(listed("docs/errors.md", "code")) == known


# ---- Paths, links, and text shown twice.


@pytest.mark.parametrize("page", TEXTS)
def test_each_link_leads_to_a_file_and_to_a_heading_in_it(page: str) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", outside_of_code(page)):
        if "://" not in target:
            path, _, anchor = target.partition("#")
            found = ((ROOT / page).parent / path).resolve() if path else ROOT / page
            assert found.exists(), target
            if anchor:
                assert anchor in anchors(found.relative_to(ROOT).as_posix()), target


@pytest.mark.parametrize("page", TEXTS)
def test_each_path_that_a_page_names_exists(page: str) -> None:
    paths = set(re.findall(rf"(?<![\w./*-])(?:{'|'.join(FOLDERS)})/[\w./-]*\w", TEXTS[page]))
    assert {path for path in paths if not (ROOT / path).exists()} == set()


def test_the_client_that_the_protocol_shows_is_the_one_that_is_tested() -> None:
    assert f"```python\n{(ROOT / 'docs/client.py').read_text()}```\n" in TEXTS["docs/protocol.md"]


def test_the_consumer_that_the_how_to_page_shows_is_the_one_that_is_tested() -> None:
    code = "".join(path.read_text() for path in EXAMPLE.rglob("*") if path.suffix in {".py", ".toml"})
    shown = re.findall(r"```(?:toml|python)\n(.*?)```", TEXTS["docs/howto/add-a-consumer.md"], re.DOTALL)
    assert len(shown) == 2
    assert [block for block in shown if block not in code] == []


@pytest.mark.parametrize("page", DECISIONS)
def test_a_decision_has_its_four_sections_and_is_in_the_index(page: str) -> None:
    headings: Sequence[str] = re.findall(r"^## (.*)$", TEXTS[page], re.MULTILINE)
    assert headings == ["Context", "Decision", "Alternatives", "Consequences"]
    assert f"({page.removeprefix('docs/decisions/')})" in TEXTS["docs/decisions/README.md"]
