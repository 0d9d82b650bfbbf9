"""What text or path an expression may be, where constants of the project say so."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from itertools import islice, product

from mlsecops.reach.program import Program
from mlsecops.reach.scopes import Function, Scope, own_nodes

UNKNOWN = "\0"  # a part of a text of which nothing is known
ROOT = "\1"  # the root of the project, at the beginning of a path from there
_DEEP, _MOST = 14, 16
_PATHS = frozenset({"Path", "PurePath", "PosixPath", "PurePosixPath", "UPath"})
_PATHS_TOO = ("os.path.join", "posixpath.join", "path.join")
# Functions and methods that give what they are given, or what lies there.
_SAME = frozenset(
    {"str", "open", "io.open", "io.BytesIO", "BytesIO", "gzip.open", "bz2.open", "lzma.open", "codecs.open"}
    | {"os.fspath", "os.path.abspath", "os.path.realpath", "os.path.normpath", "os.path.expanduser"}
)
_SAME_METHODS = frozenset(
    {"resolve", "absolute", "expanduser", "as_posix", "open", "read", "read_bytes", "strip"}
)
_GETTERS = frozenset({"os.getenv", "os.environ.get", "getenv", "environ.get"})
_FIELD = re.compile(r"\{[^{}]*\}|%\(\w+\)[sdr]|%[sdr]")


@dataclass(slots=True)
class Texts:
    """Evaluates expressions of one program."""

    program: Program
    _known: dict[tuple[int, int], frozenset[str]] = field(default_factory=dict)

    def of(self, expression: ast.expr, scope: Scope, depth: int = _DEEP) -> frozenset[str]:
        """All texts that an expression may be, at most 16, with `UNKNOWN` for parts that are not known."""
        key = (id(expression), id(scope))
        if depth == 0:
            return frozenset({UNKNOWN})
        if key not in self._known:
            self._known[key] = frozenset({UNKNOWN})  # for what refers to itself
            self._known[key] = frozenset(islice(sorted(self._of(expression, scope, depth - 1)), _MOST))
        return self._known[key]

    def _of(self, node: ast.expr, scope: Scope, depth: int) -> Iterable[str]:
        if isinstance(node, ast.Constant):
            return {node.value if isinstance(node.value, str) else UNKNOWN}
        if isinstance(node, ast.Name):
            return self._named(node, scope, depth)
        if isinstance(node, ast.Attribute):
            return self._attribute(node, scope, depth)
        if isinstance(node, ast.Call):
            return self._call(node, scope, depth)
        if isinstance(node, ast.BinOp):
            return self._operation(node, scope, depth)
        if isinstance(node, ast.JoinedStr):
            parts = [each.value if isinstance(each, ast.FormattedValue) else each for each in node.values]
            return self._combined(parts, scope, depth, "".join)
        if isinstance(node, ast.Subscript):
            return self._item(node, scope, depth)
        several = _alternatives(node)
        return self._any(several, scope, depth) if several else {UNKNOWN}

    def _any(self, nodes: Iterable[ast.expr], scope: Scope, depth: int) -> set[str]:
        return {text for node in nodes for text in self.of(node, scope, depth)}

    def _combined(
        self, parts: Iterable[ast.expr], scope: Scope, depth: int, how: Callable[[tuple[str, ...]], str]
    ) -> set[str]:
        every = [sorted(self.of(part, scope, depth)) for part in parts]
        return {how(each) for each in islice(product(*every), 4 * _MOST)}

    def _named(self, node: ast.Name, scope: Scope, depth: int) -> Iterable[str]:
        if node.id == "__file__":
            return {ROOT + scope.uri}
        home = scope.home(node.id)
        if home and node.id in home.parameters and node.id not in home.values:
            return self._parameter(home, node.id, depth)
        found = self.program.target(node, scope)
        return self._values(*found, depth) if found else {UNKNOWN}

    def _values(self, home: Scope, name: str, depth: int) -> Iterable[str]:
        values = home.values.get(name, [])
        return {text for value, at in values for text in self.of(value, at, depth)} or {UNKNOWN}

    def _parameter(self, function: Scope, name: str, depth: int) -> set[str]:
        """What a parameter may be: its default, and what the callers in the project give."""
        found: set[str] = set()
        default = _default(function, name)
        if default is not None and function.parent:
            found |= self.of(default, function.parent, depth)
        skipped = 1 if function.parameters[:1] in (("self",), ("cls",)) else 0
        place = function.parameters.index(name) - skipped
        for call, scope in islice(self.program.callers(function), _MOST):
            given = argument(call, place, (name,))
            if given is not None:
                found |= self.of(given, scope, depth)
        return found or {UNKNOWN}

    def _attribute(self, node: ast.Attribute, scope: Scope, depth: int) -> Iterable[str]:
        if node.attr == "parent":
            return {_parent(text) for text in self.of(node.value, scope, depth)}
        if node.attr in ("name", "stem", "suffix"):
            return {UNKNOWN}
        found = self.program.target(node, scope)
        if found:
            return self._values(*found, depth)
        # An attribute of an instance of the project's own class, as in `settings.model_path`.
        made = self.program.name(node.value, scope).removesuffix("()")
        owner = scope.module.definitions.get(made) or self.program.definition(node.value, scope)
        if owner is None:
            home = self.program.target(node.value, scope)
            values = home[0].values.get(home[1], []) if home else []
            calls = [(value.func, at) for value, at in values if isinstance(value, ast.Call)]
            owner = next((each for call, at in calls if (each := self.program.definition(call, at))), None)
        return self._values(owner, node.attr, depth) if owner else {UNKNOWN}

    def _call(self, node: ast.Call, scope: Scope, depth: int) -> Iterable[str]:
        name = self.program.name(node.func, scope)
        last = name.rpartition(".")[2]
        if name in _GETTERS:
            return self.of(node.args[1], scope, depth) if len(node.args) > 1 else {UNKNOWN}
        if last in _PATHS or name in _PATHS_TOO:
            return self._combined(node.args, scope, depth, _joined) if node.args else {"."}
        if name in _SAME and node.args:
            return self.of(node.args[0], scope, depth)
        if name == "os.path.dirname" and node.args:
            return {_parent(text) for text in self.of(node.args[0], scope, depth)}
        function = self.program.definition(node.func, scope)
        if function and function.kind == "function":
            returns = [each.value for each in own_nodes(function.tree.body) if isinstance(each, ast.Return)]
            return self._any([each for each in returns if each], function, depth) or {UNKNOWN}
        return self._method(node, scope, depth)

    def _method(self, node: ast.Call, scope: Scope, depth: int) -> Iterable[str]:
        if not isinstance(node.func, ast.Attribute):
            return {UNKNOWN}
        method, owner = node.func.attr, node.func.value
        if method in _SAME_METHODS:
            return self.of(owner, scope, depth)
        if method == "joinpath":
            return self._combined([owner, *node.args], scope, depth, _joined)
        if method == "format":
            return {_FIELD.sub(UNKNOWN, text) for text in self.of(owner, scope, depth)}
        return {UNKNOWN}

    def _operation(self, node: ast.BinOp, scope: Scope, depth: int) -> Iterable[str]:
        if isinstance(node.op, ast.Div):
            return self._combined([node.left, node.right], scope, depth, _joined)
        if isinstance(node.op, ast.Add):
            return self._combined([node.left, node.right], scope, depth, "".join)
        if isinstance(node.op, ast.Mod):
            return {_FIELD.sub(UNKNOWN, text) for text in self.of(node.left, scope, depth)}
        return {UNKNOWN}

    def _item(self, node: ast.Subscript, scope: Scope, depth: int) -> Iterable[str]:
        if isinstance(node.value, ast.Attribute) and node.value.attr == "parents":
            steps = node.slice.value if isinstance(node.slice, ast.Constant) else None
            texts = self.of(node.value.value, scope, depth)
            if not isinstance(steps, int) or not 0 <= steps < _MOST:
                return {UNKNOWN}
            for _ in range(steps + 1):
                texts = frozenset(map(_parent, texts))
            return texts
        return self.of(node.value, scope, depth)


def argument(call: ast.Call, place: int | None, names: Collection[str]) -> ast.expr | None:
    """The argument of a call at a place or by one of its names."""
    for keyword in call.keywords:
        if keyword.arg and keyword.arg in names:
            return keyword.value
    if place is not None and 0 <= place < len(call.args):
        return call.args[place]
    return None


def _default(function: Scope, name: str) -> ast.expr | None:
    if not isinstance(function.tree, Function):
        return None
    every = function.tree.args
    positional = [*every.posonlyargs, *every.args]
    first = len(positional) - len(every.defaults)
    given = {each.arg: default for each, default in zip(positional[first:], every.defaults, strict=True)}
    keywords = zip(every.kwonlyargs, every.kw_defaults, strict=True)
    return (given | {each.arg: default for each, default in keywords if default}).get(name)


def _alternatives(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.IfExp):
        return [node.body, node.orelse]
    if isinstance(node, ast.BoolOp | ast.List | ast.Tuple):
        return node.values if isinstance(node, ast.BoolOp) else node.elts
    if isinstance(node, ast.Dict):
        return node.values
    if isinstance(node, ast.NamedExpr | ast.Await | ast.Starred):
        return [node.value]
    return []


def _joined(parts: tuple[str, ...]) -> str:
    path = ""
    for part in parts:
        rooted = part.startswith(("/", ROOT)) or path in ("", ".")
        path = part if rooted else f"{path.rstrip('/')}/{part}"
    return path


def _parent(path: str) -> str:
    if path in (UNKNOWN, ROOT):
        return UNKNOWN
    if path.startswith(ROOT):
        return ROOT + posixpath.dirname(path[1:])
    return posixpath.dirname(path) or "."
