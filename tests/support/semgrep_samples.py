"""The annotated samples of the semgrep rules, whole and cut into pieces that stand alone."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

Match = tuple[str, int, str]
"""A file relative to its folder, a line and a rule."""

_ANNOTATION = re.compile(r"\s*#\s*(ruleid|ok):\s*(.+)$")
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def annotated(samples: Path, kind: str) -> Iterator[Match]:
    """File, line and rule of each annotation of a kind (`ruleid`, `ok`); it speaks of the next line."""
    for path in sorted(samples.rglob("*.py")):
        waiting: list[str] = []
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            found = _ANNOTATION.match(line)
            if found:
                waiting += [each.strip() for each in found[2].split(",") if found[1] == kind]
                continue
            yield from ((path.relative_to(samples).as_posix(), number, rule) for rule in waiting)
            waiting = []


def alone(source: str) -> Iterator[tuple[range, str]]:
    """Every function and class of a source by itself: its lines, and the source with all else blanked.

    What stays are the imports and assignments it needs and the module's statements about it, on their own
    lines; comments go. What is found in a piece does not owe it to words that stand elsewhere in the file.
    """
    tree = ast.parse(source)
    lines = _without_comments(source)
    simple = [node for node in tree.body if isinstance(node, ast.Assign | ast.AugAssign)]
    for piece in tree.body:
        if not isinstance(piece, _DEFINITIONS):
            continue
        kept: list[ast.stmt] = [piece]
        while more := [each for each in simple if each not in kept and _belongs(each, piece, kept)]:
            kept += more
        text = [""] * len(lines)
        for node in kept:
            text[_span(node).start - 1 : _span(node).stop - 1] = [lines[at - 1] for at in _span(node)]
        for node in tree.body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                text[node.lineno - 1] = _needed(node, _names(kept))
        yield _span(piece), "\n".join(text)


def _belongs(node: ast.stmt, piece: ast.stmt, kept: list[ast.stmt]) -> bool:
    return bool(_names([node], ast.Store) & _names(kept)) or getattr(piece, "name", "") in _names([node])


def _names(nodes: list[ast.stmt], context: type[ast.expr_context] = ast.expr_context) -> set[str]:
    every = (each for node in nodes for each in ast.walk(node))
    return {each.id for each in every if isinstance(each, ast.Name) and isinstance(each.ctx, context)}


def _needed(node: ast.Import | ast.ImportFrom, names: set[str]) -> str:
    used = [each for each in node.names if (each.asname or each.name.partition(".")[0]) in names]
    if not used:
        return ""
    whole = (
        ast.Import(used) if isinstance(node, ast.Import) else ast.ImportFrom(node.module, used, node.level)
    )
    return ast.unparse(whole)


def _span(node: ast.stmt) -> range:
    first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))])
    return range(first, (node.end_lineno or node.lineno) + 1)


def _without_comments(source: str) -> list[str]:
    lines = source.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column].rstrip()
    return lines
