"""The OpenAPI document: its example answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import jsonschema_rs
import pytest

from api.openapi.document import document
from api.openapi.examples import EXAMPLES
from tests.support import TUBES

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCUMENT: Final = document(TUBES)


def contents() -> Iterator[tuple[str, int, dict[str, Any]]]:
    """Yield the operation, the status and the content of each answer in JSON."""
    for item in DOCUMENT["paths"].values():
        for operation in item.values():
            for status, response in operation["responses"].items():
                if content := response.get("content", {}).get("application/json"):
                    yield operation["operationId"], int(status), content


WITH_EXAMPLES: Final = {(name, status): content for name, status, content in contents() if "example" in content}


def test_every_successful_answer_in_json_has_an_example() -> None:
    successful = {(name, status) for name, status, _ in contents() if status < 300}
    assert successful <= WITH_EXAMPLES.keys()


def test_every_example_belongs_to_an_answer_in_the_document() -> None:
    assert WITH_EXAMPLES.keys() == EXAMPLES.keys()


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
