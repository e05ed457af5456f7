"""GET /api/openapi.json: the OpenAPI 3.1 document. It is generated from the types that the API checks and returns."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import msgspec
from flask import Flask, Response, request

from api.http import parameter_types
from api.http.auth import ROUTES
from api.http.parameters import Query, parse_query
from api.http.responses import json_response_with_etag
from api.openapi.examples import example_of
from api.openapi.operation import COMMON_RESPONSES, GUARDED_RESPONSES, Operation, ResponseSpec
from api.openapi.operations import MESSAGE_SCHEMA, operations
from api.openapi.security import OPEN, Security, security_of
from tradewire.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from api.http.parameters import Parameter
    from api.openapi.operation import Operation, ResponseSpec
    from tradewire.settings import Settings

_REF: Final = "#/components/schemas/{name}"
_NAMED_SCHEMAS: Final = {
    "Currency": parameter_types.CURRENCY.schema,
    "Country": parameter_types.COUNTRY.schema,
    "Trade": MESSAGE_SCHEMA,
}
"""Schemas that are too long to be repeated. The document refers to them by name."""
_JSON: Final = "application/json"


def add_routes(app: Flask, settings: Settings) -> None:
    """Add the route."""
    cached_document = cache(lambda: document(settings.tubes, settings.public_url or "/", security_of(settings)))

    @app.get("/api/openapi.json")
    def openapi_json() -> Response:
        parse_query(Query, request.args)
        return json_response_with_etag(cached_document())


def document(tubes: Sequence[str], server: str = "/", security: Security = OPEN) -> dict[str, Any]:
    """Generate the document for a stack with these tubes, whose paths are below the URL `server`."""
    by_path = operations(tubes)
    specs = [spec for operation in by_path.values() for spec in operation.responses.values()]
    types = list(dict.fromkeys(spec.body for spec in (*specs, *COMMON_RESPONSES.values()) if spec.body))
    schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
    schema_by_type = dict(zip(types, schemas, strict=True))
    paths: dict[str, Any] = {}
    for (method, path), operation in by_path.items():
        paths.setdefault(path, {})[method] = _operation(operation, method, path, schema_by_type)
        if required := security.requirements(ROUTES[method.upper(), path]):
            paths[path][method]["security"] = required
    openapi = {
        "openapi": "3.1.1",
        "info": {
            "title": "Tradewire",
            "version": VERSION,
            "description": "Accepts trade messages, keeps them, and answers queries about them.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": server}],
        "paths": paths,
        "components": {
            "schemas": components | {name: _with_inner_refs(schema) for name, schema in _NAMED_SCHEMAS.items()},
            "securitySchemes": dict(security.schemes),
        },
    }
    return _to_json_patterns(openapi)


def _operation(operation: Operation, method: str, path: str, schema_by_type: dict[Any, Any]) -> dict[str, Any]:
    item: dict[str, Any] = {"summary": operation.summary, "operationId": operation.operation_id}
    roles = ROUTES[method.upper(), path]
    needs = f"Unless access is open, it needs the role {' or '.join(sorted(roles))}." if roles else ""
    if description := " ".join(filter(None, [operation.description, needs])):
        item["description"] = description
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": operation.path[name]}
        for name in re.findall(r"{(\w+)}", path)
    ]
    in_query = [_parameter(each) for each in operation.query.parameters().values()]
    if parameters := in_path + in_query + list(operation.headers):
        item["parameters"] = parameters
    if operation.body:
        content = {"schema": _with_refs(operation.body), "example": operation.body["examples"][0]}
        item["requestBody"] = {"required": True, "content": {_JSON: content}}
    common = COMMON_RESPONSES | (GUARDED_RESPONSES if roles else {})
    responses = dict(sorted((common | operation.responses).items()))
    item["responses"] = {
        str(status): _response(spec, schema_by_type, example_of(operation.operation_id, status))
        for status, spec in responses.items()
    }
    return item


def _parameter(declared: Parameter) -> dict[str, Any]:
    name, value_type, description, example = declared
    item = {"name": name, "in": "query", "description": description, "schema": _with_refs(value_type.schema)}
    return item if example is None else item | {"example": example}


def _response(spec: ResponseSpec, schema_by_type: dict[Any, Any], example: Any) -> dict[str, Any]:
    item: dict[str, Any] = {"description": spec.description}
    content: dict[str, dict[str, Any]] = {_JSON: {"schema": schema_by_type[spec.body]}} if spec.body else {}
    if example is not None:
        content[_JSON]["example"] = msgspec.to_builtins(example)
    content |= {media_type: {"schema": {"type": "string"}} for media_type in spec.text_types}
    if content:
        item["content"] = content
    if spec.headers:
        item["headers"] = {
            name: {"required": True, "description": description, "schema": {"type": "string"}}
            for name, description in spec.headers.items()
        }
    return item


def _with_refs(node: Any) -> Any:
    """Replace each named schema in a schema, or the schema itself, by a reference."""
    for name, schema in _NAMED_SCHEMAS.items():
        if node is schema:
            return {"$ref": _REF.format(name=name)}
    return _with_inner_refs(node)


def _with_inner_refs(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _with_refs(value) for key, value in node.items()}
    return [_with_refs(item) for item in node] if isinstance(node, list) else node


def _to_json_patterns(openapi: dict[str, Any]) -> dict[str, Any]:
    r"""Convert patterns to JSON Schema's syntax, which has `$` for Python's `\Z`."""
    text = msgspec.json.encode(openapi).replace(rb"\\Z", b"$")
    converted: dict[str, Any] = msgspec.json.decode(text)
    return converted
