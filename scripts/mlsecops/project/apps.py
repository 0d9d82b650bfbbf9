"""The web applications of a project, found by parsing its Python files; nothing is imported."""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from mlsecops.project.inventory import App, Framework

if TYPE_CHECKING:
    from collections.abc import Iterator

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_HOLDERS = (ast.stmt, ast.ExceptHandler, ast.match_case)

MAX_SOURCE = 2 * 1024 * 1024  # bytes; no application is written in a larger file

# What makes an application, by the full name that its import gives it.
_MAKERS: dict[str, Framework] = {
    "flask.Flask": "flask",
    "quart.Quart": "flask",
    "fastapi.FastAPI": "fastapi",
    "dash.Dash": "dash",
    "connexion.App": "connexion",
    "connexion.FlaskApp": "connexion",
    "connexion.AsyncApp": "connexion",
    "connexion.FlaskApi": "connexion",
    "gradio.Interface": "gradio",
    "gradio.Blocks": "gradio",
    "gradio.ChatInterface": "gradio",
    "gradio.TabbedInterface": "gradio",
}
_MODULES = frozenset(full.partition(".")[0] for full in _MAKERS)
_PACKAGE = re.compile(rb"\b(?:flask|quart|fastapi|dash|connexion|gradio|streamlit)\b")
_STREAMLIT = re.compile(r"^[ \t]*(?:import streamlit\b|from streamlit\b)", re.MULTILINE)
_ASSIGNED = re.compile(
    r"^(?P<indent>[ \t]*)(?P<name>\w+)[ \t]*(?::[^=\n]*)?=[ \t]*"
    r"(?:\w+\.)*(?P<maker>Flask|Quart|FastAPI|Dash|FlaskApp)\(",
    re.MULTILINE,
)
_BY_WORD: dict[str, Framework] = {
    "Flask": "flask",
    "Quart": "flask",
    "FastAPI": "fastapi",
    "Dash": "dash",
    "FlaskApp": "connexion",
}


def may_hold_app(source: bytes) -> bool:
    """Whether a file is worth parsing: whether a line with an import names what makes applications."""
    pieces = source.split(b"import")  # one fast pass; a pattern over the whole source takes ten times as long
    for before, after in pairwise(pieces):
        line = before[before.rfind(b"\n") + 1 :] + after[:200].partition(b"\n")[0]
        if _PACKAGE.search(line):
            return True
    return False


def apps_in(uri: str, source: str) -> tuple[App, ...]:
    """The applications that a source file makes; by text alone when it does not parse."""
    try:
        tree = parse(source)
    except SyntaxError:
        return tuple(_apps_by_text(uri, source))
    finder = _Finder(uri, _imported(tree))
    finder.scope(tree.body, owner=None)
    line = None if finder.apps else _streamlit_line(tree)
    return (App("streamlit", uri, "", line),) if line else tuple(finder.apps)


def parse(source: str) -> ast.Module:
    """Parse Python; raises SyntaxError, whatever it is that the parser cannot take."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except (ValueError, RecursionError, MemoryError) as error:
        raise SyntaxError(str(error) or type(error).__name__) from error


@dataclass(slots=True)
class _Finder:
    """Follows assignments of one module, scope by scope; `imported` gives local names their full ones.

    The owner of a scope is None for the module, a function of the module that can be called without
    arguments, or "" for what cannot be reached from outside.
    """

    uri: str
    imported: dict[str, str]
    apps: list[App] = field(default_factory=list)
    factories: dict[str, int] = field(default_factory=dict)

    def scope(self, body: list[ast.stmt], owner: str | None, returned: frozenset[str] = frozenset()) -> None:
        """Find the applications of a scope and of those inside it."""
        for statement in _statements(body):
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
                self._function(statement, reachable=owner is None)
            elif isinstance(statement, ast.ClassDef):
                self.scope(statement.body, owner="")
            else:
                self._statement(statement, owner, returned)

    def _function(self, function: _Function, *, reachable: bool) -> None:
        returned = frozenset(
            statement.value.id
            for statement in _statements(function.body)
            if isinstance(statement, ast.Return) and isinstance(statement.value, ast.Name)
        )
        self.scope(function.body, function.name if reachable else "", returned)
        if _needs_arguments(function):
            at = self.factories.get(function.name)
            if at is not None and reachable:
                self.apps[at] = replace(self.apps[at], name="")

    def _statement(self, statement: ast.stmt, owner: str | None, returned: frozenset[str]) -> None:
        for value, names in _values(statement):
            framework = self._framework(value)
            if framework:
                made = isinstance(statement, ast.Return) or bool(returned & set(names))
                self._add(App(framework, self.uri, "", value.lineno), owner, names, made=made)
            elif owner is None and names and isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
                at = self.factories.get(value.func.id)
                if at is not None:  # app = create_app(...): the variable is there, whatever the arguments
                    self.apps[at] = replace(self.apps[at], name=names[-1])

    def _add(self, app: App, owner: str | None, names: list[str], *, made: bool) -> None:
        if owner is None and names:
            app = replace(app, name=names[-1])
        elif owner and made:
            app = replace(app, name=f"{owner}()")
            self.factories[owner] = len(self.apps)
        self.apps.append(app)

    def _framework(self, value: ast.expr) -> Framework | None:
        if not isinstance(value, ast.Call):
            return None
        last = ""
        node = value.func
        while isinstance(node, ast.Attribute):
            last = last or node.attr
            node = node.value
        if not isinstance(node, ast.Name) or node.id not in self.imported:
            return None
        full = self.imported[node.id]
        return _MAKERS.get(f"{full.partition('.')[0]}.{last or full.rpartition('.')[2]}")


def _imported(tree: ast.Module) -> dict[str, str]:
    """Local name -> full name, for the modules that matter."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                package = alias.name.partition(".")[0]
                if package in _MODULES:
                    names[alias.asname or package] = package
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            package = node.module.partition(".")[0]
            for alias in node.names:
                if alias.name == "*":
                    known = (full.rpartition(".")[2] for full in _MAKERS if full.startswith(f"{package}."))
                    names |= {name: f"{package}.{name}" for name in known}
                elif package in _MODULES:
                    names[alias.asname or alias.name] = f"{package}.{alias.name}"
    return names


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of one scope: into `if`, `try`, `with` and loops, not into functions and classes."""
    stack: list[ast.AST] = list(reversed(body))
    while stack:
        node = stack.pop()
        if isinstance(node, ast.stmt):
            yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            inner = [child for child in ast.iter_child_nodes(node) if isinstance(child, _HOLDERS)]
            stack += reversed(inner)


def _values(statement: ast.stmt) -> Iterator[tuple[ast.expr, list[str]]]:
    """The expressions of a statement that may make an application, with the names that they get."""
    if isinstance(statement, ast.Assign):
        yield statement.value, [target.id for target in statement.targets if isinstance(target, ast.Name)]
    elif isinstance(statement, ast.AnnAssign) and statement.value:
        yield statement.value, [statement.target.id] if isinstance(statement.target, ast.Name) else []
    elif isinstance(statement, ast.Return) and statement.value:
        yield statement.value, []
    elif isinstance(statement, ast.With | ast.AsyncWith):
        for item in statement.items:
            target = item.optional_vars
            yield item.context_expr, [target.id] if isinstance(target, ast.Name) else []
    elif isinstance(statement, ast.Expr):
        yield from ((node, []) for node in ast.walk(statement.value) if isinstance(node, ast.Call))


def _needs_arguments(function: _Function) -> bool:
    arguments = function.args
    required = len(arguments.posonlyargs) + len(arguments.args) - len(arguments.defaults)
    return required > 0 or any(default is None for default in arguments.kw_defaults)


def _streamlit_line(tree: ast.Module) -> int | None:
    """Line where a script first uses streamlit; a module that only offers functions is no application."""
    names = {
        alias.asname or alias.name.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        or (isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "streamlit")
        for alias in node.names
        if isinstance(node, ast.ImportFrom) or alias.name.partition(".")[0] == "streamlit"
    }
    runs = [
        statement
        for statement in _statements(tree.body)
        if isinstance(statement, ast.Expr | ast.Assign | ast.With)
        and any(isinstance(node, ast.Call) for node in ast.walk(statement))
    ]
    if not names or not runs:
        return None
    lines = (node.lineno for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id in names)
    return min(lines, default=None)


def _apps_by_text(uri: str, source: str) -> Iterator[App]:
    for found in _ASSIGNED.finditer(source):
        line = source.count("\n", 0, found.start()) + 1
        yield App(_BY_WORD[found["maker"]], uri, "" if found["indent"] else found["name"], line)
    first = _STREAMLIT.search(source)
    if first:
        yield App("streamlit", uri, "", source.count("\n", 0, first.start()) + 1)
