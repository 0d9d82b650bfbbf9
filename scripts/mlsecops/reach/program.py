"""The modules of a project together: names resolved from one file into another."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from mlsecops.reach.scopes import ANYWHERE, Node, Scope, own_nodes

_DEEP = 12


@dataclass(slots=True)
class Program:
    """All modules of a project that could be read."""

    modules: dict[str, Scope]
    _names: dict[tuple[int, int], str] = field(default_factory=dict)
    _by_name: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    _calls: dict[str, list[tuple[ast.Call, Scope]]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def of(cls, modules: Iterable[Scope]) -> Program:
        """Index the modules, and the calls of functions in them."""
        program = cls({module.uri: module for module in modules})
        for uri in sorted(program.modules):
            parts = uri.removesuffix(".py").removesuffix("/__init__").split("/")
            program._by_name[".".join(["", *parts])].append(uri)
            for start in range(len(parts)):
                program._by_name[".".join(parts[start:])].append(uri)
        for call, scope in program.calls():
            name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            program._calls[name].append((call, scope))
        return program

    def scopes(self) -> Iterator[Scope]:
        """Every scope of every module."""
        for module in self.modules.values():
            yield from module.every()

    def calls(self) -> Iterator[tuple[ast.Call, Scope]]:
        """Every call, and the scope that it stands in."""
        for scope in self.scopes():
            for node in own_nodes(scope.tree.body):
                if isinstance(node, ast.Call):
                    yield node, scope

    def callers(self, function: Scope) -> Iterator[tuple[ast.Call, Scope]]:
        """The calls of a function, or of the class whose `__init__` it is."""
        called = function.parent if function.name.endswith(".__init__") and function.parent else function
        for call, scope in self._calls[called.name.rpartition(".")[2]]:
            if self.definition(call.func, scope) is called:
                yield call, scope

    def name(self, expression: ast.expr, scope: Scope) -> str:
        """The full name of an expression, such as `xgboost.Booster().load_model`; "" where it has none."""
        key = (id(expression), id(scope))
        if key not in self._names:
            self._names[key] = ""  # for what refers to itself
            with suppress(RecursionError):
                self._names[key] = self._name(expression, scope)
        return self._names[key]

    def _name(self, expression: ast.expr, scope: Scope) -> str:
        if isinstance(expression, ast.Call):
            name = self.name(expression.func, scope)
            return f"{name}()" if name else ""
        if isinstance(expression, ast.Attribute):
            if _is_self(expression.value) and scope.owner:
                return self._first(scope.owner.values.get(expression.attr, []))
            name = self.name(expression.value, scope)
            return f"{name}.{expression.attr}" if name else ""
        if not isinstance(expression, ast.Name):
            return ""
        home = scope.home(expression.id)
        if home is None:
            return scope.module.imports.get(expression.id, expression.id)
        return self._first(home.values.get(expression.id, []))

    def _first(self, values: Iterable[tuple[ast.expr, Scope]]) -> str:
        return next((name for value, at in values if (name := self.name(value, at))), "")

    def definition(self, expression: ast.expr, scope: Scope) -> Scope | None:
        """The function or class of the project that an expression names."""
        found = self.target(expression, scope)
        return found[0].definitions.get(found[1]) if found else None

    def named(self, dotted: str) -> Scope | None:
        """The function or class of a full name, `package.module.function`."""
        found = self._imported(dotted)
        return found[0].definitions.get(found[1]) if found else None

    def target(self, expression: ast.expr, scope: Scope) -> tuple[Scope, str] | None:
        """The scope and the name in it that an expression stands for; None for what is not the project's."""
        if isinstance(expression, ast.Name):
            home = scope.home(expression.id)
            if home:
                return home, expression.id
            return self._imported(scope.module.imports.get(expression.id, ""))
        if not isinstance(expression, ast.Attribute):
            return None
        if _is_self(expression.value) and scope.owner:
            return scope.owner, expression.attr
        dotted = _dotted(expression)
        top = dotted.partition(".")[0]
        if dotted and top in scope.module.imports and scope.home(top) is None:
            return self._imported(scope.module.imports[top] + dotted.removeprefix(top))
        return None

    def nodes(self, expression: ast.expr, scope: Scope) -> Iterator[Node]:
        """What an expression refers to, in the project."""
        found = self.target(expression, scope)
        if found:
            home, name = found
            inner = home.definitions.get(name)
            yield inner.node if inner else home.node if home.owner else Node(home.uri, home.below(name))
        if isinstance(expression, ast.Attribute):
            yield Node(ANYWHERE, expression.attr)

    def _imported(self, dotted: str, depth: int = _DEEP) -> tuple[Scope, str] | None:
        """`package.module.name` -> that module and that name."""
        module, _, name = dotted.rpartition(".")
        uris = self._by_name.get(module, [])
        if not name or len(uris) != 1 or depth == 0:
            return None
        scope = self.modules[uris[0]]
        if name in scope.definitions or name in scope.values:
            return scope, name
        # A package that offers a name of one of its modules.
        onward = scope.imports.get(name)
        return self._imported(onward, depth - 1) if onward else None


def _is_self(expression: ast.expr) -> bool:
    return isinstance(expression, ast.Name) and expression.id in ("self", "cls")


def _dotted(expression: ast.expr) -> str:
    parts = []
    while isinstance(expression, ast.Attribute):
        parts.append(expression.attr)
        expression = expression.value
    return ".".join([expression.id, *reversed(parts)]) if isinstance(expression, ast.Name) else ""
