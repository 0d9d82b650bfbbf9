"""Python modules as scopes: what every name in them stands for, as far as the text says it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef

# Stands for every object whose attribute of a name is set from outside, as in `app.state.model = ...`.
ANYWHERE = "*"


@dataclass(frozen=True, slots=True)
class Node:
    """What code can refer to: a function, a class or a variable of a file, by its qualified name."""

    uri: str
    name: str


@dataclass(eq=False, slots=True)
class Scope:
    """A module, a function or a class. `values` are all that a name is given, each with where it stands."""

    uri: str
    kind: Literal["module", "function", "class"]
    name: str
    tree: ast.Module | Definition
    parent: Scope | None = None
    values: dict[str, list[tuple[ast.expr, Scope]]] = field(default_factory=dict)
    definitions: dict[str, Scope] = field(default_factory=dict)
    parameters: tuple[str, ...] = ()
    shared: set[str] = field(default_factory=set)
    imports: dict[str, str] = field(default_factory=dict)

    @property
    def module(self) -> Scope:
        """The module that it is in."""
        return self.parent.module if self.parent else self

    @property
    def owner(self) -> Scope | None:
        """The class that it is, or is a method of."""
        if self.kind == "class":
            return self
        return self.parent.owner if self.parent and self.kind == "function" else None

    @property
    def node(self) -> Node:
        """What it counts as: a method is part of its class."""
        return Node(self.uri, (self.owner or self).name)

    def below(self, name: str) -> str:
        """The qualified name of something in it."""
        return f"{self.name}.{name}" if self.name else name

    def home(self, name: str) -> Scope | None:
        """The scope that a name belongs to when it is used here; None for a name from outside."""
        scope: Scope | None = self
        while scope:
            seen = name in scope.values or name in scope.definitions or name in scope.parameters
            if (seen and name not in scope.shared) and (scope.kind != "class" or scope is self):
                return scope
            scope = scope.parent
        return None

    def every(self) -> Iterator[Scope]:
        """This scope and all within it."""
        yield self
        for inner in self.definitions.values():
            yield from inner.every()


def read_module(uri: str, tree: ast.Module) -> Scope:
    """The scopes of a parsed file."""
    module = Scope(uri, "module", "", tree)
    _fill(module, tree.body)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            _import(module, node)
    return module


def own_nodes(body: Sequence[ast.AST]) -> Iterator[ast.AST]:
    """Everything in these nodes that is not in a function or a class of its own."""
    stack = list(reversed(body))
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, Definition):
            stack += reversed(list(ast.iter_child_nodes(node)))


def body_of(scope: Scope) -> list[ast.AST]:
    """What runs when a scope is used: of a function its defaults too, as in `x=Depends(y)`."""
    if isinstance(scope.tree, Function):
        defaults = [*scope.tree.args.defaults, *(each for each in scope.tree.args.kw_defaults if each)]
        annotations = [each.annotation for each in scope.tree.args.args if each.annotation]
        return [*scope.tree.body, *defaults, *annotations]
    return list(scope.tree.body)


def _fill(scope: Scope, body: Sequence[ast.AST]) -> None:
    for node in own_nodes(body):
        if isinstance(node, Definition):
            kind: Literal["class", "function"] = "class" if isinstance(node, ast.ClassDef) else "function"
            inner = Scope(scope.uri, kind, scope.below(node.name), node, scope)
            if isinstance(node, Function):
                every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                inner.parameters = tuple(each.arg for each in every)
            scope.definitions[node.name] = inner
        elif isinstance(node, ast.Global | ast.Nonlocal):
            scope.shared.update(node.names)
    for node in own_nodes(body):
        for target, value in _assigned(node):
            _assign(scope, target, value)
    for inner in scope.definitions.values():
        _fill(inner, inner.tree.body)


def _assigned(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    if isinstance(node, ast.Assign):
        yield from ((target, node.value) for target in node.targets)
    elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and node.value:
        yield node.target, node.value
    elif isinstance(node, ast.withitem) and node.optional_vars:
        yield node.optional_vars, node.context_expr
    elif isinstance(node, ast.For | ast.AsyncFor) and isinstance(node.iter, ast.List | ast.Tuple):
        yield from ((node.target, each) for each in node.iter.elts)


def _assign(scope: Scope, target: ast.expr, value: ast.expr) -> None:
    if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
        # models["a"] = ...: what is in a mapping counts as the mapping, wherever that was made
        home = scope.home(target.value.id) or scope
        home.values.setdefault(target.value.id, []).append((value, scope))
    elif isinstance(target, ast.Name):
        home = scope.module if target.id in scope.shared else scope
        home.values.setdefault(target.id, []).append((value, scope))
    elif isinstance(target, ast.Attribute):
        owner = scope.owner if isinstance(target.value, ast.Name) and target.value.id == "self" else None
        holder = owner or scope.module
        name = target.attr if owner else f"{ANYWHERE}.{target.attr}"
        holder.values.setdefault(name, []).append((value, scope))
    elif isinstance(target, ast.Tuple | ast.List) and isinstance(value, ast.Tuple | ast.List):
        for each, part in zip(target.elts, value.elts, strict=False):
            _assign(scope, each, part)


def _import(module: Scope, node: ast.Import | ast.ImportFrom) -> None:
    if isinstance(node, ast.Import):
        for alias in node.names:
            top = alias.name.partition(".")[0]
            module.imports[alias.asname or top] = alias.name if alias.asname else top
        return
    prefix = node.module or ""
    if node.level:
        # Relative to the file's own folder: with a dot in front, which no absolute name begins with.
        folders = module.uri.split("/")[: -node.level]
        prefix = "." + ".".join([*folders, *filter(None, [prefix])])
    for alias in node.names:
        module.imports[alias.asname or alias.name] = f"{prefix}.{alias.name}"
