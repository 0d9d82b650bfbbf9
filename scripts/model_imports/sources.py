"""Lists the classes and functions of a library from its source alone, where it cannot be installed.

What their code reaches is judged coarsely: by names of calls, in the function and those of its own module.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from pathlib import Path

from model_imports.listing import LEFT_OUT, LOADING, MAKING
from model_imports.sinks import ATTRIBUTES, BUILTINS, MODULES, OS

_DEPTH = 4
Node = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def entries(folder: Path, package: str, below: tuple[str, ...]) -> Iterator[tuple[str, str, str, str]]:
    """As `listing.entries`, for the modules of a package whose dotted names start with one of `below`."""
    for path in sorted(folder.joinpath(package).rglob("*.py")):
        parts = path.relative_to(folder).with_suffix("").parts
        module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if not _due(module, below) or any(part in f".{module}" for part in LEFT_OUT):
            continue
        tree = ast.parse(path.read_bytes())
        yield from _Module(module, tree).entries()


def _due(module: str, below: tuple[str, ...]) -> bool:
    return any(module == each or module.startswith(f"{each}.") for each in below)


class _Module:
    """One module's source."""

    def __init__(self, name: str, tree: ast.Module) -> None:
        self._name = name
        self._body = {node.name: node for node in tree.body if isinstance(node, Node)}
        self._imported = dict(_imports(tree))
        self._seen: set[ast.AST] = set()

    def entries(self) -> Iterator[tuple[str, str, str, str]]:
        """What it defines."""
        for name, node in self._body.items():
            if not isinstance(node, ast.ClassDef):
                yield self._name, name, "name", self._afresh(node)
                continue
            loading, making = (self._of_methods(node, names) for names in (LOADING, MAKING))
            enum = any("Enum" in ast.unparse(base) or "Flag" in ast.unparse(base) for base in node.bases)
            kind = "call" if enum and not loading else "class"
            yield self._name, name, kind, loading or (f"making:{making}" if making else "")

    def _of_methods(self, node: ast.ClassDef, names: tuple[str, ...]) -> str:
        for each in node.body:
            if isinstance(each, ast.FunctionDef) and each.name in names:
                reach = self._afresh(each, node)
                if reach:
                    return reach
        return ""

    def _afresh(self, node: ast.AST, owner: ast.ClassDef | None = None) -> str:
        self._seen.clear()
        return self._reach(node, _DEPTH, owner)

    def _reach(self, node: ast.AST, depth: int, owner: ast.ClassDef | None = None) -> str:
        if node in self._seen:
            return ""
        self._seen.add(node)
        for each in ast.walk(node):
            if isinstance(each, ast.Call) and (reach := self._of_call(each.func, depth, owner)):
                return reach
        return ""

    def _of_call(self, called: ast.expr, depth: int, owner: ast.ClassDef | None) -> str:
        names = ast.unparse(called).split(".")
        if names[-1] in ATTRIBUTES and len(names) > 1:
            return ATTRIBUTES[names[-1]]
        if names[0] == "self" and owner is not None and len(names) == 2:
            found = next(
                (m for m in owner.body if isinstance(m, ast.FunctionDef) and m.name == names[1]), None
            )
            return self._reach(found, depth - 1, owner) if found and depth > 0 else ""
        if len(names) == 1 and names[0] in BUILTINS and hasattr(builtins, names[0]):
            return BUILTINS[names[0]]
        path = self._imported.get(names[0], names[0]).split(".") + names[1:]
        if path[0] == "os" and len(path) == 2:
            return "process" if path[1].startswith(("exec", "spawn")) else OS.get(path[1], "")
        if path[0] in MODULES and len(path) > 1 and path[1] != "parse":
            return MODULES[path[0]]
        local = self._body.get(names[0]) if len(names) == 1 else None
        return self._reach(local, depth - 1) if local is not None and depth > 0 else ""


def _imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for each in node.names:
                yield (
                    (each.asname or each.name.split(".")[0]),
                    (each.name if each.asname else each.name.split(".")[0]),
                )
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for each in node.names:
                yield (each.asname or each.name), f"{node.module}.{each.name}"
