"""Which manifests are to be audited, and which others speak for the rest.

A lock speaks for the loose source beside it only as far as it names every package that the source names:
an old lock must not hide a new dependency.
"""

from __future__ import annotations

import ast
import configparser
import json
import re
import tomllib
from typing import TYPE_CHECKING, Any

from mlsecops.project.apps import parse
from mlsecops.project.inventory import Manifest, Shadowed
from mlsecops.project.requirements import name_of, normalised, parse_requirements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_LOCK_NAME = re.compile(r"""^[ \t]*name[ \t]*=[ \t]*["']([^"']+)["']""", re.MULTILINE)
_MEMBER = re.compile(r"""\b(?:editable|virtual|directory)[ \t]*=[ \t]*["']([^"']+)["']""")
_TEXT_FILE = re.compile(r"(?<![\w./-])[\w./-]+\.(?:txt|in)\b")

MAX_TOML = 1_000_000  # characters; more would take the parser long, and nobody writes as much

# Which locks may speak for which source in the same folder.
_LOCKS = {
    "pyproject": ("uv-lock", "poetry-lock", "pdm-lock", "pylock"),
    "pipfile": ("pipfile-lock",),
    "conda": ("conda-lock",),
    "pixi": ("pixi-lock",),
}


def shadowed(manifests: Sequence[Manifest], read: Callable[[str], str]) -> tuple[Shadowed, ...]:
    """The manifests that need not be audited, and why; `read` gives a file's text."""
    found = (_shadow(manifest, manifests, read) for manifest in manifests)
    return tuple(each for each in found if each is not None)


def declared_names(kind: str, text: str) -> frozenset[str] | None:
    """Normalised names that a manifest asks for; empty when it asks for nothing, None when nobody can tell.

    Raises ValueError when it is broken.
    """
    if kind in ("requirements", "requirements-in", "constraints"):
        said = parse_requirements(text)
        if said.entries + len(said.includes) + said.prose == 0:
            return frozenset()
        return said.names or None
    if kind in ("pyproject", "pipfile") and len(text) > MAX_TOML:
        raise ValueError(f"larger than {MAX_TOML} characters")
    try:
        if kind == "pyproject":
            return _pyproject_names(tomllib.loads(text))
        if kind == "pipfile":
            return _pipfile_names(tomllib.loads(text))
        if kind == "setup-cfg":
            return _setup_cfg_names(text)
        if kind == "setup-py":
            return _setup_py_names(text)
    except (configparser.Error, SyntaxError, RecursionError) as error:
        raise ValueError(str(error)) from error
    return None


def _shadow(manifest: Manifest, manifests: Sequence[Manifest], read: Callable[[str], str]) -> Shadowed | None:
    if manifest.kind == "constraints":
        return Shadowed(manifest, None, "constraints only narrow what other files ask for")
    if manifest.lock:
        return None
    text = read(manifest.uri)
    try:
        names = declared_names(manifest.kind, text)
    except ValueError:
        return None  # broken: whoever audits it has to say so
    if names is not None and not names:
        return Shadowed(manifest, None, "names no packages")
    for other in _speakers(manifest, manifests, read):
        if names is None:
            if manifest.kind in ("conda", "pixi", "pyproject"):
                return Shadowed(manifest, other.uri, f"{other.uri} locks its packages")
        elif names <= _locked_names(other, read(other.uri)):
            verb = "is compiled from it" if manifest.kind == "requirements-in" else "locks its packages"
            return Shadowed(manifest, other.uri, f"{other.uri} {verb}")
    return None if names else _by_reference(manifest, manifests, text)


def _speakers(
    manifest: Manifest, manifests: Sequence[Manifest], read: Callable[[str], str]
) -> Iterator[Manifest]:
    """The manifests that may speak for one."""
    stem = manifest.uri.rpartition(".")[0]
    kinds = _LOCKS.get(manifest.kind, ())
    for other in manifests:
        if manifest.kind == "requirements-in":
            if other.kind == "requirements" and other.uri in (f"{stem}.txt", f"{stem}.lock"):
                yield other
        elif other.kind in kinds and (
            other.group == manifest.group or (other.kind == "uv-lock" and _is_member(manifest, other, read))
        ):
            yield other


def _is_member(manifest: Manifest, lock: Manifest, read: Callable[[str], str]) -> bool:
    """Whether a uv lock above names the manifest's folder as a member of its workspace."""
    prefix = f"{lock.group}/" if lock.group else ""
    if not manifest.group.startswith(prefix):
        return False
    return manifest.group[len(prefix) :] in _MEMBER.findall(read(lock.uri))


def _by_reference(manifest: Manifest, manifests: Sequence[Manifest], text: str) -> Shadowed | None:
    """A setup.py or pyproject.toml that reads its requirements from files that are manifests themselves."""
    if manifest.kind not in ("setup-py", "setup-cfg", "pyproject"):
        return None
    prefix = f"{manifest.group}/" if manifest.group else ""
    known = {other.uri for other in manifests}
    named = [f"{prefix}{name.removeprefix('./')}" for name in _TEXT_FILE.findall(text)]
    requirements = [uri for uri in named if uri in known]
    if not requirements:
        return None
    return Shadowed(manifest, requirements[0], f"reads its packages from {requirements[0]}")


def _locked_names(lock: Manifest, text: str) -> frozenset[str]:
    if lock.kind == "requirements":
        return parse_requirements(text).names
    if lock.kind == "pipfile-lock":
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            return frozenset()
        sections = document.values() if isinstance(document, dict) else ()
        return frozenset(normalised(name) for each in sections if isinstance(each, dict) for name in each)
    # A pattern, since a whole parse of a large lock takes a second.
    return frozenset(normalised(name) for name in _LOCK_NAME.findall(text))


def _pyproject_names(document: dict[str, Any]) -> frozenset[str] | None:
    project = _table(document, "project")
    tool = _table(document, "tool")
    poetry = _table(tool, "poetry")
    lists = [
        project.get("dependencies"),
        *_table(project, "optional-dependencies").values(),
        *_table(document, "dependency-groups").values(),
        *_table(_table(tool, "pdm"), "dev-dependencies").values(),
        _table(tool, "uv").get("dev-dependencies"),
    ]
    names = {
        name
        for each in lists
        if isinstance(each, list)
        for item in each
        if isinstance(item, str) and (name := name_of(item))
    }
    groups = [poetry, *(group for group in _table(poetry, "group").values() if isinstance(group, dict))]
    for table in groups:
        for key in ("dependencies", "dev-dependencies"):
            names |= {normalised(name) for name in _table(table, key) if name.lower() != "python"}
    dynamic = project.get("dynamic")
    if isinstance(dynamic, list) and {"dependencies", "optional-dependencies"} & {
        str(each) for each in dynamic
    }:
        return frozenset(names) or None
    return frozenset(names)


def _pipfile_names(document: dict[str, Any]) -> frozenset[str]:
    sections = (
        each for key, each in document.items() if key not in ("source", "requires", "scripts", "pipenv")
    )
    return frozenset(normalised(name) for each in sections if isinstance(each, dict) for name in each)


def _setup_cfg_names(text: str) -> frozenset[str] | None:
    parser = configparser.RawConfigParser(strict=False)
    parser.read_string(text)
    options = [parser.get("options", "install_requires", fallback="")]
    if parser.has_section("options.extras_require"):
        options += [value for _, value in parser.items("options.extras_require")]
    said = parse_requirements("\n".join(options))
    if any(option.strip().startswith("file:") for option in options):
        return None
    return said.names


def _setup_py_names(text: str) -> frozenset[str] | None:
    """Names in literal lists; None when a list is made by code."""
    names: set[str] = set()
    for node in ast.walk(parse(text)):
        if not isinstance(node, ast.keyword) or node.arg not in ("install_requires", "extras_require"):
            continue
        try:
            value = ast.literal_eval(node.value)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            return None
        lists = value.values() if isinstance(value, dict) else [value]
        items = (item for each in lists if isinstance(each, list | tuple) for item in each)
        names |= {name for item in items if isinstance(item, str) and (name := name_of(item))}
    return frozenset(names) if names or "install_requires" not in text else None


def _table(document: dict[str, Any], key: str) -> dict[str, Any]:
    value = document.get(key)
    return value if isinstance(value, dict) else {}
