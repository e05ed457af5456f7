"""Facts about the code, read from its syntax trees: error codes, and the statuses of components."""

from __future__ import annotations

import ast
from functools import cache
from typing import TYPE_CHECKING

from tests.support import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ANY_COMPONENT = "any"
"""The name of a component that is only known when the program runs."""


@cache
def trees(*folders: str) -> tuple[ast.Module, ...]:
    """Parse all modules in these folders."""
    return tuple(ast.parse(path.read_bytes()) for folder in folders for path in sorted((ROOT / folder).rglob("*.py")))


def nodes(*folders: str) -> Iterator[ast.AST]:
    """Give all nodes of all modules in these folders."""
    return (node for tree in trees(*folders) for node in ast.walk(tree))


def name_of(node: ast.AST) -> str:
    """Give the last part of the name that a node refers to; empty if it refers to no name."""
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def parameters(node: ast.AST) -> list[str]:
    """Give the names of the parameters of a function, or of a class whose fields are its parameters."""
    if isinstance(node, ast.FunctionDef):
        return [argument.arg for argument in node.args.args if argument.arg != "self"]
    if isinstance(node, ast.ClassDef):
        inits = [each for each in node.body if isinstance(each, ast.FunctionDef) and each.name == "__init__"]
        fields = [name_of(each.target) for each in node.body if isinstance(each, ast.AnnAssign)]
        return parameters(inits[0]) if inits else fields
    return []


def argument(call: ast.Call, names: list[str], name: str) -> ast.expr | None:
    """Give what a call passes for a parameter; None for its default."""
    by_name = {keyword.arg: keyword.value for keyword in call.keywords}
    by_place = dict(zip(names, call.args, strict=False))
    return by_name.get(name) or by_place.get(name)


# ---- Error codes: every constant passed as `code` to a callable that has the parameters `code` and `detail`.


def error_codes() -> set[str]:
    """Give the codes of all faults that the API or the checks of a trade can find."""
    found = set()
    parameters_of = {
        getattr(node, "name", ""): names
        for node in nodes("api", "tradewire")
        if {"code", "detail"} <= set(names := parameters(node))
    }
    for node in nodes("api", "tradewire"):
        if isinstance(node, ast.Call) and (callee := name_of(node.func)) in parameters_of:
            code = argument(node, parameters_of[callee], "code")
            if isinstance(code, ast.Constant):
                found.add(str(code.value))
    return found


def imported_from(module: str, *folders: str) -> set[str]:
    """Give the names that modules in these folders import from a module."""
    return {
        alias.name
        for node in nodes(*folders)
        if isinstance(node, ast.ImportFrom) and node.module == module
        for alias in node.names
    }


# ---- Components: the class with a status, a detail and facts, and the dicts that hold its instances by name.


def component_statuses() -> set[tuple[str, str]]:
    """Give each component of /readyz with each of its statuses but `ok`."""
    return {
        (name, status) for scope in _functions() for name, status in _named_statuses(scope) if status.lower() != "ok"
    }


def _functions() -> Iterator[ast.FunctionDef]:
    return (node for node in nodes("api") if isinstance(node, ast.FunctionDef))


def _named_statuses(scope: ast.FunctionDef) -> Iterator[tuple[str, str]]:
    for display in ast.walk(scope):
        if isinstance(display, ast.Dict):
            for key, value in zip(display.keys, display.values, strict=True):
                name = str(key.value) if isinstance(key, ast.Constant) else ANY_COMPONENT
                yield from ((name, status) for status in _statuses(value, scope))


def _statuses(value: ast.expr, scope: ast.FunctionDef) -> Iterable[str]:
    """Give the statuses of what an expression stands for, if it is a component."""
    if isinstance(value, ast.Name):
        return {
            status
            for node in ast.walk(scope)
            if isinstance(node, ast.Assign) and value.id in map(name_of, node.targets)
            for status in _statuses(node.value, scope)
        }
    if not isinstance(value, ast.Call):
        return set()
    called = name_of(value.func)
    if called in _component():
        given = argument(value, _component()[called], "status")
        return {_text(given)} if given else {"ok"}
    made_there = [node for each in _functions() if each.name == called for node in ast.walk(each)]
    returned = [node.value for node in made_there if isinstance(node, ast.Return) and node.value]
    return {status for each in returned if isinstance(each, ast.Call) for status in _statuses(each, scope)}


def _text(value: ast.expr) -> str:
    return str(value.value) if isinstance(value, ast.Constant) else _constants()[name_of(value)]


@cache
def _component() -> dict[str, list[str]]:
    """Give the class of components by its name, with its parameters."""
    found = {
        node.name: parameters(node)
        for node in nodes("api")
        if isinstance(node, ast.ClassDef) and parameters(node) == ["status", "detail", "facts"]
    }
    assert len(found) == 1, found
    return found


@cache
def _constants() -> dict[str, str]:
    """Give the modules' texts that have names."""
    return {
        name_of(node.target): node.value.value
        for tree in trees("api")
        for node in tree.body
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    }
