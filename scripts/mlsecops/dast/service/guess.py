"""How a project's service is started when the policy does not say: one guess per framework."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlsecops.job import ToolError
from mlsecops.project import Project
from mlsecops.project.inventory import App

LAUNCHER = Path(__file__).with_name("launch.py")
# Of several in one file, the one that holds the others.
_OUTERMOST = ("dash", "connexion", "fastapi", "flask")
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
    """What to start. Raises ToolError when there is nothing, or more than one application."""
    files: dict[str, list[App]] = {}
    for app in startable(project):
        files.setdefault(app.uri, []).append(app)
    if not files:
        raise ToolError("there is no application that could be started; name what starts it in dast.start")
    if len(files) > 1:
        named = ", ".join(sorted(files)[:3])
        raise ToolError(
            f"several files make an application ({named}); name what starts the service in dast.start"
        )
    uri, apps = next(iter(files.items()))
    return Guess(_outermost(apps), import_root(uri, {file.uri for file in project.files}))


def import_root(uri: str, files: Collection[str]) -> str:
    """The folder that a module's import starts from: the first one above it that is no package."""
    folder = posixpath.dirname(uri)
    while folder and f"{folder}/__init__.py" in files:
        folder = posixpath.dirname(folder)
    return folder


def _outermost(apps: Sequence[App]) -> App:
    """The one to start of a file: by framework, then one that has a name, then the last one made."""
    return max(apps, key=lambda app: (-_OUTERMOST.index(app.framework), bool(app.name), app.line))
