"""Query parameters. Each is declared once; the same declaration checks requests and documents the parameter."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from tradewire.errors import BadValue, Fault, InvalidQuery

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from werkzeug.datastructures import MultiDict

_MAX_NAME_CHARS: Final = 64
"""Longer names of unknown parameters are cut in the response."""
_METADATA_KEY: Final = "parameter"

_Q = TypeVar("_Q", bound="Query")


class ParameterType(NamedTuple):
    """How to parse a parameter's text, and the JSON Schema of that text."""

    parse: Callable[[str], Any]
    """Returns the value. Raises BadValue."""
    schema: dict[str, Any]


class Parameter(NamedTuple):
    """One query parameter; `name` as in the URL."""

    name: str
    value_type: ParameterType
    description: str
    example: str | None


def parameter(
    name: str, value_type: ParameterType, description: str, *, default: object = None, example: str | None = None
) -> Any:
    """Declare a query parameter as a field of a `Query`.

    Args:
        name: Its name in the URL.
        value_type: How its text is parsed and described.
        description: A sentence for the OpenAPI document.
        default: The field's value if the parameter is not given.
        example: A valid text for the OpenAPI document.

    Returns:
        A dataclass field.

    Example:
        limit: int = parameter("limit", parameter_types.integer(1, 100), "The maximum number of rows.", default=20)
    """
    return field(default=default, metadata={_METADATA_KEY: Parameter(name, value_type, description, example)})


@dataclass(frozen=True, kw_only=True)
class Query:
    """The parameters of one endpoint. Subclasses declare each of their fields with `parameter`."""

    def conflicts(self) -> Iterator[Fault]:
        """Yield the faults of parameters that are valid alone, but not together."""
        yield from ()

    @classmethod
    def parameters(cls) -> dict[str, Parameter]:
        """Return the parameters by the name of their field."""
        return {each.name: each.metadata[_METADATA_KEY] for each in fields(cls)}


def parse_query(query_type: type[_Q], arguments: MultiDict[str, str], **defaults: Any) -> _Q:
    """Parse the query string of a request.

    Args:
        query_type: The endpoint's parameters.
        arguments: The names and texts in the URL.
        defaults: Values, by field, for parameters that are not given.

    Returns:
        The checked values.

    Raises:
        InvalidQuery: With all faults at once.
    """
    faults: list[Fault] = []
    values: dict[str, Any] = dict(defaults)
    parameters = query_type.parameters()
    known = {each.name for each in parameters.values()}
    listed = ", ".join(sorted(known)) or "none"
    for name in arguments:
        if name not in known:
            cut_name = name[:_MAX_NAME_CHARS]
            detail = f"There is no parameter {cut_name} here. Known parameters: {listed}."
            faults.append(Fault(cut_name, "unknown-parameter", detail))
    for field_name, (name, value_type, _, _) in parameters.items():
        texts = arguments.getlist(name)
        if len(texts) > 1:
            faults.append(Fault(name, "repeated-parameter", f"{name} is given {len(texts)} times."))
        elif texts:
            try:
                values[field_name] = value_type.parse(texts[0])
            except BadValue as bad:
                faults.append(Fault(name, bad.code, f"{name} {bad.detail}."))
    query = query_type(**values)
    faults += query.conflicts()
    if faults:
        raise InvalidQuery(faults)
    return query
