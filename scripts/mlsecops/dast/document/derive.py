"""A document made from the code of a service that has none: its routes, and what their functions read."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from mlsecops.dast.document.routes import Route
from mlsecops.dast.document.source import Document
from mlsecops.reach.program import Program
from mlsecops.reach.scopes import Function, Scope, own_nodes
from mlsecops.sarif.build import Json

_KINDS = {"int": "integer", "float": "number", "str": "string", "bool": "boolean"}
_CONVERTERS = {"int": "integer", "float": "number"}
# What a framework hands a function besides the request's own values.
_GIVEN = frozenset({"Request", "Response", "BackgroundTasks", "WebSocket", "Session", "Depends", "Security"})
_QUERY, _FORM, _FILES = ("request", "args"), ("request", "form"), ("request", "files")
_JSON_BODY = frozenset({("request", "json"), ("request", "get_json")})
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_FILE = {"type": "string", "format": "binary"}
_MOST_ROUTES = 200


def derived(found: Sequence[Route], program: Program) -> Document:
    """A document with one operation for each route; its notes say where it came from."""
    paths: dict[str, Json] = {}
    for route in found[:_MOST_ROUTES]:
        methods = paths.setdefault(route.path, {})
        methods.setdefault(route.method.lower(), _operation(route, program))
    data: Json = {"openapi": "3.1.0", "info": {"title": "derived", "version": "0"}, "paths": paths}
    return Document(
        data, notes=("no OpenAPI document was found: the operations are those that the code shows",)
    )


def of_dash() -> Document:
    """What every Dash application offers: its page, and what that asks for."""
    answer: Json = {"responses": {"default": {"description": "any"}}}
    fields = {"output": {"type": "string"}, "inputs": {"type": "array", "items": {"type": "object"}}}
    schema = {"type": "object", "properties": fields}
    update = {**answer, "requestBody": {"content": {"application/json": {"schema": schema}}}}
    paths: Json = {
        "/": {"get": answer},
        "/_dash-layout": {"get": answer},
        "/_dash-dependencies": {"get": answer},
        "/_dash-update-component": {"post": update},
    }
    data: Json = {"openapi": "3.1.0", "info": {"title": "Dash", "version": "0"}, "paths": paths}
    return Document(data, notes=("a Dash application: the operations are those that every one of them has",))


def _operation(route: Route, program: Program) -> Json:
    names = [part[1:].partition("}")[0] for part in route.path.split("/") if part.startswith("{")]
    parameters: list[Json] = [
        {"name": name, "in": "path", "required": True, "schema": _converter(route.kinds.get(name))}
        for name in names
    ]
    fields: dict[str, Json] = {}
    kind = "application/json"
    if route.scope and isinstance(route.scope.tree, Function):
        reads = _Reads(route.scope, program)
        query = {**reads.arguments(names), **reads.of(_QUERY)}
        parameters += [{"name": name, "in": "query", "schema": schema} for name, schema in query.items()]
        fields = reads.body()
        form = {**reads.of(_FORM), **dict.fromkeys(reads.of(_FILES), _FILE)}
        if form and not fields:
            kind = "multipart/form-data" if reads.of(_FILES) else "application/x-www-form-urlencoded"
            fields = form
    operation: Json = {"parameters": parameters, "responses": {"default": {"description": "any"}}}
    if fields or route.method in _WITH_BODY:
        schema: Json = {"type": "object", "properties": fields} if fields else {}
        operation["requestBody"] = {"content": {kind: {"schema": schema}}}
    return operation


def _converter(name: str | None) -> Json:
    return {"type": _CONVERTERS.get(name or "", "string")}


class _Reads:
    """What one function reads of a request."""

    def __init__(self, scope: Scope, program: Program) -> None:
        self._scope, self._program = scope, program
        self._nodes = list(own_nodes(scope.tree.body))
        # data = request.get_json(): what is read of `data` is read of the body
        self._bodies = {
            name
            for name, values in scope.values.items()
            for value, _ in values
            if _chain(value)[:2] in _JSON_BODY
        }
        self._converted = {
            id(node.args[0]): _KINDS[node.func.id]
            for node in self._nodes
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
            if node.func.id in _KINDS and node.args
        }

    def of(self, source: tuple[str, str]) -> dict[str, Json]:
        """The names that are read of `request.args` and its like."""
        return {name: schema for chain, name, schema in self._keys() if chain[:2] == source}

    def body(self) -> dict[str, Json]:
        """The fields that are read of a JSON body."""
        found = {
            name: schema
            for chain, name, schema in self._keys()
            if chain[:2] in _JSON_BODY or (chain and chain[0] in self._bodies)
        }
        return found | self._models()

    def arguments(self, in_path: Sequence[str]) -> dict[str, Json]:
        """FastAPI: arguments of a plain type that are not in the path."""
        return {
            argument.arg: {"type": _KINDS[name]}
            for argument, name in self._annotated()
            if name in _KINDS and argument.arg not in in_path
        }

    def _models(self) -> dict[str, Json]:
        """FastAPI: the fields of arguments whose type is a class of the project."""
        fields: dict[str, Json] = {}
        for argument, name in self._annotated():
            if name in _KINDS or name in _GIVEN or argument.annotation is None:
                continue
            model = self._program.definition(argument.annotation, self._scope.parent or self._scope)
            for node in model.tree.body if model and model.kind == "class" else ():
                if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                    fields[node.target.id] = _of_type(node.annotation)
        return fields

    def _annotated(self) -> Iterator[tuple[ast.arg, str]]:
        tree = self._scope.tree
        if isinstance(tree, Function):
            for argument in (*tree.args.args, *tree.args.kwonlyargs):
                if isinstance(argument.annotation, ast.Name | ast.Attribute):
                    yield argument, _chain(argument.annotation)[-1]

    def _keys(self) -> Iterator[tuple[tuple[str, ...], str, Json]]:
        """Every `a.b["name"]` and `a.b.get("name")`: the chain, the name, its type if that is told."""
        for node in self._nodes:
            if isinstance(node, ast.Subscript):
                owner, key, kind = node.value, node.slice, None
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
                if node.func.attr not in ("get", "getlist", "pop"):
                    continue
                owner, key = node.func.value, node.args[0]
                kind = next((each.value for each in node.keywords if each.arg == "type"), None)
            else:
                continue
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                word = kind.id if isinstance(kind, ast.Name) else ""
                name = self._converted.get(id(node)) or _KINDS.get(word)
                yield _chain(owner), key.value, {"type": name} if name else {}


def _of_type(annotation: ast.expr) -> Json:
    """`float`, `list[float]`; {} for anything else."""
    if isinstance(annotation, ast.Subscript) and _chain(annotation.value)[-1:] in (("list",), ("List",)):
        return {"type": "array", "items": _of_type(annotation.slice)}
    name = _chain(annotation)[-1:]
    return {"type": _KINDS[name[0]]} if name and name[0] in _KINDS else {}


def _chain(node: ast.expr) -> tuple[str, ...]:
    """`request.json.x` -> its names; calls in between count as what is called."""
    parts: list[str] = []
    while True:
        if isinstance(node, ast.Call):
            node = node.func
        elif isinstance(node, ast.Await):
            node = node.value
        elif isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        elif isinstance(node, ast.Name):
            return (node.id, *reversed(parts))
        else:
            return ()
