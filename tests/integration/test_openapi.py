"""The OpenAPI document: it describes every route, and the running API conforms to it for all generated requests."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import pytest
import schemathesis

from api.app import create_app
from api.openapi.document import document
from api.openapi.security import security_of
from tests.integration.conftest import call_query, event_json, ingest_api, open_queue, query_api
from tests.integration.test_api_reading import ALL, DISCARDED, RECEIPTS, SHOWN, fill_archive
from tests.support import ROOT, TUBES, beanstalkd, free_port, wait_until
from tradewire import metrics
from tradewire.access import key_file
from tradewire.access.key import Role, make
from tradewire.logging import setup
from tradewire.queue import LIVE
from tradewire.queue.memory import Broker, MemoryQueue
from tradewire.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from schemathesis import Case, CheckContext, Response

BEARER: Final[dict[str, str]] = {}
"""The credentials of a principal with all roles. The fixture fills it."""
INEXPRESSIBLE: Final = {
    # faults of several parameters or fields together
    *("empty-range", "not-together", "missing", "not-with-format", "same-currency"),
    # faults of a single one, by rules that a schema can not express
    *("out-of-range", "too-precise", "too-long", "bad-time", "in-the-future", "implausible-time"),
    # a cursor may hold any value in base64, and not all bytes are a text
    "bad-cursor",
    # a fault of a currency and a time together
    "withdrawn-currency",
    # a fault of an unknown field, which may otherwise have any value
    "nul",
}
"""The codes of faults that OpenAPI can not express."""
CONFIG: Final = {
    "seed": 1,
    "generation": {"max-examples": 30, "deterministic": True, "database": "none"},
    # 429: of many attempts to log in
    "checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", "400", "401", "404", "429"]}},
}


schema = schemathesis.openapi.from_dict(document(TUBES), config=schemathesis.Config.from_dict(CONFIG))


@pytest.fixture(scope="module")
def address(module_home: Path, lane: str) -> Iterator[str]:
    """Return the address of an API in its deployed configuration, with an archive."""
    port = free_port()
    for folder in ("store", "metrics"):
        (module_home / folder).mkdir(exist_ok=True)  # the other lane may have made it
    (module_home / "operator-token").write_text("another")
    key, token = make("all", Role, now=0, slot=0)
    (module_home / "access").mkdir(exist_ok=True)
    with key_file.changing(Settings(home=module_home).keys, None) as keys:
        keys[:] = [key]
    BEARER["Authorization"] = f"Bearer {token}"
    fill_archive(module_home, f"sqlite:///{module_home}/store/tradewire.db", ALL, RECEIPTS)
    env = {
        "GUNICORN_CMD_ARGS": f"--bind 127.0.0.1:{port} --bind unix:{module_home}/sock/api-query.sock",
        metrics.FOLDER_VARIABLE: str(module_home / "metrics"),
    }
    access = {"TRADEWIRE_ACCESS": "keys"}
    ingest, query = ingest_api(module_home, lane, **access), query_api(module_home, lane, **env, **access)
    with beanstalkd(module_home), ingest, query:
        wait_until(lambda: call_query(module_home, "/readyz").status == 200, "the API is ready")
        yield f"http://127.0.0.1:{port}"


def test_the_document_describes_exactly_the_routes_of_the_app() -> None:
    app = create_app(Settings(home=ROOT), lambda: MemoryQueue(Broker()), setup("api"))
    routes = {
        (method.lower(), re.sub(r"<(?:[^<>]*:)?(\w+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert routes == {(method, path) for path, item in document(TUBES)["paths"].items() for method in item}


def test_the_document_is_served_unchanged_and_defines_exactly_the_schemas_it_refers_to(
    address: str, module_home: Path
) -> None:
    served = call_query(module_home, "/api/openapi.json", **BEARER)
    assert address
    assert served.json == document(TUBES, security=security_of(Settings(home=module_home, access="keys")))
    names = set(re.findall(rb'"#/components/schemas/(\w+)"', served.body))
    assert {name.decode() for name in names} == set(served.json["components"]["schemas"])


def refused_only_for_inexpressible_faults(_: CheckContext, response: Response, case: Case[Any]) -> None:
    """Check that a request which matches the document is refused only for faults that OpenAPI can not express."""
    if response.status_code == 400 and case.meta and case.meta.generation.mode.is_positive:
        failure = response.json()
        faults = [fault for refused in failure.get("refused", []) for fault in refused["errors"]] or failure["errors"]
        codes = {fault["code"] for fault in faults}
        assert codes <= INEXPRESSIBLE, f"refused although it matches the document: {response.text}"


@schema.parametrize()
def test_the_api_conforms_to_its_document(case: Case[Any], address: str) -> None:
    # `window` contradicts `since` and `until`, and nearly every generated case has both.
    if "window" in (case.query or {}) and case.meta and case.meta.generation.mode.is_positive:
        case.query = {name: value for name, value in case.query.items() if name not in {"since", "until"}}
    case.call_and_validate(address, headers=BEARER, additional_checks=[refused_only_for_inexpressible_faults])


EXISTING: Final[list[tuple[str, str, dict[str, Any]]]] = [
    ("GET", "/api/message/{message_id}", {"path_parameters": {"message_id": SHOWN}}),
    ("GET", "/api/message/{message_id}", {"path_parameters": {"message_id": DISCARDED}}),
    ("GET", "/api/messages", {"query": {"format": "csv"}}),
    ("GET", "/api/messages", {"query": {"format": "ndjson"}}),
    ("GET", "/api/stats", {"query": {"since": "2026-01-01T00:00:00Z", "from": "EUR", "to": "GBP"}}),
    ("GET", "/api/dead-letters", {}),
    ("GET", "/api/audit", {"query": {"limit": "2"}}),
]


@pytest.mark.parametrize(("method", "path", "arguments"), EXISTING)
def test_existing_resources_are_returned_as_documented(
    address: str, module_home: Path, method: str, path: str, arguments: dict[str, Any]
) -> None:
    with open_queue(module_home) as queue:
        queue.put(event_json(), [f"{LIVE}.dead"])
    response = schema[path][method].Case(**arguments).call_and_validate(address, headers=BEARER)
    assert response.status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/dead-letters/{tube}/{dead_letter_id}/requeue"),
        ("DELETE", "/api/dead-letters/{tube}/{dead_letter_id}"),
        ("POST", "/api/dead-letters/requeue"),
    ],
)
def test_dead_letters_are_requeued_and_deleted_as_documented(
    address: str, module_home: Path, method: str, path: str
) -> None:
    with open_queue(module_home) as queue:
        queue.put(event_json(), [f"{LIVE}.dead"])
        [letter, *_] = queue.dead_letters(LIVE, 1)
    parameters = {"tube": LIVE, "dead_letter_id": letter.id}
    case = schema[path][method].Case(path_parameters={name: parameters[name] for name in parameters if name in path})
    assert case.call_and_validate(address, headers=BEARER).status_code == 200
