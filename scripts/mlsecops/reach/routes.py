"""Routes of web services, and what of the project's code each of them reaches."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from mlsecops.reach.program import Program
from mlsecops.reach.scopes import ANYWHERE, Function, Node, Scope, body_of, own_nodes

_HOPS, _MOST_ROUTES = 5, 5
_VERBS = frozenset({"get", "post", "put", "delete", "patch", "head", "options", "websocket"})
_BY_METHODS = frozenset({"route", "api_route"})
_ADDERS = frozenset({"add_url_rule", "add_api_route", "add_route", "add_resource", "add_api_websocket_route"})
_DJANGO = frozenset({"django.urls.path", "django.urls.re_path", "django.conf.urls.url"})
_BENTOML = ("bentoml.api", "bentoml.Service().api")


@dataclass(slots=True)
class Graph:
    """Which code refers to which, the code behind each route, and what each call is part of."""

    program: Program
    references: dict[Node, set[Node]] = field(default_factory=lambda: defaultdict(set))
    routes: dict[str, set[Node]] = field(default_factory=lambda: defaultdict(set))
    _holders: dict[int, set[Node]] = field(default_factory=lambda: defaultdict(set))
    _reached: dict[str, set[Node]] = field(default_factory=dict)

    @classmethod
    def of(cls, program: Program) -> Graph:
        """Read all references and routes."""
        graph = cls(program)
        for scope in program.scopes():
            if scope.kind != "module":
                graph._refers(scope.node, body_of(scope), scope)
            for name, values in scope.values.items():
                for value, at in values:
                    graph._refers(_variable(scope, name), [value], at)
            for label in graph._decorated(scope):
                graph.routes[label].add(scope.node)
        for call, scope in program.calls():
            graph._added(call, scope)
        return graph

    def leading_to(self, call: ast.Call) -> tuple[str, ...]:
        """The routes from which a call is reached, or what it gives is used: `POST /forecast`."""
        holders = self._holders[id(call)]
        return tuple(sorted(label for label in self.routes if holders & self._from(label))[:_MOST_ROUTES])

    def _refers(self, node: Node, body: Sequence[ast.AST], scope: Scope) -> None:
        for each in own_nodes(body):
            if isinstance(each, ast.Call):
                self._holders[id(each)].add(node)
            elif isinstance(each, ast.Name | ast.Attribute):
                self.references[node].update(self.program.nodes(each, scope))

    def _from(self, label: str) -> set[Node]:
        """All that a route refers to, in a few steps."""
        if label not in self._reached:
            seen = set(self.routes[label])
            edge = seen
            for _ in range(_HOPS):
                edge = {far for node in edge for far in self.references.get(node, ())} - seen
                seen = seen | edge
            self._reached[label] = seen
        return self._reached[label]

    def _decorated(self, scope: Scope) -> Iterator[str]:
        """The routes that a function is made one by its decorators."""
        if not isinstance(scope.tree, Function) or scope.parent is None:
            return
        for decorator in scope.tree.decorator_list:
            call = decorator if isinstance(decorator, ast.Call) else None
            name = self.program.name(call.func if call else decorator, scope.parent)
            if name.endswith(_BENTOML):
                yield f"POST /{scope.tree.name}"
            elif call and isinstance(call.func, ast.Attribute):
                verb = call.func.attr
                path = _path(call, 0)
                if path is not None and verb in _VERBS | _BY_METHODS:
                    path = self._prefix(call.func.value, scope.parent) + path
                    verbs = _methods(call) if verb in _BY_METHODS else [verb.upper()]
                    yield from (f"{each} {path}" for each in verbs)

    def _added(self, call: ast.Call, scope: Scope) -> None:
        """The routes that a call adds: `app.add_url_rule("/x", view_func=f)`, Django's `path("x", f)`."""
        if self.program.name(call.func, scope) in _DJANGO:
            path = _text(call.args[0]) if call.args else None
            path = None if path is None else f"/{path}"
        elif isinstance(call.func, ast.Attribute) and call.func.attr in _ADDERS:
            path = next((text for number in (0, 1) if (text := _path(call, number)) is not None), None)
        else:
            return
        if path is None:
            return
        for label in (f"{each} {path}" for each in _methods(call, default="any")):
            for given in (*call.args, *(keyword.value for keyword in call.keywords)):
                for each in own_nodes([given]):
                    if isinstance(each, ast.Name | ast.Attribute):
                        self.routes[label].update(self.program.nodes(each, scope))

    def _prefix(self, router: ast.expr, scope: Scope) -> str:
        """What a blueprint or a router puts before its paths."""
        found = self.program.target(router, scope)
        for value, _ in found[0].values.get(found[1], []) if found else ():
            for keyword in value.keywords if isinstance(value, ast.Call) else ():
                if keyword.arg in ("url_prefix", "prefix"):
                    return (_text(keyword.value) or "").rstrip("/")
        return ""


def _variable(scope: Scope, name: str) -> Node:
    if name.startswith(f"{ANYWHERE}."):
        return Node(ANYWHERE, name.removeprefix(f"{ANYWHERE}."))
    return scope.node if scope.kind == "class" else Node(scope.uri, scope.below(name))


def _methods(call: ast.Call, default: str = "GET") -> list[str]:
    """The methods that a call names."""
    for keyword in call.keywords:
        if keyword.arg == "methods" and isinstance(keyword.value, ast.List | ast.Tuple | ast.Set):
            named = [text.upper() for each in keyword.value.elts if (text := _text(each))]
            return named or [default]
    return [default]


def _path(call: ast.Call, number: int) -> str | None:
    """The path of a route among the arguments of a call."""
    named = [each.value for each in call.keywords if each.arg in ("rule", "path")]
    text = _text((*named, *call.args[number : number + 1])[0]) if named or len(call.args) > number else None
    return text if text is not None and (text.startswith("/") or not text) else None


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
