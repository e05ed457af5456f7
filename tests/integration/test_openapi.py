"""The OpenAPI document: it names every route, and the running API keeps to it whatever it is sent."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import pytest
import schemathesis

from api.app import create_app
from api.openapi.document import document
from tests.integration.conftest import call_query, event_json, ingest_api, open_queue, query_api
from tests.integration.test_api_reading import ALL, DISCARDED, RECEIPTS, SHOWN, fill
from tests.support import ROOT, beanstalkd, free_port, wait_until
from tradewire import metrics
from tradewire.logging import setup
from tradewire.queue import LIVE
from tradewire.queue.memory import Broker, MemoryQueue
from tradewire.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from schemathesis import Case, CheckContext, Response

TOKEN: Final = "0123456789abcdef"  # noqa: S105 - of this test alone
BEARER: Final = {"Authorization": f"Bearer {TOKEN}"}
UNSAYABLE: Final = {
    # of several parameters or fields together
    *("empty-range", "not-together", "missing", "not-with-format", "same-currency"),
    # of one, by more than a schema knows
    *("out-of-range", "too-precise", "too-long", "bad-time", "in-the-future"),
    # of an unknown field, which may otherwise be anything
    "nul",
}
"""The codes of faults that OpenAPI has no words for."""
CONFIG: Final = {
    "seed": 1,
    "generation": {"max-examples": 30, "deterministic": True, "database": "none"},
    "checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", "400", "401", "404"]}},
}


schema = schemathesis.openapi.from_dict(document(), config=schemathesis.Config.from_dict(CONFIG))


@pytest.fixture(scope="module")
def address(module_home: Path) -> Iterator[str]:
    """Give the address of an API that runs as it is deployed, and has an archive."""
    port = free_port()
    for folder in ("store", "metrics"):
        (module_home / folder).mkdir()
    (module_home / "operator-token").write_text(TOKEN)
    fill(module_home, f"sqlite:///{module_home}/store/tradewire.db", ALL, RECEIPTS)
    env = {
        "GUNICORN_CMD_ARGS": f"--bind 127.0.0.1:{port} --bind unix:{module_home}/sock/api-query.sock",
        metrics.FOLDER_VARIABLE: str(module_home / "metrics"),
    }
    with beanstalkd(module_home), ingest_api(module_home), query_api(module_home, **env):
        wait_until(lambda: call_query(module_home, "/readyz").status == 200, "a message posted now would be kept")
        yield f"http://127.0.0.1:{port}"


def test_the_document_names_every_route_and_no_other() -> None:
    app = create_app(Settings(home=ROOT), lambda: MemoryQueue(Broker()), setup("api"))
    routes = {
        (method.lower(), re.sub(r"<(?:[^<>]*:)?(\w+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert routes == {(method, path) for path, item in document()["paths"].items() for method in item}


def test_the_document_is_served_as_it_is_made_and_all_that_it_refers_to_is_in_it(
    address: str, module_home: Path
) -> None:
    served = call_query(module_home, "/api/openapi.json")
    assert address
    assert served.json == document()
    names = set(re.findall(rb'"#/components/schemas/(\w+)"', served.body))
    assert {name.decode() for name in names} == set(served.json["components"]["schemas"])


def refused_for_a_reason(_: CheckContext, response: Response, case: Case[Any]) -> None:
    """Hold what fits the document, and was refused all the same, to faults that it can't express."""
    if response.status_code == 400 and case.meta and case.meta.generation.mode.is_positive:
        failure = response.json()
        faults = [fault for refused in failure.get("refused", []) for fault in refused["errors"]] or failure["errors"]
        codes = {fault["code"] for fault in faults}
        assert codes <= UNSAYABLE, f"refused, though it fits the document: {response.text}"


@schema.parametrize()
def test_the_api_keeps_to_its_document(case: Case[Any], address: str) -> None:
    # They contradict each other, and nearly every case has both.
    if "window" in (case.query or {}) and case.meta and case.meta.generation.mode.is_positive:
        case.query = {name: value for name, value in case.query.items() if name not in {"since", "until"}}
    case.call_and_validate(address, headers=BEARER, additional_checks=[refused_for_a_reason])


KNOWN: Final[list[tuple[str, str, dict[str, Any]]]] = [
    ("GET", "/api/message/{message_id}", {"path_parameters": {"message_id": SHOWN}}),
    ("GET", "/api/message/{message_id}", {"path_parameters": {"message_id": DISCARDED}}),
    ("GET", "/api/messages", {"query": {"format": "csv"}}),
    ("GET", "/api/messages", {"query": {"format": "ndjson"}}),
    ("GET", "/api/stats", {"query": {"since": "2026-01-01T00:00:00Z", "from": "EUR", "to": "GBP"}}),
    ("GET", "/api/dead-letters", {}),
]


@pytest.mark.parametrize(("method", "path", "given"), KNOWN)
def test_what_is_there_is_given_as_the_document_says(
    address: str, module_home: Path, method: str, path: str, given: dict[str, Any]
) -> None:
    with open_queue(module_home) as queue:
        queue.put(event_json(), [f"{LIVE}.dead"])
    response = schema[path][method].Case(**given).call_and_validate(address, headers=BEARER)
    assert response.status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/dead-letters/{tube}/{dead_letter_id}/requeue"),
        ("DELETE", "/api/dead-letters/{tube}/{dead_letter_id}"),
    ],
)
def test_what_is_buried_is_settled_as_the_document_says(
    address: str, module_home: Path, method: str, path: str
) -> None:
    with open_queue(module_home) as queue:
        queue.put(event_json(), [f"{LIVE}.dead"])
        [letter, *_] = queue.dead_letters(LIVE, 1)
    case = schema[path][method].Case(path_parameters={"tube": LIVE, "dead_letter_id": letter.id})
    assert case.call_and_validate(address, headers=BEARER).status_code == 200
