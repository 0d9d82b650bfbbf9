"""How each Dockerfile of a project is built: its context, target and arguments."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from mlsecops import dockerfiles
from mlsecops.dockerfiles.instruction import expand
from mlsecops.policy import ContainerSettings
from mlsecops.project import Project

_COMPOSE = re.compile(r"(?:docker-)?compose(?:[.-][\w.-]+)?\.ya?ml")
_URL = re.compile(r"[a-z+]+://|git@")


@dataclass(frozen=True, slots=True)
class Recipe:
    """One build. `context` is a folder of the project, "" for its root; `origin` says who named it."""

    dockerfile: str
    context: str
    target: str | None = None
    arguments: tuple[tuple[str, str], ...] = ()
    origin: str = ""


def recipes(project: Project, settings: ContainerSettings) -> list[Recipe]:
    """One recipe for each Dockerfile that is to be built.

    The policy's context counts, else that of the first Compose service that builds the file, else the
    Dockerfile's own folder if everything that it copies is there, else the root.
    """
    composed = {recipe.dockerfile: recipe for recipe in reversed(list(_composed(project)))}
    files = frozenset(file.uri for file in project.files)
    made = []
    for uri in settings.dockerfiles or project.dockerfiles:
        known = composed.get(uri)
        if settings.context is not None:
            context = posixpath.normpath(settings.context)
            made.append(
                Recipe(
                    uri,
                    "" if context == "." else context,
                    known.target if known else None,
                    known.arguments if known else (),
                    "policy",
                )
            )
        else:
            made.append(known or Recipe(uri, _guess(project, uri, files)))
    return made


def _composed(project: Project) -> Iterator[Recipe]:
    for uri in project.text_files:
        if not _COMPOSE.fullmatch(posixpath.basename(uri).lower()):
            continue
        try:
            document = yaml.safe_load(project.read_text(uri))
        except (OSError, yaml.YAMLError, RecursionError, ValueError, OverflowError):
            continue  # its tool says so; what it builds is guessed
        services = document.get("services") if isinstance(document, dict) else None
        for service in services.values() if isinstance(services, dict) else ():
            build = service.get("build") if isinstance(service, dict) else None
            if recipe := _of_service(build, uri):
                yield recipe


def _of_service(build: object, uri: str) -> Recipe | None:
    settings: Mapping[str, Any] = build if isinstance(build, dict) else {"context": build}
    named, inline = settings.get("context", "."), settings.get("dockerfile_inline")
    written = expand(named, {}) if isinstance(named, str) else None
    if written is None or inline or _URL.match(written) or posixpath.isabs(written):
        return None
    context = posixpath.normpath(posixpath.join(posixpath.dirname(uri), written))
    if context.startswith(".."):
        return None
    context = "" if context == "." else context
    file = str(settings.get("dockerfile") or "Dockerfile")
    target = settings.get("target")
    return Recipe(
        posixpath.normpath(posixpath.join(context, file)),
        context,
        target if isinstance(target, str) else None,
        tuple(_arguments(settings.get("args"))),
        uri,
    )


def _arguments(written: object) -> Iterator[tuple[str, str]]:
    """Arguments whose values stand in the file; others are the environment's."""
    if isinstance(written, list):
        pairs: list[tuple[str, object]] = [
            (name, value) for name, given, value in (str(each).partition("=") for each in written) if given
        ]
    else:
        pairs = [(str(name), value) for name, value in written.items()] if isinstance(written, dict) else []
    for name, value in pairs:
        text = str(value).lower() if isinstance(value, bool) else None if value is None else str(value)
        filled = None if text is None else expand(text, {})
        if filled is not None:
            yield name, filled


def _guess(project: Project, uri: str, files: frozenset[str]) -> str:
    folder = posixpath.dirname(uri)
    return folder if not folder or _all_there(_copied(project, uri), folder, files) else ""


def _copied(project: Project, uri: str) -> list[str]:
    """What a Dockerfile copies from its context, as far as that is written out."""
    try:
        dockerfile = dockerfiles.parse(project.read_text(uri))
    except (OSError, ValueError):
        return []
    return [
        source
        for each in dockerfile.instructions
        if each.keyword in ("ADD", "COPY") and each.flag("from") is None
        for source in each.words()[:-1]
        if not re.search(r"[$*?\[]|<<|://", source)
    ]


def _all_there(sources: Sequence[str], folder: str, files: frozenset[str]) -> bool:
    for source in sources:
        path = posixpath.normpath(posixpath.join(folder, source.lstrip("/")))
        if path not in files and not any(each.startswith(f"{path}/") for each in files):
            return False
    return True
