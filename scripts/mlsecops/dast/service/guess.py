"""How a project's service is started when the policy does not say: one guess per framework."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlsecops.job import ToolError
from mlsecops.project import Project
from mlsecops.project.inventory import App

LAUNCHER = Path(__file__).with_name("launch.py")
# Of several in one file, the one that holds the others.
_OUTERMOST = ("dash", "connexion", "fastapi", "flask")
# Files that say what is started, and their lines that do.
_STARTS = re.compile(
    r"(?:^|/)(?:[\w.-]*Dockerfile[\w.-]*|Procfile|(?:docker-)?compose[\w.-]*\.ya?ml|[\w-]+\.service)$"
)
_COMMAND = re.compile(r"CMD|ENTRYPOINT|FLASK_APP|ExecStart|^\w+:|command|entrypoint|uvicorn|gunicorn|python")
_ASIDE = frozenset({"example", "examples", "demo", "demos", "docs", "doc", "sample", "samples", "benchmarks"})


@dataclass(frozen=True, slots=True)
class Guess:
    """An application to start: its file below the project, and the folders that it imports from."""

    app: App
    root: str

    def argv(self, python: Path, source: Path, port: int) -> tuple[str, ...]:
        """The command that serves it at a port, for the copy of the project in `source`."""
        file = source / self.app.uri
        if not self.app.name:
            return (str(python), str(file))
        folders = [str(source / self.root), str(source), str(source / "src")]
        return (str(python), str(LAUNCHER), str(file), self.app.name, folders[0], str(port), *folders[1:])


def startable(project: Project) -> list[App]:
    """The applications that can be started without being told how; examples where there are no others."""
    own = [app for app in project.apps if app.framework in _OUTERMOST]
    return [app for app in own if not _ASIDE & set(app.uri.split("/")[:-1])] or own


def guess(project: Project) -> Guess:
    """What to start. Raises ToolError when there is nothing, or nothing tells which of several it is."""
    files: dict[str, list[App]] = {}
    for app in startable(project):
        files.setdefault(app.uri, []).append(app)
    if not files:
        raise ToolError("there is no application that could be started; name what starts it in dast.start")
    known = {file.uri for file in project.files}
    roots = {uri: import_root(uri, known) for uri in files}
    for choose in (_started, _outer):
        chosen = choose(project, roots) if len(files) > 1 else set(files)
        if len(chosen) == 1:
            uri = chosen.pop()
            return Guess(_outermost(files[uri]), roots[uri])
    named = ", ".join(sorted(files)[:3])
    raise ToolError(
        f"several files make an application ({named}); name what starts the service in dast.start"
    )


def _started(project: Project, roots: Mapping[str, str]) -> set[str]:
    """The files that an image, a Procfile or a unit starts: as a path, or as a module of a server."""
    lines = [
        line
        for file in project.files
        if _STARTS.search(file.uri)
        for line in _text(project, file.uri).splitlines()
        if _COMMAND.search(line)
    ]
    return {uri for uri, root in roots.items() if any(_names(line, uri, root) for line in lines)}


def _names(line: str, uri: str, root: str) -> bool:
    """Whether a command names a file, or the module it is, and nothing longer."""
    words = re.split(r"[\s\"',:=\[\]()]+", line)
    return any(word == _module(uri, root) or f"/{word}".endswith(f"/{uri}") for word in words)


def _outer(project: Project, roots: Mapping[str, str]) -> set[str]:
    """The files that none of the others imports: what is imported is a part."""
    imported = {uri: set(_imported(_text(project, uri), _module(uri, root))) for uri, root in roots.items()}
    return {
        uri
        for uri, root in roots.items()
        if not any(_module(uri, root) in names for other, names in imported.items() if other != uri)
    }


def _imported(text: str, module: str) -> Iterator[str]:
    """Every name that a module imports, in full."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = module.split(".")[: -node.level] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{each.name}".lstrip(".") for each in node.names)


def _text(project: Project, uri: str) -> str:
    try:
        return project.read_text(uri)
    except (OSError, ValueError):
        return ""


def _module(uri: str, root: str) -> str:
    """The name that a file is imported by."""
    return uri.removeprefix(f"{root}/").removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def import_root(uri: str, files: Collection[str]) -> str:
    """The folder that a module's import starts from: the first one above it that is no package."""
    folder = posixpath.dirname(uri)
    while folder and f"{folder}/__init__.py" in files:
        folder = posixpath.dirname(folder)
    return folder


def _outermost(apps: Sequence[App]) -> App:
    """The one to start of a file: by framework, then one that has a name, then the last one made."""
    return max(apps, key=lambda app: (-_OUTERMOST.index(app.framework), bool(app.name), app.line))
