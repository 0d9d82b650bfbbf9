"""Where the project's code loads its model files, and from which routes of a web service that is reached.

By the text of the sources alone: constants, paths put together of constants, and calls by name. What only
shows when the program runs is not found, so a file without a load is not one that nothing loads.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field

from mlsecops.notebooks import NotebookError, convert
from mlsecops.project import Project, ProjectError
from mlsecops.project.apps import MAX_SOURCE, parse
from mlsecops.reach.loaders import loader, shown
from mlsecops.reach.program import Program
from mlsecops.reach.routes import Graph
from mlsecops.reach.scopes import Scope, read_module
from mlsecops.reach.texts import ROOT, UNKNOWN, Texts, argument

_MOST_BYTES = 32 << 20
_MOST_LOADS = 5


@dataclass(frozen=True, slots=True)
class Load:
    """A call that loads a model file: where, by what, and the routes that lead there (`POST /forecast`)."""

    uri: str
    line: int
    call: str
    routes: tuple[str, ...] = ()
    texts: frozenset[str] = field(default=frozenset(), repr=False)


@dataclass(frozen=True, slots=True)
class Reach:
    """All calls of a project that load models."""

    found: tuple[Load, ...]

    def loads(self, uri: str) -> tuple[Load, ...]:
        """The calls that load a model file, or a folder that it is in; those that a route reaches first."""
        own = [load for load in self.found if any(names(text, uri) for text in load.texts)]
        own.sort(key=lambda load: (not load.routes, load.uri, load.line))
        return tuple(own[:_MOST_LOADS])


def reach(project: Project) -> Reach:
    """Read the project's Python files and notebooks, and find what loads models."""
    lines: dict[str, list[int]] = {}
    program = Program.of(modules(project, lines))
    texts, graph = Texts(program), Graph.of(program)
    found = []
    for call, scope in program.calls():
        name = program.name(call.func, scope)
        wanted = loader(name)
        given = argument(call, *wanted) if wanted else None
        if given is not None:
            line = lines.get(scope.uri, [])
            place = line[call.lineno - 1] if call.lineno <= len(line) else call.lineno
            routes = graph.leading_to(call)
            found.append(Load(scope.uri, place, shown(name), routes, texts.of(given, scope)))
    return Reach(tuple(found))


def names(text: str, uri: str) -> bool:
    """Whether a path that code names is that of a file of the project, or of a folder that it is in."""
    if UNKNOWN in text:
        text = text[text.rindex(UNKNOWN) + 1 :]
        if not text.startswith("/"):
            return False
        text = text[1:]
    rooted = text.startswith(ROOT)
    path = posixpath.normpath(text.removeprefix(ROOT).removeprefix("file://"))
    if rooted:
        path = path.lstrip("/")
        return uri == path or uri.startswith(f"{path}/")
    absolute = path.startswith("/")
    while path.startswith(("../", "/")):
        path = path.removeprefix("../").removeprefix("/")
    if path in ("", ".", ".."):
        return False
    if f"/{uri}".endswith(f"/{path}") or f"/{path}/" in f"/{uri}":
        return True
    folder = posixpath.dirname(uri)
    return absolute and any(f"/{path}".endswith(f"/{each}") for each in (uri, folder) if each)


def modules(project: Project, lines: dict[str, list[int]]) -> Iterator[Scope]:
    """The files that can be parsed; `lines` gets where the lines of a notebook's code stand in its file."""
    spent = 0
    for uri in (*project.python, *project.notebooks):
        try:
            size = project.file(uri).size
            spent += size
            if size > MAX_SOURCE or spent > _MOST_BYTES:
                continue
            if uri in project.notebooks:
                notebook = convert(project.read_bytes(uri))
                source = notebook.source
                count = source.count("\n") + 1
                lines[uri] = [notebook.origin(number).source_line for number in range(1, count + 1)]
            else:
                source = project.read_text(uri)
            yield read_module(uri, parse(source))
        except (OSError, ProjectError, NotebookError, SyntaxError, RecursionError):
            continue
