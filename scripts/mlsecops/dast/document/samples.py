"""Requests that the project's own tests send, read from their code: `client.post("/a", json={...})`."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from mlsecops.dast.document.routes import VERBS
from mlsecops.dast.target import Operation, Parameter
from mlsecops.reach.program import Program
from mlsecops.reach.scopes import Scope

_BODIES, _QUERIES = ("json", "data", "content"), ("params", "query_string")
_SERIALISERS = frozenset({"json.dumps", "orjson.dumps", "simplejson.dumps"})
_MOST_SAMPLES, _MOST_ITEMS, _MOST_BYTES, _DEEPEST = 20, 100_000, 256 << 10, 12
# Stands for a part of a path of which nothing is known.
_UNKNOWN = "\0"


class _UnknownError(ValueError):
    """An expression whose value the text does not tell."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One request: `body` is its JSON as one tuple item, no item without one."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: tuple[Any, ...] = ()


def sent(program: Program, uris: Iterable[str]) -> list[Sample]:
    """The requests in some files of a program, in the order in which they stand there."""
    wanted = set(uris)
    return [
        sample
        for call, scope in program.calls()
        if scope.uri in wanted
        for sample in _request(call, scope, program)
    ]


def with_samples(operations: Iterable[Operation], samples: Iterable[Sample]) -> Iterator[Operation]:
    """The operations with the requests that are sent to each of them, behind the document's own examples."""
    every = list(samples)
    for operation in operations:
        matches = [(each, found) for each in every if (found := _match(operation, each)) is not None]
        bodies = [*operation.samples, *(body for each, _ in matches for body in each.body)]
        parameters = tuple(
            replace(parameter, examples=_distinct([*parameter.examples, *_values(parameter, matches)]))
            for parameter in operation.parameters
        )
        yield replace(operation, samples=_distinct(bodies), parameters=parameters)


def _values(parameter: Parameter, matches: Iterable[tuple[Sample, dict[str, str]]]) -> Iterator[Any]:
    for sample, in_path in matches:
        texts = [in_path] if parameter.where == "path" else [dict(sample.query)]
        for each in texts if parameter.where in ("path", "query") else ():
            if parameter.name in each and _UNKNOWN not in each[parameter.name]:
                yield _typed(each[parameter.name], parameter.schema.get("type"))


def _typed(text: str, kind: Any) -> Any:
    if kind in ("integer", "number"):
        try:
            return int(text) if kind == "integer" else float(text)
        except ValueError:
            return text
    return text


def _match(operation: Operation, sample: Sample) -> dict[str, str] | None:
    """The path parameters of a request to this operation, None for one to another."""
    if sample.method != operation.method.upper():
        return None
    names = re.findall(r"\{([^{}]*)\}", operation.path)
    pattern = "([^/]+)".join(map(re.escape, re.split(r"\{[^{}]*\}", operation.path)))
    found = re.fullmatch(pattern, sample.path)
    return dict(zip(names, found.groups(), strict=True)) if found else None


def _distinct(values: Iterable[Any]) -> tuple[Any, ...]:
    """The first few different values, none too large."""
    found: dict[str, Any] = {}
    for value in values:
        text = json.dumps(value, sort_keys=True)
        if len(text) <= _MOST_BYTES and len(found) < _MOST_SAMPLES:
            found.setdefault(text, value)
    return tuple(found.values())


def _request(call: ast.Call, scope: Scope, program: Program) -> Iterator[Sample]:
    if not (isinstance(call.func, ast.Attribute) and call.func.attr in VERBS and call.args):
        return
    path = _path(call.args[0])
    if path is None:
        return
    keywords = {each.arg: each.value for each in call.keywords if each.arg}
    reader = _Reader(program)
    body: tuple[Any, ...] = ()
    query = tuple(parse_qsl(path.query))
    for name in _BODIES:
        if name in keywords and not body:
            body = reader.body(keywords[name], scope, name)
    for name in _QUERIES:
        if name in keywords:
            query += reader.query(keywords[name], scope)
    yield Sample(call.func.attr.upper(), path.path, query, body)


def _path(node: ast.expr) -> Any:
    """The path that is asked for; parts that are not known are marked as such."""
    text = ""
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    for part in parts:
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            text += part.value
        elif isinstance(part, ast.FormattedValue):
            text += _UNKNOWN
        else:
            return None
    text = re.sub(rf"^{_UNKNOWN}(?=/)", "", text)
    try:
        parsed = urlsplit(text)
    except ValueError:
        return None
    return parsed if parsed.path.startswith("/") else None


@dataclass(slots=True)
class _Reader:
    """Values of literal expressions, with the names of the program that stand for some."""

    program: Program
    left: int = _MOST_ITEMS

    def body(self, node: ast.expr, scope: Scope, keyword: str) -> tuple[Any, ...]:
        """The JSON that a keyword argument gives, () when it is not told or none."""
        try:
            value = self.value(node, scope, 0)
            if keyword != "json":
                value = json.loads(value) if isinstance(value, str | bytes) else value
                is_json = not isinstance(value, dict) or isinstance(node, ast.Call)
                return (value,) if is_json else ()
            json.dumps(value)
        except (ValueError, TypeError, RecursionError):
            return ()
        return (value,)

    def query(self, node: ast.expr, scope: Scope) -> tuple[tuple[str, str], ...]:
        """The query that a keyword argument gives."""
        try:
            value = self.value(node, scope, 0)
        except (ValueError, TypeError, RecursionError):
            return ()
        if isinstance(value, str):
            return tuple(parse_qsl(value))
        return (
            tuple((str(name), str(each)) for name, each in value.items()) if isinstance(value, dict) else ()
        )

    def value(self, node: ast.expr, scope: Scope, depth: int) -> Any:
        """Raises _UnknownError where the text does not tell it, or tells too much."""
        self.left -= 1
        if self.left < 0 or depth > _DEEPEST:
            raise _UnknownError
        if isinstance(node, ast.Constant) and not isinstance(node.value, complex | type(...)):
            return node.value
        if isinstance(node, ast.List | ast.Tuple):
            return [self.value(each, scope, depth + 1) for each in node.elts]
        if isinstance(node, ast.Dict):
            return self._mapping(node, scope, depth + 1)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return -self.value(node.operand, scope, depth + 1)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            return self._repeated(node, scope, depth + 1)
        if isinstance(node, ast.Call) and self.program.name(node.func, scope) in _SERIALISERS and node.args:
            return json.dumps(self.value(node.args[0], scope, depth + 1))
        if isinstance(node, ast.Name | ast.Attribute):
            return self._named(node, scope, depth + 1)
        raise _UnknownError

    def _mapping(self, node: ast.Dict, scope: Scope, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            each = self.value(value, scope, depth)
            if key is None and isinstance(each, dict):
                found |= each
            elif isinstance(key, ast.Constant) and isinstance(key.value, str):
                found[key.value] = each
            else:
                raise _UnknownError
        return found

    def _repeated(self, node: ast.BinOp, scope: Scope, depth: int) -> list[Any]:
        """`[1.0] * 672`."""
        one, other = self.value(node.left, scope, depth), self.value(node.right, scope, depth)
        if isinstance(other, list):
            one, other = other, one
        if not (isinstance(one, list) and isinstance(other, int)) or other * len(one) > self.left:
            raise _UnknownError
        self.left -= other * len(one)
        return one * other

    def _named(self, node: ast.expr, scope: Scope, depth: int) -> Any:
        found = self.program.target(node, scope)
        values = found[0].values.get(found[1], []) if found else []
        if len(values) != 1:
            raise _UnknownError
        return self.value(*values[0], depth)
