"""The routes of a service, by reading its code: which function answers which method of which path."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from mlsecops.dast.target import Handler
from mlsecops.reach.program import Program
from mlsecops.reach.scopes import Function, Scope

VERBS = frozenset({"get", "post", "put", "delete", "patch", "head", "options"})
_BY_METHODS = frozenset({"route", "api_route"})
_ADDERS = frozenset({"add_url_rule", "add_api_route", "add_route"})
_INCLUDERS = {"include_router": "prefix", "register_blueprint": "url_prefix", "mount": "path"}
_PREFIXES = frozenset({"prefix", "url_prefix"})
_MOST_INCLUSIONS = 8
# Flask's `<int:name>`, Starlette's `{name:path}`.
_FLASK = re.compile(r"<(?:(?P<kind>\w+)(?:\([^)]*\))?:)?(?P<name>\w+)>")
_STARLETTE = re.compile(r"\{(?P<name>\w+)(?::(?P<kind>\w+))?\}")

Router = tuple[Scope, str]


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path, as OpenAPI writes it; `kinds` are the converters of its parameters.

    `scope` is the function that answers, None where only its line is known.
    """

    method: str
    path: str
    handler: Handler
    scope: Scope | None = None
    kinds: dict[str, str] = field(default_factory=dict)


def routes(program: Program) -> list[Route]:
    """All routes that the text of the program says, sorted by place."""
    found = _Finder(program).found()
    return sorted(found, key=lambda each: (each.handler.uri, each.handler.line, each.path, each.method))


def handler_of(scope: Scope) -> Handler:
    """The place of a function: the line of its `def`."""
    return Handler(scope.uri, 1 if isinstance(scope.tree, ast.Module) else scope.tree.lineno)


def template(path: str) -> tuple[str, dict[str, str]]:
    """A path of a framework as OpenAPI writes it, and the converter of each parameter that names one."""
    kinds: dict[str, str] = {}

    def plain(found: re.Match[str]) -> str:
        if found["kind"]:
            kinds[found["name"]] = found["kind"]
        return f"{{{found['name']}}}"

    return _STARLETTE.sub(plain, _FLASK.sub(plain, path)), kinds


def shape(path: str) -> str:
    """What two paths have in common that differ in the names of their parameters only."""
    return re.sub(r"\{[^{}]*\}", "{}", path).rstrip("/") or "/"


@dataclass(slots=True)
class _Finder:
    program: Program
    inclusions: list[tuple[Router, Router | None, str]] = field(default_factory=list)

    def found(self) -> Iterator[Route]:
        for call, scope in self.program.calls():
            self._included(call, scope)
        for scope in self.program.scopes():
            if isinstance(scope.tree, Function) and scope.parent:
                for decorator in scope.tree.decorator_list:
                    yield from self._decorated(decorator, scope, scope.parent)
        for call, scope in self.program.calls():
            yield from self._added(call, scope)

    def _decorated(self, decorator: ast.expr, function: Scope, outside: Scope) -> Iterator[Route]:
        if not (isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Attribute)):
            return
        verb = decorator.func.attr
        path = _text(decorator, 0, ("rule", "path"))
        if verb in VERBS | _BY_METHODS and path is not None:
            methods = _methods(decorator) if verb in _BY_METHODS else [verb.upper()]
            yield from self._all(decorator.func.value, outside, path, methods, function)

    def _added(self, call: ast.Call, scope: Scope) -> Iterator[Route]:
        if not isinstance(call.func, ast.Attribute):
            return
        owner = call.func.value
        if call.func.attr in _ADDERS:
            path = _text(call, 0, ("rule", "path"))
            given = [*call.args[1:], *(each.value for each in call.keywords)]
            for view in self._views(given, scope) if path is not None else ():
                yield from self._by_view(owner, scope, path or "", view, _methods(call))
        elif call.func.attr == "add_resource" and call.args:
            for view in self._views(call.args[:1], scope):
                for each in call.args[1:]:
                    if isinstance(each, ast.Constant) and isinstance(each.value, str):
                        yield from self._by_view(owner, scope, each.value, view, [])

    def _views(self, given: Sequence[ast.expr], scope: Scope) -> Iterator[Scope]:
        """The functions and classes among the arguments: `f`, `View`, `View.as_view("name")`."""
        for each in given:
            found = self.program.definition(_viewed(each), scope)
            if found:
                yield found

    def _by_view(
        self, owner: ast.expr, scope: Scope, path: str, view: Scope, methods: list[str]
    ) -> Iterator[Route]:
        if view.kind == "function":
            yield from self._all(owner, scope, path, methods, view)
            return
        for name, method in view.definitions.items():
            if name in VERBS:
                yield from self._all(owner, scope, path, [name.upper()], method)

    def _all(
        self, owner: ast.expr, scope: Scope, path: str, methods: Sequence[str], function: Scope
    ) -> Iterator[Route]:
        for prefix in self._prefixes(self.program.target(owner, scope), 0):
            whole, kinds = template(f"/{prefix}{path}".replace("//", "/"))
            for method in methods:
                yield Route(method, whole, handler_of(function), function, kinds)

    def _prefixes(self, router: Router | None, depth: int) -> Iterator[str]:
        """What stands before the paths of a router: its own prefix and those of all that include it."""
        if router is None or depth > _MOST_INCLUSIONS:
            yield ""
            return
        own = self._own_prefix(router)
        included = [each for each in self.inclusions if _is_same(each[0], router)]
        for _, parent, prefix in included:
            # A blueprint's own prefix gives way to the one that it is registered with.
            last = prefix.removeprefix("=") if prefix.startswith("=") else f"{prefix}{own}"
            yield from (f"{before}{last}" for before in self._prefixes(parent, depth + 1))
        if not included:
            yield own

    def _own_prefix(self, router: Router) -> str:
        home, name = router
        for value, _ in home.values.get(name, []):
            for keyword in value.keywords if isinstance(value, ast.Call) else ():
                if keyword.arg in _PREFIXES and isinstance(keyword.value, ast.Constant):
                    return str(keyword.value.value or "").rstrip("/")
        return ""

    def _included(self, call: ast.Call, scope: Scope) -> None:
        if not (isinstance(call.func, ast.Attribute) and call.func.attr in _INCLUDERS and call.args):
            return
        key = _INCLUDERS[call.func.attr]
        given = call.args[1:2] if call.func.attr == "mount" else call.args[:1]
        prefix = _text(call, 0 if key == "path" else len(call.args), (key,))
        router = self.program.target(given[0], scope) if given else None
        if router is None:
            return
        parent = self.program.target(call.func.value, scope)
        mark = "=" if key == "url_prefix" and prefix else ""
        self.inclusions.append((router, parent, f"{mark}{(prefix or '').rstrip('/')}"))


def _viewed(given: ast.expr) -> ast.expr:
    if isinstance(given, ast.Call) and isinstance(given.func, ast.Attribute) and given.func.attr == "as_view":
        return given.func.value
    return given


def _is_same(one: Router, other: Router) -> bool:
    return one[0] is other[0] and one[1] == other[1]


def _text(call: ast.Call, place: int, names: Sequence[str]) -> str | None:
    """A constant text among the arguments of a call, by its names or its place."""
    named = [each.value for each in call.keywords if each.arg in names]
    for value in (*named, *call.args[place : place + 1]):
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            return value.value
    return None


def _methods(call: ast.Call) -> list[str]:
    """The methods that a call names, GET without."""
    for keyword in call.keywords:
        if keyword.arg == "methods" and isinstance(keyword.value, ast.List | ast.Tuple | ast.Set):
            named = [each.value for each in keyword.value.elts if isinstance(each, ast.Constant)]
            return sorted({str(each).upper() for each in named}) or ["GET"]
    return ["GET"]


def best(found: Sequence[Route], method: str, path: str) -> Route | None:
    """The route that answers an operation: of the same path, else the only one whose path ends alike."""
    same = [each for each in found if each.method == method.upper()]
    exact = [each for each in same if shape(each.path) == shape(path)]
    if exact:
        return exact[0]
    ends = [each for each in same if _ends_alike(shape(each.path), shape(path))]
    longest = max((len(shape(each.path)) for each in ends), default=0)
    ends = [each for each in ends if len(shape(each.path)) == longest]
    return ends[0] if len({(each.handler.uri, each.handler.line) for each in ends}) == 1 else None


def _ends_alike(one: str, other: str) -> bool:
    return one != "/" and other != "/" and (one.endswith(other) or other.endswith(one))


def joined(prefix: str, path: str) -> str:
    """A path below a prefix."""
    return posixpath.join("/", prefix.strip("/"), path.lstrip("/")) if prefix.strip("/") else path
