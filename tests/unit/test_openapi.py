"""The OpenAPI document: its example answers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import jsonschema_rs
import pytest

from api.http.auth import ROUTES
from api.openapi.document import document
from api.openapi.examples import EXAMPLES
from api.openapi.failures import FAILURES
from api.openapi.security import security_of
from tests.support import ROOT, TUBES
from tradewire.access.client_ca import ClientCa
from tradewire.access.key import Role
from tradewire.access.principals import Principals
from tradewire.access.provider import Provider
from tradewire.settings import Settings
from tradewire.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ISSUED: Final = {"ACCESS": "keys", "JWT_ISSUER": "https://id.example", "JWT_AUDIENCE": "https://trades.example"}
DOCUMENT: Final = document(TUBES)


def contents() -> Iterator[tuple[str, int, dict[str, Any]]]:
    """Yield the operation, the status and the content of each answer in JSON."""
    for item in DOCUMENT["paths"].values():
        for operation in item.values():
            for status, response in operation["responses"].items():
                if content := response.get("content", {}).get("application/json"):
                    yield operation["operationId"], int(status), content


WITH_EXAMPLES: Final = {(name, status): content for name, status, content in contents() if "example" in content}


def documented_codes(status: int) -> set[str]:
    """Return the codes that docs/errors.md has for a status. Tables without statuses are of faults in a 400."""
    lines = re.findall(r"^\| (`[^|]+`) \|(?: ([\d, ]+) \|)?", (ROOT / "docs/errors.md").read_text(), re.MULTILINE)
    of_status = [names for names, statuses in lines if str(status) in (statuses or "400")]
    return set(re.findall(r"`([^`]+)`", " ".join(of_status)))


def codes(example: dict[str, Any]) -> set[str]:
    """Return the codes of all faults in an answer."""
    faults = [*example.get("errors", []), *(fault for each in example.get("refused", []) for fault in each["errors"])]
    return {fault["code"] for fault in faults}


def test_the_document_names_the_version_that_runs() -> None:
    assert DOCUMENT["info"]["version"] == VERSION


def test_every_answer_in_json_has_an_example() -> None:
    assert {(name, status) for name, status, _ in contents()} == WITH_EXAMPLES.keys()


def test_every_example_belongs_to_an_answer_in_the_document() -> None:
    assert EXAMPLES.keys() <= WITH_EXAMPLES.keys()
    assert FAILURES.keys() <= {status for _, status in WITH_EXAMPLES}


@pytest.mark.parametrize("answer", [each for each in WITH_EXAMPLES if each[1] >= 400], ids=lambda answer: f"{answer}")
def test_an_example_of_an_error_has_a_documented_code_of_its_status(answer: tuple[str, int]) -> None:
    name, status = answer
    example = WITH_EXAMPLES[answer]["example"]
    assert codes(example) <= documented_codes(status)
    assert codes(example) or name in ("getReadiness", "getStatus")


@pytest.mark.parametrize("answer", WITH_EXAMPLES, ids=lambda answer: f"{answer[0]}-{answer[1]}")
def test_an_example_is_valid_by_its_schema(answer: tuple[str, int]) -> None:
    content = WITH_EXAMPLES[answer]
    schema = content["schema"] | {"components": DOCUMENT["components"]}
    jsonschema_rs.Draft202012Validator(schema, validate_formats=True).validate(content["example"])


@pytest.mark.parametrize("answer", WITH_EXAMPLES, ids=lambda answer: f"{answer[0]}-{answer[1]}")
def test_an_example_has_no_members_that_its_schema_lacks(answer: tuple[str, int]) -> None:
    content = WITH_EXAMPLES[answer]
    name = content["schema"].get("$ref", "").rpartition("/")[2]
    known = DOCUMENT["components"]["schemas"].get(name, {}).get("properties", content["example"])
    assert content["example"].keys() <= known.keys()


# ---- credentials


def served(settings: Settings) -> dict[str, Any]:
    """Return the document of a stack."""
    return document(TUBES, security=security_of(settings))


def alternatives(of: dict[str, Any]) -> dict[tuple[str, str], set[tuple[str, str]]]:
    """Return for each operation the schemes, each with a role that suffices."""
    return {
        (method.upper(), path): {
            (name, role) for each in operation.get("security", []) for name, roles in each.items() for role in roles
        }
        for path, item in of["paths"].items()
        for method, operation in item.items()
    }


def test_with_keys_each_operation_has_the_roles_of_the_table_of_routes(home: Path) -> None:
    found = alternatives(served(Settings(home=home, access="keys")))
    roles = {route: {role for _, role in schemes} for route, schemes in found.items()}
    assert roles == {route: set(allowed) for route, allowed in ROUTES.items()}
    for schemes in found.values():
        given = {name for name, _ in schemes}
        assert not given or {"key", "keyHeader", "session"} <= given
        assert {role for name, role in schemes if name == "operatorToken"} <= {Role.OPERATOR, Role.MONITOR}


def test_the_schemes_are_those_that_the_stack_takes(home: Path) -> None:
    settings = Settings(home=home, access="keys")
    schemes = served(settings)["components"]["securitySchemes"]
    assert schemes.keys() == {"key", "keyHeader", "session", "operatorToken"}
    assert (schemes["keyHeader"]["in"], schemes["keyHeader"]["name"]) == ("header", "X-API-Key")
    assert schemes["session"]["name"] == Principals(settings).session_cookie
    issued = served(
        Settings.from_env(
            {f"TRADEWIRE_{name}": value for name, value in ISSUED.items()} | {"TRADEWIRE_HOME": str(home)}
        )
    )
    assert issued["components"]["securitySchemes"]["jwt"]["bearerFormat"] == "JWT"


def test_people_have_a_session_of_the_mode_of_access_or_none(home: Path) -> None:
    def schemes(settings: Settings) -> dict[str, Any]:
        found: dict[str, Any] = served(settings)["components"]["securitySchemes"]
        return found

    provider = Provider(url="https://id.example", client_id="tradewire")
    at_provider = schemes(Settings(home=home, access="oidc", oidc=provider))["session"]
    assert "`GET /api/session/login`" in at_provider["description"]
    assert "`POST /api/session`" in schemes(Settings(home=home, access="keys"))["session"]["description"]
    assert schemes(Settings(home=home, access="proxy")).keys() == {"key", "keyHeader", "operatorToken"}


def test_a_stack_with_a_client_listener_takes_certificates(home: Path) -> None:
    settings = Settings(home=home, access="keys", client_ca=ClientCa("/ca.pem", ("0.0.0.0:9443",)))
    found = served(settings)
    assert found["components"]["securitySchemes"]["certificate"]["type"] == "mutualTLS"
    assert ("certificate", Role.PRODUCER) in alternatives(found)["POST", "/api/message"]


def test_with_open_access_only_operators_need_a_token() -> None:
    assert DOCUMENT["components"]["securitySchemes"].keys() == {"operatorToken"}
    needed = {route for route, schemes in alternatives(DOCUMENT).items() if schemes}
    assert needed == {route for route, roles in ROUTES.items() if roles == {Role.OPERATOR}}
