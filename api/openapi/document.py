"""GET /api/openapi.json: OpenAPI 3.1, made from what the API checks by and answers with."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import msgspec
from flask import Flask, Response, request

from api.http import parameter_types
from api.http.parameters import Query, parse_query
from api.http.responses import json_response_with_etag
from api.openapi.operations import COMMON, MESSAGE, OPERATIONS, Operation, ResponseSpec

if TYPE_CHECKING:
    from api.http.parameters import Parameter

_REF: Final = "#/components/schemas/{name}"
_NAMED: Final = {
    "Currency": parameter_types.CURRENCY.schema,
    "Country": parameter_types.COUNTRY.schema,
    "Trade": MESSAGE,
}
"""Schemas too long to be duplicates."""
_JSON: Final = "application/json"


def add_routes(app: Flask) -> None:
    """Add the route."""
    made = cache(document)

    @app.get("/api/openapi.json")
    def openapi_json() -> Response:
        parse_query(Query, request.args)
        return json_response_with_etag(made())


def document() -> dict[str, Any]:
    """Give the whole document."""
    answers = [given for operation in OPERATIONS.values() for given in operation.responses.values()]
    types = list(dict.fromkeys(given.body for given in (*answers, *COMMON.values()) if given.body))
    schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
    by_type = dict(zip(types, schemas, strict=True))
    paths: dict[str, Any] = {}
    for (method, path), operation in OPERATIONS.items():
        paths.setdefault(path, {})[method] = _operation(operation, path, by_type)
    whole = {
        "openapi": "3.1.1",
        "info": {
            "title": "Tradewire",
            "version": "1",
            "description": "Takes trade messages, keeps them, and tells what became of them.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": components | {name: _inner(schema) for name, schema in _NAMED.items()},
            "securitySchemes": {
                "operator": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The token in `operator-token` in the stack's TRADEWIRE_HOME.",
                }
            },
        },
    }
    return _without_python(whole)


def _operation(operation: Operation, path: str, by_type: dict[Any, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {"summary": operation.summary, "operationId": operation.name}
    if operation.description:
        described["description"] = operation.description
    if operation.is_for_operators:
        described["security"] = [{"operator": []}]
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": operation.path[name]}
        for name in re.findall(r"{(\w+)}", path)
    ]
    in_query = [_parameter(each) for each in operation.query.parameters().values()]
    if parameters := in_path + in_query + list(operation.headers):
        described["parameters"] = parameters
    if operation.body:
        content = {"schema": _referring(operation.body), "example": operation.body["examples"][0]}
        described["requestBody"] = {"required": True, "content": {_JSON: content}}
    answers = dict(sorted((COMMON | operation.responses).items()))
    described["responses"] = {str(status): _answer(given, by_type) for status, given in answers.items()}
    return described


def _parameter(declared: Parameter) -> dict[str, Any]:
    name, kind, description, example = declared
    described = {"name": name, "in": "query", "description": description, "schema": _referring(kind.schema)}
    return described if example is None else described | {"example": example}


def _answer(given: ResponseSpec, by_type: dict[Any, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {"description": given.description}
    content = {_JSON: {"schema": by_type[given.body]}} if given.body else {}
    content |= {kind: {"schema": {"type": "string"}} for kind in given.texts}
    if content:
        described["content"] = content
    if given.headers:
        described["headers"] = {
            name: {"required": True, "description": why, "schema": {"type": "string"}}
            for name, why in given.headers.items()
        }
    return described


def _referring(part: Any) -> Any:
    """Refer to each schema that has a name, wherever it stands."""
    for name, schema in _NAMED.items():
        if part is schema:
            return {"$ref": _REF.format(name=name)}
    return _inner(part)


def _inner(part: Any) -> Any:
    if isinstance(part, dict):
        return {key: _referring(value) for key, value in part.items()}
    return [_referring(one) for one in part] if isinstance(part, list) else part


def _without_python(whole: dict[str, Any]) -> dict[str, Any]:
    r"""Write patterns as JSON Schema knows them: there a `$` is what Python calls `\Z`."""
    text = msgspec.json.encode(whole).replace(rb"\\Z", b"$")
    decoded: dict[str, Any] = msgspec.json.decode(text)
    return decoded
