"""A question's parameters: each declared once, to be checked and to be described by the same words."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from tradewire.errors import Fault, InvalidQuery

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from werkzeug.datastructures import MultiDict

_NAME_SHOWN_MAX: Final = 64
_KEY: Final = "parameter"

_Q = TypeVar("_Q", bound="Query")


class BadValue(Exception):  # noqa: N818 - as in tradewire.errors
    """Why a text is no value of its type_: a code, and what to say behind the parameter's name."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail


class ParameterType(NamedTuple):
    """A type_ of value: how its text is read, and the JSON Schema of that text."""

    read: Callable[[str], Any]
    """Gives the value. Raises BadValue."""
    schema: dict[str, Any]


class Parameter(NamedTuple):
    """One parameter, as it is named in the address."""

    name: str
    type_: ParameterType
    description: str
    example: str | None


def parameter(
    name: str, type_: ParameterType, description: str, *, default: object = None, example: str | None = None
) -> Any:
    """Declare a parameter as a dataclass's field."""
    return field(default=default, metadata={_KEY: Parameter(name, type_, description, example)})


@dataclass(frozen=True, kw_only=True)
class Query:
    """What a question may say: each field of a subclass is made by `parameter`."""

    def conflicts(self) -> Iterator[Fault]:
        """Give the faults of parameters that are fine each, and not together."""
        yield from ()

    @classmethod
    def declared(cls) -> dict[str, Parameter]:
        """Give the parameters by the names of their fields."""
        return {each.name: each.metadata[_KEY] for each in fields(cls)}


def read(query: type[_Q], given: MultiDict[str, str], **defaults: Any) -> _Q:
    """Read a question; `defaults` hold, by field, where nothing is given. Raises InvalidQuery with every fault."""
    faults: list[Fault] = []
    values: dict[str, Any] = dict(defaults)
    declared = query.declared()
    known = {each.name for each in declared.values()}
    for name in given:
        if name not in known:
            shown = name[:_NAME_SHOWN_MAX]
            detail = f"{shown} is no parameter here; there are: {', '.join(sorted(known)) or 'none'}."
            faults.append(Fault(shown, "unknown-parameter", detail))
    for key, (name, type_, _, _) in declared.items():
        texts = given.getlist(name)
        if len(texts) > 1:
            faults.append(Fault(name, "repeated-parameter", f"{name} is given {len(texts)} times."))
        elif texts:
            try:
                values[key] = type_.read(texts[0])
            except BadValue as bad:
                faults.append(Fault(name, bad.code, f"{name} {bad.detail}."))
    asked = query(**values)
    faults += asked.conflicts()
    if faults:
        raise InvalidQuery(faults)
    return asked
