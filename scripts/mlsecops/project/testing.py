"""Where a project keeps its tests: what pytest is told, or else what looks like tests."""

from __future__ import annotations

import ast
import configparser
import fnmatch
import posixpath
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlsecops.project.apps import parse
from mlsecops.project.auditing import MAX_TOML
from mlsecops.project.globs import compile_glob
from mlsecops.project.inventory import ProjectError, TestSetup

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

# In the order in which pytest looks for its settings.
SETTINGS = (
    "pytest.toml",
    ".pytest.toml",
    "pytest.ini",
    ".pytest.ini",
    "pyproject.toml",
    "tox.ini",
    "setup.cfg",
)
_FOLDERS = ("tests", "test")
_PATTERNS = ("test_*.py", "*_test.py")


@dataclass(frozen=True, slots=True)
class _Settings:
    source: str
    paths: tuple[str, ...]
    patterns: tuple[str, ...]


def find_tests(
    python: Collection[str], folders: Collection[str], read: Callable[[str], str], uris: Collection[str]
) -> TestSetup:
    """Find the tests among the project's Python files; `read` gives a file's text."""
    settings = _settings(read, uris)
    patterns = settings.patterns if settings and settings.patterns else _PATTERNS
    if settings and settings.paths:
        paths, missing = _existing(settings.paths, {*folders, *python})
        if paths:
            return TestSetup(paths, _below(paths, python, patterns), settings.source, missing)
    else:
        missing = ()
    candidates = [uri for uri in python if _is_named_test(uri, patterns)]
    paths = _outermost({folder for uri in candidates for folder in [_test_folder(uri)] if folder is not None})
    if paths:
        return TestSetup(paths, _below(paths, python, patterns), None, missing)
    files = tuple(sorted(uri for uri in candidates if _holds_tests(read(uri))))
    return TestSetup(files, files, None, missing)


def is_test_file(uri: str, setup: TestSetup) -> bool:
    """Whether a file is one of the tests or of what they share."""
    if uri in setup.files or uri.rpartition("/")[2] == "conftest.py":
        return True
    return any(uri.startswith(f"{path}/") for path in setup.paths if path != ".")


def _settings(read: Callable[[str], str], uris: Collection[str]) -> _Settings | None:
    for name in SETTINGS:
        if name not in uris:
            continue
        try:
            table = _toml_table(name, read(name)) if name.endswith(".toml") else _ini_table(name, read(name))
        except (ValueError, configparser.Error, RecursionError):
            continue
        if table is not None:
            return _Settings(name, _strings(table.get("testpaths")), _strings(table.get("python_files")))
    return None


def _toml_table(name: str, text: str) -> dict[str, Any] | None:
    if len(text) > MAX_TOML:
        return None
    document: Any = tomllib.loads(text)
    keys = ("tool", "pytest") if name == "pyproject.toml" else ("pytest",)
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    if not isinstance(document, dict):
        return None
    old = document.get("ini_options")
    return old if isinstance(old, dict) else document


def _ini_table(name: str, text: str) -> dict[str, Any] | None:
    parser = configparser.RawConfigParser(strict=False)
    parser.read_string(text)
    section = "tool:pytest" if name == "setup.cfg" else "pytest"
    if parser.has_section(section):
        return dict(parser.items(section))
    return {} if name in ("pytest.ini", ".pytest.ini") else None


def _strings(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(value.split())
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()


def _existing(named: Iterable[str], known: Collection[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The named paths (also globs) that exist, and those that do not."""
    paths: list[str] = []
    missing: list[str] = []
    for name in named:
        path = posixpath.normpath(name)
        if path == "." or path in known:
            paths.append(path)
        elif matched := _matched(path, known):
            paths += matched
        else:
            missing.append(name)
    return tuple(dict.fromkeys(paths)), tuple(missing)


def _matched(pattern: str, known: Collection[str]) -> list[str]:
    if not set("*?[") & set(pattern):
        return []
    try:
        glob = compile_glob(f"/{pattern}")
    except ProjectError:
        return []
    return sorted(path for path in known if path and glob.match(path))


def _below(paths: Iterable[str], python: Iterable[str], patterns: Iterable[str]) -> tuple[str, ...]:
    tops = tuple("" if path == "." else f"{path}/" for path in paths)
    exact = set(paths)
    return tuple(
        sorted(
            uri for uri in python if uri in exact or (uri.startswith(tops) and _is_named_test(uri, patterns))
        )
    )


def _is_named_test(uri: str, patterns: Iterable[str]) -> bool:
    name = uri.rpartition("/")[2]
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _test_folder(uri: str) -> str | None:
    """The outermost folder called tests or test that a file is in."""
    parts = uri.split("/")[:-1]
    for depth, part in enumerate(parts):
        if part.lower() in _FOLDERS:
            return "/".join(parts[: depth + 1])
    return None


def _outermost(folders: Collection[str]) -> tuple[str, ...]:
    return tuple(
        sorted(each for each in folders if not any(each.startswith(f"{other}/") for other in folders))
    )


def _holds_tests(source: str) -> bool:
    """Whether a file that is called like a test is one: production code may be called test_rbac.py."""
    try:
        tree = parse(source)
    except SyntaxError:
        return False
    return any(_imports_framework(node) or _is_test(node) for node in tree.body)


def _imports_framework(node: ast.stmt) -> bool:
    if isinstance(node, ast.Import):
        return any(alias.name.partition(".")[0] in ("pytest", "unittest") for alias in node.names)
    return isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in (
        "pytest",
        "unittest",
    )


def _is_test(node: ast.stmt) -> bool:
    if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
        return any(_is_test(inner) for inner in node.body)
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or not node.name.startswith("test"):
        return False
    return any(isinstance(inner, ast.Assert) for inner in ast.walk(node))
